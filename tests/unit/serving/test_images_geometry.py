import numpy as np
import pytest

from serving.images import LETTERBOX_GREY, fit_square, letterbox, resize
from tests.pictures import noise, raster


def test_a_letterboxed_picture_lies_top_left_on_grey() -> None:
    canvas, scale = letterbox(np.zeros((50, 100, 3), np.uint8), 80, 60)
    assert scale == pytest.approx(0.6)
    assert canvas.shape == (80, 60, 3)
    assert not canvas[:30].any()
    assert (canvas[30:] == LETTERBOX_GREY).all()


@pytest.mark.parametrize(("height", "width"), [(1, 5000), (5000, 1), (17, 17), (3000, 16), (768, 1024)])
def test_a_picture_of_any_shape_fits_both_frames(height: int, width: int) -> None:
    picture = np.zeros((height, width, 3), np.uint8)
    canvas, _ = letterbox(picture, 80, 60)
    assert canvas.shape == (80, 60, 3)
    square = fit_square(picture, 32)
    assert square.shape == (32, 32, 3)
    assert not square[15:17, 15:17].all()


def test_a_picture_of_the_right_size_is_not_scaled_again() -> None:
    picture = raster(noise(32, 32))
    np.testing.assert_array_equal(fit_square(picture, 32), picture)


def test_a_tall_picture_is_centred_on_white() -> None:
    square = fit_square(np.zeros((64, 32, 3), np.uint8), 32)
    assert (square[:, :8] == 255).all()
    assert not square[:, 8:24].any()
    assert (square[:, 24:] == 255).all()


def test_shrinking_averages_and_a_raster_that_may_not_be_written_is_read() -> None:
    pixels = np.frombuffer(bytes([0, 0, 0, 255, 255, 255] * 8), np.uint8).reshape(4, 4, 3)
    assert set(resize(pixels, 2, 2).ravel().tolist()) <= {127, 128}
    assert letterbox(pixels, 8, 8)[0].shape == (8, 8, 3)
