"""Photo in, garments out: decode, run the parser, cut out."""

import asyncio
import dataclasses
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from clothing_retrieval.v1 import types_pb2
from segment_service.garments import Garment, Rules, find_garments
from segment_service.look import Floats, Parsed
from segment_service.looks import Looks, advance, looks
from segment_service.parser import load_parser
from segment_service.settings import Settings
from serving import telemetry, tracing
from serving.admission import Admission
from serving.cpus import available_cpus
from serving.deadline import Deadline
from serving.engine import Loaded
from serving.images import ImageLimits, Picture, Raster, decode
from serving.model_runner import ModelRunner
from serving.pool import WorkPool

STAGE = "segment"


@dataclass(frozen=True)
class Wanted:
    """What a caller asks for. ``min_confidence`` None: the service's default; ``cutout_size`` 0: no cutouts."""

    categories: frozenset[str]
    min_confidence: float | None
    cutout_size: int
    masks: bool
    alternatives: bool = False
    trimmed: bool = False
    """Cutouts without white on two sides, which spares a third of their bytes."""


@dataclass(frozen=True)
class Segmented:
    """A garment with what was made of it. Boxes are in pixels of the upright original."""

    garment: Garment
    cutout: Raster | None
    mask_png: bytes
    """A 1-bit PNG the size of the upright original; empty where it was not asked for."""


@dataclass(frozen=True)
class Photo:
    """What was found in one photo. ``width`` and ``height`` are those of the upright original."""

    width: int
    height: int
    garments: list[Segmented]


class Segmenter:
    """Owns the parser and the threads around it.

    ``load`` stands in for the parser that the settings name.
    """

    def __init__(self, settings: Settings, load: Callable[[], Loaded] | None = None) -> None:
        self._rules = settings.rules()
        self._limits = ImageLimits()
        self._queue = settings.queue
        self._on_cpu = settings.device == "cpu"
        self._pool = WorkPool(STAGE, available_cpus())
        load = load or functools.partial(load_parser, settings)
        self.runner = ModelRunner(settings, stage=STAGE, load=load, tuning=settings.tuning())

    @property
    def categories(self) -> frozenset[str]:
        return frozenset(self.runner.served.manifest.garments)

    async def segment(
        self, image: types_pb2.Image, wanted: Wanted, deadline: Deadline, *, background: bool = False
    ) -> Photo:
        """Finds the garments in a photo, largest first.

        Raises:
            InvalidImage, InvalidField: the photo cannot be used.
            Overloaded, DeadlineExceeded, Unavailable
        """
        run = functools.partial(self._pool.run, deadline, background=background)
        self.runner.require_time(deadline, self._admission.taken(background=background))
        with self._admission.enter(background=background):
            # What waits beyond this is still encoded: a decoded photo may take a hundred times the memory.
            asked = time.monotonic()
            async with self._decoded[background]:
                waited = telemetry.WAIT_SECONDS.labels(STAGE, telemetry.priority(background))
                waited.observe(time.monotonic() - asked)
                tracing.waited(asked)
                picture, looking, step = await run(lambda: self._begin(image, wanted))
                while not isinstance(step, Photo):
                    logits = await self.runner.run(
                        step, deadline, background=background, alone=self._admission.only_one()
                    )
                    step = await run(functools.partial(self._go_on, looking, logits, picture, wanted, deadline))
                return step

    async def start(self) -> None:
        """Loads and warms up. Raises ModelError."""
        await self.runner.start()
        capacity = self.runner.capacity
        # A GPU's next batch is made ready meanwhile. A CPU works on one photo at a time, in an engine or around it:
        # where more are begun, all take longer.
        decoded = capacity + 1 if self._on_cpu else 2 * capacity + available_cpus()
        # In an overload a batch waits beside those that run: an engine finds work at once, and more would only be late.
        self._admission = Admission(STAGE, self._queue, steady=capacity + self.runner.max_batch)
        # No search waits for a place until an import lets go of it.
        self._decoded = {background: asyncio.Semaphore(decoded) for background in (False, True)}

    async def stop(self) -> None:
        await self.runner.stop()
        self._pool.stop()

    def _begin(self, image: types_pb2.Image, wanted: Wanted) -> tuple[Picture, Looks, Raster | Photo]:
        with tracing.span("decode"), telemetry.DECODE_SECONDS.labels(STAGE).time():
            picture = decode(image, self._limits)
        manifest, garments = self.runner.served.manifest, self.categories
        is_garment = [label in garments for label in manifest.labels]
        size = (manifest.input.height, manifest.input.width)
        looking = looks(picture.pixels, size, is_garment, self._rules, again=wanted.alternatives)
        return picture, looking, next(looking)

    def _go_on(
        self, looking: Looks, logits: Floats, picture: Picture, wanted: Wanted, deadline: Deadline
    ) -> Raster | Photo:
        """What the parser is to see next, or what was found."""
        with tracing.span("look closer"):
            step = advance(looking, logits)
        return self._cut_out(step, picture, wanted, deadline) if isinstance(step, list) else step

    def _cut_out(self, seen: list[Parsed], picture: Picture, wanted: Wanted, deadline: Deadline) -> Photo:
        rules = self._rules
        if wanted.min_confidence is not None:
            rules = dataclasses.replace(rules, min_confidence=wanted.min_confidence)
        labels = self.runner.served.manifest.labels
        with tracing.span("cut out"):
            found = find_garments(
                seen, labels, self.categories, rules, categories=wanted.categories, alternatives=wanted.alternatives
            )
            segmented = []
            for garment in found:
                deadline.check(STAGE)  # the mask of a large photo takes a tenth of a second
                segmented.append(self._render(garment, picture, wanted, rules))
        return Photo(picture.width, picture.height, segmented)

    def _render(self, garment: Garment, picture: Picture, wanted: Wanted, rules: Rules) -> Segmented:
        zoom = picture.width / picture.pixels.shape[1]
        in_original = garment.scaled(zoom, picture.height, picture.width)
        cutout = garment.cutout(picture.pixels, wanted.cutout_size, rules) if wanted.cutout_size else None
        return Segmented(
            garment=in_original,
            cutout=garment.trimmed(cutout) if cutout is not None and wanted.trimmed else cutout,
            mask_png=_png(in_original.mask(picture.height, picture.width)) if wanted.masks else b"",
        )


def _png(mask: NDArray[np.bool_]) -> bytes:
    """Of 1 bit a pixel."""
    _, encoded = cv2.imencode(".png", 255 * mask.view(np.uint8), [cv2.IMWRITE_PNG_BILEVEL, 1])
    return encoded.tobytes()
