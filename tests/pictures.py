"""Pictures drawn for a test: plain garments whose colours the parser of tests/engines.py knows."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from clothing_retrieval.v1 import types_pb2
from tests.engines import COLOURS

Raster = NDArray[np.uint8]


def photo(
    *garments: tuple[str, tuple[int, int, int, int]], size: tuple[int, int] = (192, 256), ground: str = "background"
) -> Image.Image:
    """A white photo, ``size`` as (width, height), with a rectangle (left, top, right, bottom) for each garment."""
    picture = Image.new("RGB", size, COLOURS[ground])
    draw = ImageDraw.Draw(picture)
    for label, (left, top, right, bottom) in garments:
        draw.rectangle((left, top, right - 1, bottom - 1), COLOURS[label])
    return picture


def striped(label: str, stripe: tuple[int, int, int], at: int, size: tuple[int, int] = (192, 256)) -> Image.Image:
    """One garment with a band across it, near enough to its colour to be the same garment: an item of its own."""
    picture = photo((label, (48, 48, 144, 208)), size=size)
    near = tuple(round(0.7 * ground + 0.3 * band) for ground, band in zip(COLOURS[label], stripe, strict=True))
    ImageDraw.Draw(picture).rectangle((48, 48 + at, 143, 48 + at + 39), near)
    return picture


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def message(picture: Image.Image | bytes) -> types_pb2.Image:
    return types_pb2.Image(encoded=picture if isinstance(picture, bytes) else encoded(picture))


def raster(picture: Image.Image) -> Raster:
    return np.asarray(picture.convert("RGB"))


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def patched(number: int) -> Image.Image:
    """A dress of 4 × 4 patches, each a shade of its own: no two numbers look alike."""
    shades = np.random.default_rng(number).integers(-25, 26, (4, 4, 3))
    garment = np.clip(np.array(COLOURS["dress"]) + np.kron(shades, np.ones((40, 24, 1), int)), 0, 255)
    canvas = np.full((256, 192, 3), 255, np.uint8)
    canvas[48:208, 48:144] = garment
    return Image.fromarray(canvas)
