"""Bytes of strangers in, upright 8-bit RGB pixels out."""

import io
import math
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from clothing_retrieval.v1 import types_pb2
from serving.errors import InvalidField, InvalidImage
from serving.image_structure import excess

Raster: TypeAlias = NDArray[np.uint8]  # (h, w, 3) RGB

FORMATS = ("JPEG", "PNG", "WEBP")
LETTERBOX_GREY = 127

# Pictures are worked on by as many threads as there are cores: OpenCV's own would only be in their way.
cv2.setNumThreads(1)
# Pillow's own bound warns or raises by a size of its own choosing; ours is checked before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = None

_DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError,
    struct.error, zlib.error,
)  # fmt: skip
_STRIP = 1 << 20  # pixels
_EXIF_ORIENTATION = 0x0112
_UPRIGHT: dict[int, Callable[[Raster], Any]] = {  # in a tenth of the time that Pillow takes
    2: lambda pixels: cv2.flip(pixels, 1),
    3: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_180),
    4: lambda pixels: cv2.flip(pixels, 0),
    5: cv2.transpose,
    6: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE),
    7: lambda pixels: cv2.flip(cv2.transpose(pixels), -1),
    8: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE),
}
_SIDEWAYS = (5, 6, 7, 8)


@dataclass(frozen=True)
class ImageLimits:
    """What is accepted from callers.

    ``decoded_side`` bounds work: a picture whose shorter side is at least twice as long is scaled down, as long as the
    shorter side stays at or above it; a JPEG is decoded at 1/2, 1/4 or 1/8 scale.
    """

    max_bytes: int = 20 * 2**20
    max_pixels: int = 50_000_000
    min_side: int = 16
    decoded_side: int = 768


@dataclass(frozen=True)
class Picture:
    """A decoded picture. ``width`` and ``height`` are those of the upright original, in pixels."""

    pixels: Raster
    width: int
    height: int


def decode(image: types_pb2.Image, limits: ImageLimits, field: str = "image") -> Picture:
    """Decodes an Image message.

    Raises:
        InvalidImage: what was sent is no JPEG, PNG or WebP file, is damaged, or lies outside the limits.
        InvalidField: nothing was sent, or the raster's size does not fit its bytes.
    """
    match image.WhichOneof("content"):
        case "encoded":
            return decode_file(image.encoded, limits, f"{field}.encoded")
        case "pixels":
            return _raster(image.pixels, limits, f"{field}.pixels")
        case _:
            raise InvalidField(field, "is empty: send a JPEG, PNG or WebP file in `encoded`, or a raster in `pixels`")


def decode_file(data: bytes, limits: ImageLimits, field: str) -> Picture:
    if not data:
        raise InvalidImage("is empty: send the bytes of a JPEG, PNG or WebP file", field)
    if len(data) > limits.max_bytes:
        raise InvalidImage(f"has {len(data)} bytes, the limit is {limits.max_bytes}: send a smaller picture", field)
    if too_much := excess(data):
        raise InvalidImage(f"has {too_much}: save the picture anew", field)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as file:
            width, height = file.size
            _check_size(width, height, limits, field)
            _reduce_scale(file, limits.decoded_side)
            file.load()
            orientation = _orientation(file)
            pixels = _pixels(file, limits.decoded_side)
            if (turn := _UPRIGHT.get(orientation)) is not None:
                pixels = turn(pixels)
    except UnidentifiedImageError as error:  # its text is about an object in memory, not about the picture
        raise InvalidImage("cannot be read as a JPEG, PNG or WebP file", field) from error
    except _DECODER_ERRORS as error:
        raise InvalidImage(f"cannot be read as a JPEG, PNG or WebP file ({error})", field) from error
    if orientation in _SIDEWAYS:
        width, height = height, width
    return Picture(pixels, width, height)


def letterbox(pixels: Raster, height: int, width: int) -> tuple[Raster, float]:
    """Scales a picture to fit and places it top-left on grey.

    Returns:
        The canvas, (height, width, 3), and the scale: canvas pixels for each picture pixel.
    """
    scale = min(height / pixels.shape[0], width / pixels.shape[1])
    canvas = np.full((height, width, 3), LETTERBOX_GREY, np.uint8)
    scaled = resize(
        pixels, max(1, min(height, round(pixels.shape[0] * scale))), max(1, min(width, round(pixels.shape[1] * scale)))
    )
    canvas[: scaled.shape[0], : scaled.shape[1]] = scaled
    return canvas, scale


