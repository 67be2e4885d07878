"""Which looks are taken at a photo, by a parser that labels by colour."""

import numpy as np
import pytest

from segment_service.garments import Rules
from segment_service.look import Floats, Look, Parsed
from segment_service.looks import looks, take
from serving.images import Raster

RED = (200, 0, 0)
CANVAS = (96, 64)


def street(*garments: tuple[slice, slice]) -> Raster:
    """A grey photo, 192 × 128, with red garments."""
    photo = np.full((192, 128, 3), 90, np.uint8)
    for rows, columns in garments:
        photo[rows, columns] = RED
    return photo


class Colours:
    """Takes red for clothing; keeps the canvases that it was shown."""

    def __init__(self) -> None:
        self.shown: list[Raster] = []

    def __call__(self, canvas: Raster) -> Floats:
        self.shown.append(canvas)
        red = (canvas[::4, ::4, 0].astype(np.float32) - canvas[::4, ::4, 1]) / 10
        return np.stack([10 - red, red])


def seen(photo: Raster, closer_look: float = 2.0, *, again: bool = False) -> tuple[list[Raster], list[Parsed]]:
    parser = Colours()
    parsed = take(looks(photo, CANVAS, [False, True], Rules(closer_look=closer_look), again=again), parser)
    return parser.shown, parsed


LARGE = street((np.s_[20:170], np.s_[20:80]), (np.s_[20:100], np.s_[80:110]))
SMALL = street((np.s_[100:140], np.s_[20:35]), (np.s_[100:110], np.s_[35:50]))


def test_large_clothing_is_looked_at_once() -> None:
    shown, parsed = seen(LARGE)
    assert (len(shown), len(parsed)) == (1, 1)


def test_garments_are_found_in_the_closer_look_where_there_is_one() -> None:
    shown, (parsed,) = seen(SMALL)
    assert len(shown) == 2
    assert parsed.look.scale > 2 * Look.at_all(SMALL, CANVAS).scale
    assert len(seen(SMALL, closer_look=float("inf"))[0]) == 1


@pytest.mark.parametrize(("photo", "number"), [(LARGE, 2), (SMALL, 3)], ids=["large", "small"])
def test_for_alternatives_the_clothing_is_seen_again_mirrored(photo: Raster, number: int) -> None:
    shown, (parsed, again) = seen(photo, again=True)
    assert len(shown) == number
    assert (parsed.look.mirrored, again.look.mirrored) == (False, True)
    assert again.look.scale > Look.at_all(photo, CANVAS).scale
    columns = round(again.look.window.width * again.look.scale)
    plain = again.look.mirror().show(photo)[:, :columns]
    assert np.abs(plain[:, ::-1] - shown[-1][:, :columns].astype(int)).mean() < 2
    assert np.abs(plain - shown[-1][:, :columns].astype(int)).mean() > 2


def test_without_clothing_nothing_is_looked_at_again() -> None:
    shown, parsed = seen(street(), again=True)
    assert (len(shown), len(parsed)) == (1, 1)
