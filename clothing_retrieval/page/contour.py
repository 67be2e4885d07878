"""A garment's mask as an outline that SVG can draw."""

import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import PIL.Image

_SIDE = 480
_SMOOTHING = 5
_KEEP_EVERY = 3
_SHORTEST = 24

Mask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outline:
    """In a box of 1000 × 1000, however wide the picture is; (x, y) lies amid the garment."""

    polygons: Sequence[Points]
    """Each (n, 2), x and y. A point is inside where it is inside an odd number of them."""
    x: float
    y: float

    @property
    def path(self) -> str:
        """The ``d`` of an SVG path, to be filled by ``evenodd``."""
        return " ".join(map(_path, self.polygons))


def outline(mask_png: bytes) -> Outline | None:
    """The outline of a mask, or None where it is empty."""
    with PIL.Image.open(io.BytesIO(mask_png), formats=["PNG"]) as picture:
        picture.thumbnail((_SIDE, _SIDE), PIL.Image.Resampling.NEAREST)
        mask: Mask = np.asarray(picture.convert("L")) > 0
    loops = [loop for loop in _loops(mask) if len(loop) >= _SHORTEST]
    if not loops:
        return None
    scale = 1000 / np.array(mask.shape[::-1])
    x, y = _amid(mask) * scale
    return Outline([_smooth(loop) * scale for loop in loops], float(x), float(y))


def _loops(mask: Mask) -> list[Points]:
    """Closed lines along the mask's border, through the middles of the pixels' edges: each (n, 2), x and y."""
    follows = _border(mask)
    loops = []
    while follows:
        corner = start = next(iter(follows))
        corners = []
        while True:
            corners.append(corner)
            ends = follows[corner]
            after = ends.pop()
            if not ends:
                del follows[corner]
            corner = after
            if corner == start:
                break
        points = np.array(corners, np.float64)
        loops.append((points + np.roll(points, -1, axis=0)) / 2)
    return loops


def _border(mask: Mask) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """From each corner on the border to the next, with the mask on the right hand."""
    padded = np.pad(mask, 1)
    inside = padded[1:-1, 1:-1]
    sides = (
        (padded[:-2, 1:-1], (0, 0), (1, 0)),
        (padded[1:-1, 2:], (1, 0), (1, 1)),
        (padded[2:, 1:-1], (1, 1), (0, 1)),
        (padded[1:-1, :-2], (0, 1), (0, 0)),
    )
    follows: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for neighbour, (from_x, from_y), (to_x, to_y) in sides:
        rows, columns = np.nonzero(inside & ~neighbour)
        for x, y in zip(columns.tolist(), rows.tolist(), strict=True):
            follows[x + from_x, y + from_y].append((x + to_x, y + to_y))
    return follows


def _smooth(loop: Points) -> Points:
    reach = range(-(_SMOOTHING // 2), _SMOOTHING // 2 + 1)
    smooth: Points = np.mean([np.roll(loop, shift, axis=0) for shift in reach], axis=0)
    return smooth[::_KEEP_EVERY]


def _path(loop: Points) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in loop) + "Z"


def _amid(mask: Mask) -> Points:
    """The mask's pixel nearest to its centre of gravity, as x and y."""
    rows, columns = np.nonzero(mask)
    nearest = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
    return np.array((columns[nearest] + 0.5, rows[nearest] + 0.5))
