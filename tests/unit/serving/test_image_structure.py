from typing import Any

import pytest

from clothing_retrieval.v1 import types_pb2
from serving.errors import InvalidImage
from serving.image_structure import MOST_CHUNKS, MOST_SCANS, MOST_SEGMENTS, excess
from serving.images import ImageLimits, decode
from tests import bombs
from tests.pictures import encoded, noise


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (bombs.jpeg_of_scans(MOST_SCANS + 1, 64), f"has more than {MOST_SCANS} scans: save the picture anew"),
        (bombs.jpeg_of_segments(MOST_SEGMENTS), f"has more than {MOST_SEGMENTS} segments"),
        (bombs.png_of_chunks(MOST_CHUNKS), f"has more than {MOST_CHUNKS} chunks"),
    ],
    ids=["scans", "segments", "chunks"],
)
def test_a_file_that_asks_for_too_much_work_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(InvalidImage, match=problem):
        decode(types_pb2.Image(encoded=data), ImageLimits())


@pytest.mark.parametrize(
    "data",
    [
        bombs.jpeg_of_scans(MOST_SCANS, 64),
        bombs.jpeg_of_segments(MOST_SEGMENTS - 20),
        bombs.png_of_chunks(MOST_CHUNKS - 20),
        bombs.webp_of_frames(100, 64),
        bombs.apng_of_frames(100, 64),
    ],
    ids=["scans", "segments", "chunks", "frames of WebP", "frames of PNG"],
)
def test_as_much_as_is_allowed_is_read(data: bytes) -> None:
    picture = decode(types_pb2.Image(encoded=data), ImageLimits())
    assert (picture.width, picture.height) == (64, 64)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}], ids=str)
def test_neither_the_data_of_a_picture_nor_a_film_behind_it_are_taken_for_scans(options: dict[str, Any]) -> None:
    data = encoded(noise(1000, 1000), "JPEG", quality=100, **options)
    assert excess(data) is None
    assert excess(data + b"\xff\xda\0\2" * 1000) is None


def test_an_end_that_stands_inside_of_a_comment_hides_no_scans() -> None:
    data = bombs.jpeg_of_scans(MOST_SCANS + 1, 64)
    comment = b"\xff\xfe\0\x04\xff\xd9"
    assert excess(data[:2] + comment + data[2:]) == f"more than {MOST_SCANS} scans"


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xda", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n\0"]
)
def test_what_is_cut_off_has_nothing_too_much(data: bytes) -> None:
    assert excess(data) is None
