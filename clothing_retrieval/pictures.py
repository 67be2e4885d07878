"""Small JPEGs of large pictures, to store with an item and to show."""

import base64
import io
import struct
import zlib

import PIL.Image
import PIL.ImageOps

from clothing_retrieval.v1.types_pb2 import Pixels

MAX_STORED_BYTES = 64 * 2**10
"""What a catalogue stores of a picture."""
MAX_PIXELS = 80_000_000
"""A picture of more is refused before it is decoded."""

_FORMATS = ("JPEG", "PNG", "WEBP")
_DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError,
    struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's readers raise."""


class UnreadablePicture(Exception):
    """The bytes are no picture that can be read. The message says why, not which."""


def read(encoded: bytes, side: int) -> PIL.Image.Image:
    """The picture upright, as RGB on white, no side longer than ``side``."""
    try:
        with PIL.Image.open(io.BytesIO(encoded), formats=_FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise UnreadablePicture(f"more than {MAX_PIXELS // 1_000_000} million pixels")
            picture.draft("RGB", (side, side))  # a JPEG is decoded at a fraction of its size
            picture.thumbnail((side, side), PIL.Image.Resampling.LANCZOS)
            return flatten(upright(picture))
    except PIL.UnidentifiedImageError:
        raise UnreadablePicture("not a JPEG, PNG or WebP file") from None
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        raise UnreadablePicture(f"more than {MAX_PIXELS // 1_000_000} million pixels") from None
    except _DAMAGE as error:
        raise UnreadablePicture(f"damaged picture: {error}") from error


def upright(picture: PIL.Image.Image) -> PIL.Image.Image:
    """The picture as its metadata says it is to be shown; unturned where they are damaged."""
    picture.load()  # damaged pixels are another matter
    try:
        return PIL.ImageOps.exif_transpose(picture)
    except _DAMAGE:
        return picture


def flatten(picture: PIL.Image.Image) -> PIL.Image.Image:
    """The picture as RGB, on white where it is transparent."""
    if picture.mode.startswith("I"):  # 16 bits a pixel, which Pillow would clip instead of scale
        return picture.convert("I").point(lambda value: value / 257).convert("RGB")
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        return PIL.Image.alpha_composite(PIL.Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return picture.convert("RGB")


def jpeg(picture: PIL.Image.Image, quality: int = 85) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def thumbnail(encoded: bytes, side: int = 256, max_bytes: int = MAX_STORED_BYTES) -> bytes:
    """A JPEG of at most ``max_bytes``, upright, no side longer than ``side``.

    Raises:
        UnreadablePicture: the bytes are no picture that can be read.
    """
    picture = read(encoded, side)
    for quality in (85, 70, 50, 30):
        small = jpeg(picture, quality)
        if len(small) <= max_bytes:
            return small
    return thumbnail(encoded, side // 2, max_bytes)


def from_pixels(pixels: Pixels) -> PIL.Image.Image:
    return PIL.Image.frombytes("RGB", (pixels.width, pixels.height), pixels.rgb)


def data_uri(content: bytes, kind: str = "image/jpeg") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
