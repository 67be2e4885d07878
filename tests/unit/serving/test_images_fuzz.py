"""Whatever strangers send, it is either a picture within the limits or refused as one."""

import io

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from clothing_retrieval.v1 import types_pb2
from serving.errors import InvalidField
from serving.images import ImageLimits, decode
from tests.fuzzing import tries
from tests.pictures import encoded, noise

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")  # Pillow warns of damage that it then reads around

_EXIF = Image.Exif()
_EXIF[0x0112] = 6
_LIMITS = ImageLimits(max_pixels=1_000_000, decoded_side=20)
_PICTURE = noise(48, 40)
SOUND = [
    encoded(_PICTURE, "JPEG", exif=_EXIF),
    encoded(_PICTURE, "JPEG", progressive=True),
    encoded(_PICTURE.convert("CMYK"), "JPEG"),
    encoded(_PICTURE, "MPO", save_all=True, append_images=[_PICTURE]),
    encoded(_PICTURE, "PNG", exif=_EXIF),
    encoded(_PICTURE.convert("RGBA"), "PNG"),
    encoded(_PICTURE.convert("P"), "PNG", transparency=0),
    encoded(_PICTURE, "PNG", save_all=True, append_images=[_PICTURE.convert("L").convert("RGB")]),
    encoded(Image.fromarray(np.arange(1600, dtype=np.uint16).reshape(40, 40)), "PNG"),
    encoded(_PICTURE, "WEBP", exif=_EXIF),
    encoded(_PICTURE.convert("RGBA"), "WEBP", lossless=True),
]


def check(data: bytes) -> None:
    try:
        picture = decode(types_pb2.Image(encoded=data), _LIMITS)
    except InvalidField as refused:  # and nothing else
        assert refused.field == "image.encoded"
        return
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.shape[2] == 3
    assert picture.width * picture.height <= _LIMITS.max_pixels
    assert (picture.width >= picture.height) == (picture.pixels.shape[1] >= picture.pixels.shape[0])
    Image.open(io.BytesIO(data)).load()  # what Pillow by itself refuses is refused


def test_the_files_to_damage_are_sound() -> None:
    for data in SOUND:
        assert decode(types_pb2.Image(encoded=data), _LIMITS).pixels.std() > 0


@tries(150)
@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    check(data)


@tries(150)
@given(
    st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\x40\x00\x00\x00WEBPVP8 "]),
    st.binary(max_size=400),
)
def test_any_bytes_behind_the_magic_of_a_format(magic: bytes, data: bytes) -> None:
    check(magic + data)


@tries(600)
@given(
    st.sampled_from(SOUND),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
)
@example(SOUND[0], [(0.0, 0)])
def test_a_file_with_bytes_changed(data: bytes, changes: list[tuple[float, int]]) -> None:
    damaged = bytearray(data)
    for where, value in changes:
        # Headers are where damage is interesting: the square leans towards the front.
        damaged[int(where**2 * len(damaged))] = value
    check(bytes(damaged))


@tries(150)
@given(st.sampled_from(SOUND), st.floats(0, 1), st.floats(0, 1), st.binary(max_size=40))
def test_a_file_with_a_piece_cut_out_and_another_put_in(data: bytes, start: float, end: float, put_in: bytes) -> None:
    first, last = sorted((int(start * len(data)), int(end * len(data))))
    check(data[:first] + put_in + data[last:])


@tries(150)
@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1), st.binary(max_size=2000))
def test_any_raster(width: int, height: int, rgb: bytes) -> None:
    with pytest.raises(InvalidField):
        decode(types_pb2.Image(pixels=types_pb2.Pixels(width=width, height=height, rgb=rgb)), _LIMITS)


def test_exif_of_any_bytes_leaves_a_sound_picture_readable() -> None:
    for seed in range(200):
        exif = b"Exif\0\0II*\0\x08\0\0\0" + np.random.default_rng(seed).bytes(60)
        file = io.BytesIO()
        _PICTURE.save(file, "JPEG", exif=exif)
        check(file.getvalue())
