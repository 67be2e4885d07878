"""Patterns that repeat: squares of cloth that join at their edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from clothing_retrieval.catalog.drawing.geometry import Points, ellipse
from clothing_retrieval.catalog.drawing.motifs import shapes
from clothing_retrieval.catalog.palette import Color, mix

SIDE = 224
_OVER = 2  # drawn so many times larger


def tile(pattern: str, colors: tuple[Color, ...], grid: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One repeat of a pattern with about `grid` motifs along each side: (SIDE, SIDE, 3) sRGB."""
    if pattern == "camouflage":
        return _camouflage(colors, grid, rng)
    if pattern == "marble":
        return _marble(colors, grid, rng)
    sheet = Image.new("RGB", (SIDE * _OVER, SIDE * _OVER), _bytes(colors[0]))
    pen = _WrappedPen(sheet)
    cell = SIDE * _OVER / grid
    for row in range(grid):
        for column in range(grid):
            jitter = rng.uniform(-0.2, 0.2, 2)
            centre = ((column + 0.5 + 0.5 * (row % 2) + jitter[0]) * cell, (row + 0.5 + jitter[1]) * cell)
            _motif(pen, pattern, colors, centre, cell, rng)
    return np.asarray(sheet.reduce(_OVER))


class _WrappedPen:
    """Draws polygons that leave a square on one side and come back on the other."""

    def __init__(self, sheet: Image.Image) -> None:
        self._draw = ImageDraw.Draw(sheet)
        self._side = sheet.width

    def polygon(self, path: Points, color: Color) -> None:
        low, high = path.min(axis=0), path.max(axis=0)
        for dx in (-self._side, 0, self._side):
            for dy in (-self._side, 0, self._side):
                if high[0] + dx < 0 or low[0] + dx > self._side or high[1] + dy < 0 or low[1] + dy > self._side:
                    continue
                self._draw.polygon([(float(x) + dx, float(y) + dy) for x, y in path], fill=_bytes(color))


def _bytes(color: Color) -> tuple[int, int, int]:
    r, g, b = (round(255 * c) for c in color)
    return r, g, b


def _placed(shape: Points, centre: tuple[float, float], size: float, angle: float) -> Points:
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray(shape @ np.array([[c, s], [-s, c]]) * size + np.array(centre))


def _motif(
    pen: _WrappedPen,
    pattern: str,
    colors: tuple[Color, ...],
    centre: tuple[float, float],
    cell: float,
    rng: np.random.Generator,
) -> None:
    angle = float(rng.uniform(0, 2 * np.pi))
    size = cell * float(rng.uniform(0.32, 0.46))
    ink = colors[1 + int(rng.integers(len(colors) - 1))]
    if pattern == "floral":
        green = mix((0.25, 0.42, 0.22), colors[0], 0.25)
        for k in (0, 1):
            stalk = (centre[0] + np.cos(angle + k * 2.4) * size, centre[1] + np.sin(angle + k * 2.4) * size)
            pen.polygon(_placed(shapes("leaf")[0], stalk, size * 0.55, angle + k * 2.4 + np.pi / 2), green)
        for petal in shapes("flower"):
            pen.polygon(_placed(petal, centre, size, angle), mix(ink, (1, 1, 1), float(rng.uniform(0, 0.22))))
        pen.polygon(ellipse(centre, size * 0.24, size * 0.24, 14), mix((0.93, 0.74, 0.22), ink, 0.2))
    elif pattern == "leopard":
        ring = ellipse((0, 0), 1.0, 0.8, 18) * rng.uniform(0.8, 1.15, (18, 1))
        pen.polygon(_placed(ring, centre, size, angle), colors[1])
        pen.polygon(_placed(ring * 0.55, centre, size, angle), mix(colors[0], colors[1], 0.35))
        pen.polygon(_placed(np.array([[0.2, 0.0], [1.4, -0.35], [1.4, 0.35]]), centre, size, angle), colors[0])
    elif pattern == "terrazzo":
        shard = ellipse((0, 0), 1.0, 0.7, 6) * rng.uniform(0.6, 1.2, (6, 1))
        pen.polygon(_placed(shard, centre, size * float(rng.uniform(0.5, 1.0)), angle), ink)
    elif pattern == "zebra":
        bend = np.linspace(-1, 1, 12)
        half = 0.26 * np.sqrt(np.clip(1 - bend**2, 0, 1))
        wave = 0.3 * np.sin(bend * 3 + angle)
        path = np.vstack([np.stack([bend * 1.7, wave - half], 1), np.stack([bend * 1.7, wave + half], 1)[::-1]])
        pen.polygon(_placed(path, centre, cell * 0.5, float(rng.normal(0, 0.16))), colors[1])
    else:
        upright = angle if pattern in ("leaf", "daisy", "triangle") else float(rng.normal(0, 0.22))
        for shape in shapes(pattern):
            pen.polygon(_placed(shape, centre, size, upright), ink)


def _smooth_noise(cells: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise that joins at its edges: (SIDE, SIDE), zero mean, unit deviation."""
    field = np.tile(rng.normal(size=(cells, cells)), (3, 3)).astype(np.float32)
    big = Image.fromarray(field).resize((3 * SIDE, 3 * SIDE), Image.Resampling.BICUBIC)
    middle = np.asarray(big)[SIDE : 2 * SIDE, SIDE : 2 * SIDE]
    return np.asarray((middle - middle.mean()) / middle.std(), dtype=np.float32)


def _camouflage(colors: tuple[Color, ...], grid: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    base = colors[0]
    dark = mix(colors[1], (0.1, 0.1, 0.1), 0.25)
    tones = [base, colors[1], dark, colors[-1]]
    picture = np.empty((SIDE, SIDE, 3), np.float32)
    picture[:] = tones[0]
    for tone, level in zip(tones[1:], (0.15, 0.75, 0.95), strict=True):
        picture[_smooth_noise(grid, rng) + 0.3 * _smooth_noise(grid * 3, rng) > level] = tone
    soft = Image.fromarray((picture * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.7))
    return np.asarray(soft)


def _marble(colors: tuple[Color, ...], grid: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Tie-dye: soft clouds of the colours in each other."""
    t = 0.5 + 0.5 * np.sin(1.6 * _smooth_noise(grid, rng) + 0.8 * _smooth_noise(grid * 2, rng))
    low, high = np.array(colors[0], np.float32), np.array(colors[1], np.float32)
    return np.asarray((255 * (low + (high - low) * t[..., None])).astype(np.uint8))
