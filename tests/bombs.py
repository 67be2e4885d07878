"""Small files that ask for much: of each format that is allowed."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

SIDE = 7_071
"""As large as a square picture may be, in pixels."""
_PNG_HEAD, _PNG_TAIL = 33, 12  # signature and IHDR; IEND
_BLOCKS_SKIPPED = 32_767  # by one code


def png(mode: str = "RGBA", side: int = SIDE) -> bytes:
    return _saved(Image.new(mode, (side, side)), "PNG")


def webp() -> bytes:
    return _saved(Image.new("RGBA", (SIDE, SIDE), (9, 9, 9, 9)), "WEBP", lossless=True)


def jpeg() -> bytes:
    return _saved(Image.new("RGB", (SIDE, SIDE)), "JPEG", progressive=True)


def jpeg_of_scans(count: int, side: int = SIDE) -> bytes:
    """A grey progressive JPEG in which each scan, of some 80 bytes, walks over all of the picture to change nothing."""
    blocks = ((side + 7) // 8) ** 2
    tables = _segment(0xDB, b"\0" + b"\1" * 64)
    frame = _segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0")
    lowest = _segment(0xC4, b"\x00" + bytes([1] + [0] * 15) + b"\0")  # one code, "0": no difference
    others = _segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\xe0")  # one code, "0": end of a band of 2^14 + 14 bits
    first = _segment(0xDA, b"\1\1\0\0\0\0") + bytes(blocks // 8 + 1)
    bits = ("0" + "1" * 14) * (blocks // _BLOCKS_SKIPPED + 1)
    bits += "1" * (-len(bits) % 8)
    nothing = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    again = _segment(0xDA, b"\1\1\0\1\x3f\0") + nothing
    return b"\xff\xd8" + tables + frame + lowest + others + first + again * (count - 1) + b"\xff\xd9"


def jpeg_of_segments(count: int) -> bytes:
    data = _saved(Image.new("RGB", (64, 64)), "JPEG")
    return data[:2] + _segment(0xFE, b"") * count + data[2:]


def png_of_chunks(count: int) -> bytes:
    data = png("RGB", 64)
    return data[:_PNG_HEAD] + _chunk(b"abCd", b"") * count + data[_PNG_HEAD:]


def png_of_text(kind: bytes, size: int) -> bytes:
    """With a text or profile that is ``size`` bytes once inflated."""
    data = png("RGB", 64)
    return data[:_PNG_HEAD] + _chunk(kind, b"a\0\0" + zlib.compress(bytes(size), 9)) + data[_PNG_HEAD:]


def webp_of_frames(count: int, side: int) -> bytes:
    frames = [Image.new("RGB", (side, side), (number % 256, number // 256, 0)) for number in range(count)]
    return _saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True, method=0)


def apng_of_frames(count: int, side: int) -> bytes:
    frames = [Image.new("RGB", (side, side), (number % 256, number // 256, 0)) for number in range(count)]
    return _saved(frames[0], "PNG", save_all=True, append_images=frames[1:])


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _segment(marker: int, data: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
