"""A model being served: its file checked, its engines warm, its batcher running."""

import asyncio
import functools
import hashlib
import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from clothing_retrieval.v1 import types_pb2
from serving import telemetry
from serving.batching import Batcher
from serving.deadline import NO_DEADLINE, Deadline
from serving.engine import Engine, Loaded
from serving.images import Raster
from serving.models import ModelError, ServedModel
from serving.settings import WorkerSettings

log = logging.getLogger(__name__)

_GPU_BATCH = 16


class ModelRunner:
    """Runs pictures through one model on all engines of this worker."""

    def __init__(
        self,
        settings: WorkerSettings,
        *,
        stage: str,
        load: Callable[[], Loaded],
        cpu_batch: int = 1,
        tuning: str = "",
    ) -> None:
        """
        Args:
            cpu_batch: the largest batch on a CPU, where the settings name none.
            tuning: what makes answers others than those of the same model elsewhere.
        """
        self._settings = settings
        self._cpu_batch = cpu_batch
        self._stage = stage
        self._load = load
        self._tuning = tuning
        self._instances = 0
        self._batcher: Batcher[Raster, NDArray[np.float32]] | None = None
        self.served: ServedModel

    @property
    def digest(self) -> str:
        """The model's; where it is tuned, the SHA-256 of both. Answers of one digest are the same."""
        digest = self.served.digest
        return hashlib.sha256(f"{digest} {self._tuning}".encode()).hexdigest() if self._tuning else digest

    @property
    def capacity(self) -> int:
        """Pictures that all engines together take at a time."""
        return self._instances * self.max_batch

    async def start(self) -> None:
        """Loads, then runs every engine at every batch size it will meet. Raises ModelError."""
        loaded = await asyncio.to_thread(self._load_and_warm_up)
        self._batcher = Batcher(
            [functools.partial(_run, engine) for engine in loaded.engines],
            stage=self._stage,
            max_batch=self.max_batch,
            max_delay_s=self._settings.max_delay_ms / 1000,
            wide=functools.partial(_run, loaded.wide) if loaded.wide else None,
        )
        self._batcher.start()

    async def run(
        self, picture: Raster, deadline: Deadline, *, background: bool = False, alone: bool = False
    ) -> NDArray[np.float32]:
        """(height, width, 3) uint8 RGB → the model's output for it. Raises DeadlineExceeded or Unavailable.

        ``alone``: it is all that this worker has to do.
        """
        return await self._running().submit(picture, deadline, background=background, alone=alone)

    def require_time(self, deadline: Deadline, ahead: int = 0) -> None:
        """Raises DeadlineExceeded where a picture with so many others before it cannot be done in time."""
        deadline.check(self._stage, self._running().least_s(ahead))

    async def check(self) -> str | None:
        """Why the model cannot run now; None when it can. An engine that failed is tried once more here."""
        batcher = self._running()
        if batcher.dead():
            return "a task that feeds an engine died"
        if batcher.running_for_s() > self._settings.stall_s:  # told alike each time: who watches hears of changes
            return f"an engine has been busy with one batch for more than {self._settings.stall_s:g} s"
        if batcher.failing:
            try:
                await batcher.submit(self._blank(), NO_DEADLINE)
            except Exception as error:  # noqa: BLE001 whatever an engine raises is why
                return f"the engine fails: {error}"
        return None

    async def stop(self) -> None:
        if self._batcher:
            await self._batcher.stop()

    def describe(self) -> types_pb2.Model:
        manifest = self.served.manifest
        return types_pb2.Model(
            name=manifest.name,
            version=manifest.version,
            digest=self.digest,
            device=self._settings.device,
            categories=manifest.garments,
            dimension=manifest.dimension,
            input_size=manifest.input.height if manifest.kind == "embed" else 0,
            confusions=[
                types_pb2.Confusion(predicted=predicted, actual=actual, share=share)
                for predicted, shares in manifest.confusion.items()
                for actual, share in shares.items()
            ],
        )

    @property
    def max_batch(self) -> int:
        """Pictures that an engine takes at a time."""
        return self._settings.max_batch or (self._cpu_batch if self._settings.device == "cpu" else _GPU_BATCH)

    def _load_and_warm_up(self) -> Loaded:
        settings, loaded = self._settings, self._load()
        self.served = loaded.model
        self._instances = len(loaded.engines)
        manifest = self.served.manifest
        for engine in loaded.engines:
            for count in range(1, self.max_batch + 1):
                self._warm_up(engine, count)
        if loaded.wide:
            self._warm_up(loaded.wide, 1)
        telemetry.ENGINES.labels(self._stage).set(self._instances)
        telemetry.MODEL_INFO.labels(
            manifest.name, manifest.version, self.digest, settings.device, self.served.precision
        ).set(1)
        log.info(
            "serving %s %s (%s) on %s, %d engines, batches up to %d",
            manifest.name, manifest.version, self.served.precision, settings.device, self._instances, self.max_batch,
        )  # fmt: skip
        return loaded

    def _warm_up(self, engine: Engine, count: int) -> None:
        """On so many pictures. Raises ModelError where the output is not what the manifest says."""
        shape = engine.run(np.stack([self._blank()] * count)).shape
        manifest = self.served.manifest
        if manifest.kind == "embed":
            output, fits, needed = "embedding", shape == (count, manifest.dimension), f"({count}, {manifest.dimension})"
        else:
            output = "logits"
            fits = len(shape) == 4 and shape[:2] == (count, len(manifest.labels))
            needed = f"({count}, {len(manifest.labels)}, height, width)"
        if not fits:
            raise ModelError(
                f"{self.served.file}: {output} of {count} pictures has shape {shape}, by model.json it is {needed}"
            )

    def _blank(self) -> Raster:
        size = self.served.manifest.input
        return np.zeros((size.height, size.width, 3), np.uint8)

    def _running(self) -> Batcher[Raster, NDArray[np.float32]]:
        if self._batcher is None:
            raise RuntimeError("the model was not started")
        return self._batcher


def _run(engine: Engine, pictures: list[Raster]) -> list[NDArray[np.float32]]:
    return list(engine.run(pictures[0][None] if len(pictures) == 1 else np.stack(pictures)))
