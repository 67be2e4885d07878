import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.photos import fresh, read_photos
from serving.images import ImageLimits, decode_file


def jpeg(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (32, 24), (shade, 90, 90)).save(file, "JPEG")
    return file.getvalue()


def test_fresh_photos_never_repeat_and_show_the_same() -> None:
    given = [jpeg(10), jpeg(200)]
    found = list(itertools.islice(fresh(given), 6))
    assert len(set(found)) == 6
    shown = [decode_file(photo, ImageLimits(), "image").pixels for photo in (*given, *found)]
    for place, pixels in enumerate(shown[2:]):
        assert np.array_equal(pixels, shown[place % 2])


def test_photos_come_from_all_over_the_folder(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / f"{number}.jpg").write_bytes(bytes([number]))
    (tmp_path / "0.png").write_bytes(b"no JPEG")
    assert read_photos(tmp_path, 5) == [b"\0", b"\2", b"\4", b"\6", b"\x08"]
    with pytest.raises(SystemExit, match=r"no \.jpg here"):
        read_photos(tmp_path / "none")
