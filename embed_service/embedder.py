"""Pictures in, unit vectors out."""

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clothing_retrieval.v1 import types_pb2
from embed_service.settings import Settings
from serving import telemetry, tracing
from serving.admission import Admission
from serving.cpus import available_cpus
from serving.deadline import Deadline
from serving.images import ImageLimits, Raster, decode, fit_square
from serving.model_runner import ModelRunner
from serving.onnx_engine import load_onnx
from serving.pool import WorkPool
from serving.tasks import all_of

STAGE = "embed"

_CPU_BATCH = 4
"""The network computes no faster so, but threads and the event loop meet less often: 2 % more photos."""


class Embedder:
    """Owns the embedding model and the threads that decode for it."""

    def __init__(self, settings: Settings) -> None:
        self._admission = Admission(STAGE, settings.queue)
        self._pool = WorkPool(STAGE, available_cpus())
        load = functools.partial(load_onnx, settings, kind="embed", model=settings.model, output="embedding")
        self.runner = ModelRunner(settings, stage=STAGE, load=load, cpu_batch=_CPU_BATCH)

    async def embed(
        self, images: Sequence[types_pb2.Image], deadline: Deadline, *, background: bool = False
    ) -> list[NDArray[np.float32]]:
        """One unit vector, (dimension,), for each picture, in the same order.

        Raises:
            InvalidImage, InvalidField: a picture cannot be used; the field names which.
            Overloaded, DeadlineExceeded, Unavailable
        """
        ahead = self._admission.taken(background=background) + len(images) - 1
        self.runner.require_time(deadline, ahead)
        with self._admission.enter(len(images), background=background):
            # All are decoded before the first is computed: a bad one costs no model time.
            with tracing.span("decode", pictures=len(images)):
                pictures = await self._decode_all(images, deadline, background)
            run = functools.partial(
                self.runner.run, deadline=deadline, background=background, alone=self._admission.only_one()
            )
            return await all_of(map(run, pictures))

    async def stop(self) -> None:
        await self.runner.stop()
        self._pool.stop()

    async def _decode_all(
        self, images: Sequence[types_pb2.Image], deadline: Deadline, background: bool
    ) -> list[Raster]:
        side = self.runner.served.manifest.input.height
        limits = ImageLimits(decoded_side=side)

        def decode_one(index: int) -> Raster:
            with telemetry.DECODE_SECONDS.labels(STAGE).time():
                picture = decode(images[index], limits, f"images[{index}]")
            return fit_square(picture.pixels, side)

        if all(_ready(image, side) for image in images):
            return [decode_one(index) for index in range(len(images))]  # cutouts, ready to embed: no thread needed
        run = functools.partial(self._pool.run, deadline, background=background)
        return await all_of(run(functools.partial(decode_one, index)) for index in range(len(images)))


def _ready(image: types_pb2.Image, side: int) -> bool:
    return image.HasField("pixels") and max(image.pixels.width, image.pixels.height) == side