def fit_square(pixels: Raster, side: int) -> Raster:
    """Scales a picture to fit a square and centres it on white: (side, side, 3)."""
    height, width = pixels.shape[:2]
    if height == width == side:
        return pixels
    scale = side / max(height, width)
    scaled = resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)))
    top, left = (side - scaled.shape[0]) // 2, (side - scaled.shape[1]) // 2
    canvas = np.full((side, side, 3), 255, np.uint8)
    canvas[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    return canvas


def resize(pixels: Raster, height: int, width: int) -> Raster:
    """Scaled to (height, width, 3); where that is smaller, each pixel is the mean of the area that it stands for.

    A picture of that size is returned as it is.

    OpenCV takes several times as long for areas of a fraction of a pixel, so these are made whole first: the result
    differs by less than a grey level, root mean square.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    whole = (width * _times(pixels.shape[1], width), height * _times(pixels.shape[0], height))
    if whole != (pixels.shape[1], pixels.shape[0]):
        pixels = cv2.resize(pixels, whole, interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _times(source: int, target: int) -> int:
    """How many whole pixels one of the target is the mean of."""
    return max(2, round(source / target)) if source > target else 1


def _check_size(width: int, height: int, limits: ImageLimits, field: str) -> None:
    if min(width, height) < limits.min_side:
        raise InvalidImage(
            f"is {width} × {height} pixels, at least {limits.min_side} × {limits.min_side} are needed", field
        )
    if width * height > limits.max_pixels:
        raise InvalidImage(
            f"is {width} × {height} pixels, the limit is {limits.max_pixels} altogether: send a smaller picture", field
        )


def _orientation(file: Image.Image) -> int:
    try:
        return int(file.getexif().get(_EXIF_ORIENTATION, 1))
    except _DECODER_ERRORS:  # damaged metadata around a sound picture: taken as upright
        return 1


def _reduce_scale(file: Image.Image, side: int) -> None:
    shorter = min(file.size)
    if isinstance(file, JpegImageFile) and shorter >= 2 * side:  # and so MPO, the JPEG that many phones write
        scale = side / shorter
        file.draft(None, (math.ceil(file.width * scale), math.ceil(file.height * scale)))


def _pixels(image: Image.Image, side: int) -> Raster:
    """In RGB; where the shorter side is at least twice ``side``, scaled down to no less than that.

    In strips: a copy of the whole would take 200 MB of the largest pictures that are read, in each mode on the way.
    """
    times = max(1, min(image.size) // side)
    if times == 1 and image.mode == "RGB" and not image.has_transparency_data:
        return np.asarray(image)
    height, width = math.ceil(image.height / times), math.ceil(image.width / times)
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, _STRIP // (image.width * times))
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        strip = image.crop((0, top * times, image.width, min(image.height, bottom * times)))
        pixels[top:bottom] = resize(_to_rgb(strip), bottom - top, width)
    return pixels


def _to_rgb(image: Image.Image) -> Raster:
    if image.mode.startswith("I"):  # 16-bit grey, which convert() would clip
        grey = np.asarray(image).astype(np.uint32)
        return np.repeat((grey >> 8).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    if image.has_transparency_data:
        layer = image if image.mode == "RGBA" else image.convert("RGBA")
        image = Image.new("RGB", layer.size, "white")
        image.paste(layer, mask=layer)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))  # convert() always copies


def _raster(pixels: types_pb2.Pixels, limits: ImageLimits, field: str) -> Picture:
    _check_size(pixels.width, pixels.height, limits, field)
    rgb = pixels.rgb  # copied each time that it is asked for
    expected = pixels.width * pixels.height * 3
    if len(rgb) != expected:
        raise InvalidField(
            f"{field}.rgb", f"has {len(rgb)} bytes, {pixels.width} × {pixels.height} × 3 = {expected} are needed"
        )
    raster = np.frombuffer(rgb, np.uint8).reshape(pixels.height, pixels.width, 3)
    return Picture(raster, pixels.width, pixels.height)
