"""Small shapes for prints and scattered patterns, each in a square from -1 to 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from clothing_retrieval.catalog.drawing.geometry import Points, ellipse, points

WORDS = ("HELLO", "PARIS", "OCEAN", "1987", "LOVE", "TAIPEI", "YES", "SUNDAY", "42", "WILD", "KIND", "TOKYO", "NO. 5")


def _star(tips: int, inner: float) -> Points:
    angle = np.arange(2 * tips) * np.pi / tips - np.pi / 2
    radius = np.where(np.arange(2 * tips) % 2 == 0, 1.0, inner)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _heart() -> Points:
    t = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    return np.stack([x / 17, (y - 2.5) / 17], axis=1)


def _petals(count: int, length: float = 0.5, breadth: float = 0.3, distance: float = 0.55) -> list[Points]:
    petals = []
    for k in range(count):
        a = 2 * np.pi * k / count - np.pi / 2
        c, s = np.cos(a), np.sin(a)
        leaf = ellipse((0, 0), length, breadth, 20)
        petals.append(np.asarray(leaf @ np.array([[c, s], [-s, c]]) + distance * np.array([c, s])))
    return petals


def _leaf() -> list[Points]:
    t = np.linspace(0, np.pi, 14)
    side = np.stack([0.34 * np.sin(t), -np.cos(t)], axis=1)
    return [np.vstack([side, side[::-1] * np.array([-1.0, 1.0])])]


def _sun() -> list[Points]:
    rays = []
    for k in range(12):
        a = 2 * np.pi * k / 12
        tip = np.array([np.cos(a), np.sin(a)])
        across = np.array([-tip[1], tip[0]]) * 0.11
        rays.append(np.array([tip * 0.62 + across, tip, tip * 0.62 - across]))
    return [ellipse((0, 0), 0.5, 0.5), *rays]


def _moon() -> list[Points]:
    outer = np.linspace(np.radians(50), np.radians(310), 40)
    inner = np.linspace(np.radians(295), np.radians(65), 40)
    a = np.stack([np.cos(outer) * 0.95, np.sin(outer) * 0.95], 1)
    b = np.stack([0.28 + 0.78 * np.cos(inner), 0.78 * np.sin(inner)], 1)
    return [np.vstack([a, b])]


def _mountains() -> list[Points]:
    return [
        points([(-1, 0.6), (-0.35, -0.55), (-0.05, -0.05), (0.3, -0.75), (1, 0.6)]),
        points([(-1, 0.72), (1, 0.72), (1, 0.84), (-1, 0.84)]),
    ]


def _waves() -> list[Points]:
    x = np.linspace(-1, 1, 40)
    rows = []
    for y in (-0.5, -0.1, 0.3, 0.7):
        crest = y + 0.14 * np.sin(x * 9)
        rows.append(np.vstack([np.stack([x, crest], 1), np.stack([x, crest + 0.17], 1)[::-1]]))
    return rows


def _bolt() -> list[Points]:
    return [points([(0.15, -1), (-0.5, 0.15), (-0.05, 0.15), (-0.2, 1), (0.5, -0.25), (0.05, -0.25), (0.4, -1)])]


def _bars() -> list[Points]:
    return [points([(-1, y), (1, y), (1, y + 0.3), (-1, y + 0.3)]) for y in (-0.75, -0.15, 0.45)]


def _fish() -> list[Points]:
    return [ellipse((-0.15, 0), 0.72, 0.4), points([(0.45, 0), (1, -0.42), (0.85, 0), (1, 0.42)])]


def _cat() -> list[Points]:
    return [
        ellipse((0, 0.15), 0.8, 0.68),
        points([(-0.78, 0.05), (-0.72, -0.9), (-0.15, -0.4)]),
        points([(0.78, 0.05), (0.72, -0.9), (0.15, -0.4)]),
    ]


def _rings() -> list[Points]:
    rings = []
    for outer, inner in ((1.0, 0.84), (0.62, 0.46), (0.26, 0.0)):
        ring = ellipse((0, 0), outer, outer, 60)
        hole = ellipse((0, 0), inner, inner, 60)[::-1]
        rings.append(np.vstack([ring, ring[:1], hole, hole[:1]]))
    return rings


MOTIFS: dict[str, Callable[[], list[Points]]] = {
    "star": lambda: [_star(5, 0.42)],
    "heart": lambda: [_heart()],
    "sun": _sun,
    "moon": _moon,
    "flower": lambda: _petals(6),
    "daisy": lambda: _petals(10, 0.42, 0.15, 0.56),
    "leaf": _leaf,
    "circle": lambda: [ellipse((0, 0), 0.95, 0.95)],
    "triangle": lambda: [points([(0, -0.9), (0.95, 0.75), (-0.95, 0.75)])],
    "diamond": lambda: [points([(0, -1), (0.7, 0), (0, 1), (-0.7, 0)])],
    "square": lambda: [points([(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)])],
    "cross": lambda: [
        points([(-1, -0.25), (1, -0.25), (1, 0.25), (-1, 0.25)]),
        points([(-0.25, -1), (0.25, -1), (0.25, 1), (-0.25, 1)]),
    ],
    "bolt": _bolt,
    "mountain": _mountains,
    "wave": _waves,
    "bars": _bars,
    "fish": _fish,
    "cat": _cat,
    "target": _rings,
    "burst": lambda: [_star(14, 0.62)],
}


def shapes(motif: str) -> list[Points]:
    """The closed outlines of a motif."""
    return MOTIFS[motif]()


def stamp(motif: str, size: int) -> Image.Image:
    """An 8-bit mask of a motif, or of any other text in letters, in a square of `size` pixels."""
    if motif not in MOTIFS:
        return _lettering(motif, size)
    big = Image.new("L", (size * 3, size * 3))
    draw = ImageDraw.Draw(big)
    for shape in shapes(motif):
        draw.polygon([(float(x), float(y)) for x, y in (shape * 0.98 + 1) * size * 1.5], fill=255)
    return big.reduce(3)


def _lettering(text: str, size: int) -> Image.Image:
    font = ImageFont.load_default(size=120)
    left, top, right, bottom = font.getbbox(text, stroke_width=5)
    line = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4))
    ImageDraw.Draw(line).text((2 - left, 2 - top), text, fill=255, font=font, stroke_width=5)
    scale = size / max(line.size)
    line = line.resize((max(1, int(line.width * scale)), max(1, int(line.height * scale))), Image.Resampling.BICUBIC)
    square = Image.new("L", (size, size))
    square.paste(line, ((size - line.width) // 2, (size - line.height) // 2))
    return square
