"""The segment service with an engine that takes a fixed time and no CPU, so that few cores can play many workers.

    STAND_IN_MS=200 SEGMENT_LISTEN=127.0.0.1:50051 python -m benchmarks.stand_in

It finds no garment: the gateway takes the photo as it is.
"""

import functools
import os
import time
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from segment_service.settings import Settings
from segment_service.worker import SegmentWorker
from serving.engine import Loaded
from serving.images import Raster
from serving.models import DEFAULT_FOLDER, load_model
from serving.server import serve

SERVICE_MS = "STAND_IN_MS"
_STRIDE = 4
_SURE = 10.0


class SleepingEngine:
    """``run`` takes ``service_s`` for a batch of any size, and labels all pixels with the first label: background."""

    def __init__(self, service_s: float, labels: int) -> None:
        self._service_s = service_s
        self._labels = labels

    def run(self, pictures: Raster) -> NDArray[np.float32]:
        """(n, height, width, 3) → (n, labels, height / 4, width / 4)."""
        time.sleep(self._service_s)
        count, height, width = pictures.shape[:3]
        logits = np.zeros((count, self._labels, height // _STRIDE, width // _STRIDE), np.float32)
        logits[:, 0] = _SURE
        return logits


def load(settings: Settings, service_s: float) -> Loaded:
    """The parser's manifest, on one engine that sleeps."""
    folder = Path(settings.models_dir) if settings.models_dir else DEFAULT_FOLDER
    model = load_model(folder, settings.model, "segment", settings.precision, settings.device)
    return Loaded(model, [SleepingEngine(service_s, len(model.manifest.labels))])


def main() -> NoReturn:
    service_s = float(os.environ[SERVICE_MS]) / 1000
    serve(Settings, lambda settings: SegmentWorker(settings, functools.partial(load, settings, service_s)))


if __name__ == "__main__":
    main()
