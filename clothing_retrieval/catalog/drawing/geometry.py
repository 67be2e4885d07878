"""Outlines in centimetres and the pose that carries them into a picture.

Garments share the coordinates of the body that wears them: the origin is the base of the neck, x grows to the
viewer's right, y downwards; shoulders lie near y = 4, the waist at y = 41, the soles at y = 152.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Points = NDArray[np.float64]  # (n, 2) x, y
Point = tuple[float, float]


def points(pairs: Iterable[Point]) -> Points:
    return np.array(list(pairs), dtype=np.float64).reshape(-1, 2)


def curve(*through: Point, samples: int = 9) -> list[Point]:
    """A Catmull-Rom curve through all of the points, from the first to the last."""
    if len(through) < 3:
        return list(through)
    knots = points(through)
    knots = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    t = np.linspace(0.0, 1.0, samples, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(knots[:-3], knots[1:-2], knots[2:-1], knots[3:], strict=True):
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - 3 * c + d - a) * t**3))
    path = np.vstack([*pieces, knots[-2:-1]])
    return [(float(x), float(y)) for x, y in path]


def closed(*through: Point, samples: int = 9) -> list[Point]:
    """A smooth curve through all of the points and back to the first."""
    whole = curve(*through[-2:], *through, *through[:2], samples=samples)
    return whole[2 * samples : (len(through) + 2) * samples]


def mirror(path: Iterable[Point]) -> list[Point]:
    return [(-x, y) for x, y in path]


def symmetric(right_half: Sequence[Point]) -> Points:
    """Closes an outline whose right half runs from the top centre to the bottom centre."""
    return points([*right_half, *reversed(mirror(right_half))])


def ellipse(centre: Point, radius_x: float, radius_y: float, samples: int = 40) -> Points:
    angle = np.linspace(0, 2 * np.pi, samples, endpoint=False)
    return np.stack([centre[0] + radius_x * np.cos(angle), centre[1] + radius_y * np.sin(angle)], axis=1)


def rectangle(left: float, top: float, right: float, bottom: float, rounding: float = 0.0) -> Points:
    if rounding <= 0:
        return points([(left, top), (right, top), (right, bottom), (left, bottom)])
    r = rounding
    corners = [
        (right - r, top + r, -90),
        (right - r, bottom - r, 0),
        (left + r, bottom - r, 90),
        (left + r, top + r, 180),
    ]
    angles = np.radians(np.linspace(0, 90, 7))
    return np.vstack(
        [
            np.stack([x + r * np.cos(angles + np.radians(a)), y + r * np.sin(angles + np.radians(a))], 1)
            for x, y, a in corners
        ]
    )


def turned(path: Points, degrees: float, about: Point) -> Points:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    centre = np.array(about)
    return np.asarray((path - centre) @ np.array([[c, s], [-s, c]]) + centre)


def moved(path: Points, dx: float, dy: float, scale: float = 1.0) -> Points:
    return np.asarray(path * scale + np.array([dx, dy]))


@dataclass(frozen=True)
class Pose:
    """Where a garment lies in the picture: pixel = (point + sway) @ matrix + offset."""

    matrix: Points  # (2, 2)
    offset: Points  # (2,)
    unit: float  # pattern units (hundredths of the garment's larger side) in one centimetre
    middle: float = 0.0  # height of the garment's middle, in centimetres: where patterns begin
    sway: Points = field(default_factory=lambda: np.zeros((3, 5)))  # (k, 5): amplitude x, y, frequency x, y, phase

    @classmethod
    def fit(
        cls,
        outlines: Sequence[Points],
        width: int,
        height: int,
        fill: float,
        angle: float = 0.0,
        shift: Point = (0.0, 0.0),
        shear: float = 0.0,
        sway: Points | None = None,
    ) -> Pose:
        """The outlines take `fill` of the frame, turned by `angle` degrees, moved by `shift` parts of it."""
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        turn = np.array([[1.0, 0.0], [shear, 1.0]]) @ np.array([[c, s], [-s, c]])
        spread = np.vstack(outlines)
        seen = spread @ turn
        low, high = seen.min(axis=0), seen.max(axis=0)
        scale = fill * min(width / (high[0] - low[0]), height / (high[1] - low[1]))
        centre = np.array([width * (0.5 + shift[0]), height * (0.5 + shift[1])])
        offset = centre - (low + high) / 2 * scale
        extent = float(np.ptp(spread, axis=0).max())
        middle = float(spread[:, 1].min() + spread[:, 1].max()) / 2
        waves = np.zeros((1, 5)) if sway is None else sway * [extent, extent, 1, 1, 1]
        return cls(turn * scale, offset, 100.0 / extent, middle, waves)

    @property
    def scale(self) -> float:
        """Pixels in a centimetre."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix))))

    def place(self, path: Points) -> Points:
        """Centimetres to pixels."""
        swayed = path.astype(np.float64)
        for ax, ay, fx, fy, phase in self.sway:
            wave = path[:, 0] * fx * self.unit + path[:, 1] * fy * self.unit + phase
            swayed = swayed + np.stack([ax * np.sin(wave), ay * np.cos(wave)], axis=1)
        return np.asarray(swayed @ self.matrix + self.offset)

    def grid(self, left: int, top: int, right: int, bottom: int) -> tuple[Floats, Floats]:
        """Centimetres at each pixel of a box: x and y, each (bottom - top, right - left)."""
        inverse = np.linalg.inv(self.matrix)
        columns = np.arange(left, right, dtype=np.float64) + 0.5 - self.offset[0]
        rows = np.arange(top, bottom, dtype=np.float64)[:, None] + 0.5 - self.offset[1]
        x = columns * inverse[0, 0] + rows * inverse[1, 0]
        y = columns * inverse[0, 1] + rows * inverse[1, 1]
        return x.astype(np.float32), y.astype(np.float32)
