"""What lies behind: floors, walls, sheets. Each surface is brightness, (height, width) around 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from clothing_retrieval.catalog.drawing.folds import creases, noise
from clothing_retrieval.catalog.drawing.geometry import Floats
from clothing_retrieval.catalog.palette import Color

TONES: dict[str, tuple[Color, ...]] = {
    "wall": ((0.90, 0.89, 0.87), (0.83, 0.85, 0.86), (0.88, 0.84, 0.78), (0.72, 0.74, 0.75), (0.80, 0.85, 0.82)),
    "paper": ((0.95, 0.95, 0.94), (0.93, 0.91, 0.87), (0.90, 0.92, 0.94), (0.96, 0.92, 0.90)),
    "planks": ((0.74, 0.60, 0.44), (0.60, 0.45, 0.31), (0.80, 0.73, 0.63), (0.58, 0.56, 0.53), (0.42, 0.29, 0.20)),
    "carpet": ((0.66, 0.64, 0.60), (0.52, 0.54, 0.57), (0.74, 0.68, 0.58), (0.42, 0.40, 0.39)),
    "sheet": ((0.92, 0.92, 0.91), (0.80, 0.83, 0.88), (0.85, 0.80, 0.75), (0.62, 0.20, 0.22), (0.36, 0.42, 0.50)),
    "concrete": ((0.62, 0.62, 0.61), (0.72, 0.71, 0.69), (0.50, 0.50, 0.51)),
    "tiles": ((0.86, 0.85, 0.82), (0.74, 0.75, 0.77), (0.70, 0.63, 0.56)),
}
FLOORS = ("planks", "carpet", "sheet", "concrete", "tiles", "paper")
WALLS = ("wall", "wall", "paper", "concrete")


def backdrop(kind: str, tone: Color, width: int, height: int, rng: np.random.Generator) -> Floats:
    """(3, height, width) float32 sRGB."""
    light = _light(width, height, rng) * _SURFACES[kind](width, height, rng)
    return np.asarray(np.array(tone, np.float32)[:, None, None] * light, dtype=np.float32)


def _light(width: int, height: int, rng: np.random.Generator) -> Floats:
    """A lamp to one side."""
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    slope_x, slope_y = rng.normal(0, 0.05), rng.normal(-0.03, 0.04)
    return np.asarray(1 + np.float32(slope_x) * x + np.float32(slope_y) * y - np.float32(0.04) * (x * x + y * y))


def _wall(width: int, height: int, rng: np.random.Generator) -> Floats:
    rough = rng.normal(0, 0.012, (height, width)).astype(np.float32)
    return np.asarray(1 + rough + np.float32(0.012) * noise(width, height, 5, 6, rng))


def _paper(width: int, height: int, rng: np.random.Generator) -> Floats:
    return np.asarray(1 + np.float32(0.008) * noise(width, height, 4, 4, rng))


def _planks(width: int, height: int, rng: np.random.Generator) -> Floats:
    """Boards that run up the picture, with grain and joints."""
    count = int(rng.integers(4, 7))
    board = width / count
    columns = np.arange(width) + rng.uniform(0, board)
    which = (columns // board).astype(int)
    fibres = noise(width, height, width // 3, 6, rng) * np.float32(0.05) + noise(
        width, height, 14, 4, rng
    ) * np.float32(0.05)
    shade = 1 + rng.normal(0, 0.06, count + 2).astype(np.float32)[which] + fibres
    gap = np.minimum(columns % board, board - columns % board)
    shade = shade * (1 - np.float32(0.45) * np.exp(-(gap.astype(np.float32) ** 2) / np.float32(1.4)))
    rows = np.arange(height)
    for k in range(count + 1):
        joint = rng.uniform(0, height)
        dark = (1 - 0.4 * np.exp(-((rows - joint) ** 2) / 1.4)).astype(np.float32)
        shade[:, which == k] *= dark[:, None]
    return np.asarray(shade, dtype=np.float32)


def _carpet(width: int, height: int, rng: np.random.Generator) -> Floats:
    tufts = noise(width, height, width // 4, height // 4, rng) * np.float32(0.07)
    return np.asarray(1 + tufts + np.float32(0.03) * noise(width, height, 8, 10, rng))


def _sheet(width: int, height: int, rng: np.random.Generator) -> Floats:
    light, _, _ = creases(width, height, 7, rng)
    return np.asarray(1 + np.float32(0.10) * light)


def _concrete(width: int, height: int, rng: np.random.Generator) -> Floats:
    clouds = np.float32(0.035) * noise(width, height, 9, 12, rng) + np.float32(0.02) * noise(width, height, 40, 50, rng)
    return np.asarray(1 + clouds + rng.normal(0, 0.015, (height, width)).astype(np.float32))


def _tiles(width: int, height: int, rng: np.random.Generator) -> Floats:
    side = float(rng.uniform(0.3, 0.42)) * width
    x = (np.arange(width, dtype=np.float32) + np.float32(rng.uniform(0, side))) % side
    y = (np.arange(height, dtype=np.float32) + np.float32(rng.uniform(0, side))) % side
    gap = np.minimum(np.minimum(x, side - x), np.minimum(y, side - y)[:, None])
    grout = 1 - np.float32(0.22) * np.exp(-(gap**2) / np.float32(2.5))
    return np.asarray(grout * (1 + np.float32(0.02) * noise(width, height, 7, 9, rng)))


_SURFACES: dict[str, Callable[[int, int, np.random.Generator], Floats]] = {
    "wall": _wall,
    "paper": _paper,
    "planks": _planks,
    "carpet": _carpet,
    "sheet": _sheet,
    "concrete": _concrete,
    "tiles": _tiles,
}
