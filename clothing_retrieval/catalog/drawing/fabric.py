"""Cloth: what colour it has at each point, before any light falls on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from clothing_retrieval.catalog.drawing.geometry import Floats
from clothing_retrieval.catalog.drawing.tiles import SIDE, tile
from clothing_retrieval.catalog.palette import Color

TILED = frozenset(
    (
        "floral",
        "leopard",
        "camouflage",
        "marble",
        "star",
        "heart",
        "daisy",
        "leaf",
        "triangle",
        "diamond",
        "cross",
        "terrazzo",
        "zebra",
        "moon",
        "cat",
        "fish",
        "bolt",
        "sun",
    )
)


@dataclass(frozen=True)
class Cloth:
    """A pattern in its colours. `period` is how often it repeats, in hundredths of the garment's larger side.

    finish: cotton | knit | denim | leather | satin | wool | cord | canvas | straw | mesh | smooth.
    """

    pattern: str
    colors: tuple[Color, ...]
    period: float = 8.0
    finish: str = "cotton"
    seed: int = 0

    def paint(self, u: Floats, v: Floats, pixel: float) -> Floats:
        """Colours at pattern coordinates u, v (h, w), a pixel being `pixel` wide there: (3, h, w) sRGB, 0 to 1."""
        if self.pattern == "plain":
            return np.broadcast_to(_ink(self.colors[0]), (3, *u.shape))
        if self.pattern in TILED:
            return self._tiled(u, v)
        if self.pattern == "tartan":
            return _tartan(self, u, v, pixel)
        share = _SHARES[self.pattern](u / np.float32(self.period), v / np.float32(self.period), pixel / self.period)
        low, high = _ink(self.colors[0]), _ink(self.colors[1])
        return np.asarray(low + share * (high - low))

    def _tiled(self, u: Floats, v: Floats) -> Floats:
        grid = 3 if self.period > 9 else 5
        swatch = _swatch(self.pattern, self.colors, grid, self.seed)
        step = np.float32(SIDE / (self.period * grid))
        columns = (u * step).astype(np.int32) % SIDE
        rows = (v * step).astype(np.int32) % SIDE
        return np.take(swatch, rows * SIDE + columns, axis=1)


@lru_cache(maxsize=64)
def _swatch(pattern: str, colors: tuple[Color, ...], grid: int, seed: int) -> Floats:
    """(3, SIDE * SIDE)"""
    repeat = tile(pattern, colors, grid, np.random.default_rng([seed, 11]))
    return np.ascontiguousarray(repeat.reshape(-1, 3).T, dtype=np.float32) / np.float32(255)


def _ink(color: Color) -> Floats:
    return np.array(color, np.float32)[:, None, None]


def _stripes(t: Floats, share: float, pixel: float) -> Floats:
    """1 on a stripe that takes `share` of each period of 1, 0 between, with edges one pixel soft."""
    off = np.abs(t - np.round(t)) - np.float32(share / 2)
    return np.asarray(np.clip(np.float32(0.5) - off / np.float32(max(pixel, 1e-3)), 0, 1))


def _breton(u: Floats, v: Floats, pixel: float) -> Floats:
    return _stripes(v, 0.34, pixel)


def _wide_stripes(u: Floats, v: Floats, pixel: float) -> Floats:
    return _stripes(v, 0.5, pixel)


def _double_stripes(u: Floats, v: Floats, pixel: float) -> Floats:
    return np.maximum(_stripes(v, 0.3, pixel), _stripes(v + np.float32(0.35), 0.1, pixel))


def _vertical_stripes(u: Floats, v: Floats, pixel: float) -> Floats:
    return _stripes(u, 0.45, pixel)


def _pinstripes(u: Floats, v: Floats, pixel: float) -> Floats:
    return np.float32(0.85) * _stripes(u, 0.14, pixel)


def _diagonal(u: Floats, v: Floats, pixel: float) -> Floats:
    return _stripes((u + v) * np.float32(0.7), 0.5, pixel)


def _windowpane(u: Floats, v: Floats, pixel: float) -> Floats:
    return np.maximum(_stripes(u, 0.1, pixel), _stripes(v, 0.1, pixel))


def _gingham(u: Floats, v: Floats, pixel: float) -> Floats:
    return np.float32(0.5) * (_stripes(u, 0.5, pixel) + _stripes(v, 0.5, pixel))


def _checkerboard(u: Floats, v: Floats, pixel: float) -> Floats:
    a, b = _stripes(u, 0.5, pixel), _stripes(v, 0.5, pixel)
    return a + b - 2 * a * b


def _dots(share: float) -> Callable[[Floats, Floats, float], Floats]:
    def paint(u: Floats, v: Floats, pixel: float) -> Floats:
        row = np.round(v)
        shifted = u + np.float32(0.5) * (row % 2)
        away = np.hypot(shifted - np.round(shifted), v - row)
        return np.asarray(np.clip(np.float32(0.5) - (away - np.float32(share)) / np.float32(pixel), 0, 1))

    return paint


def _chevron(u: Floats, v: Floats, pixel: float) -> Floats:
    return _stripes(v + np.abs(u - np.round(u)), 0.5, pixel * 1.4)


def _herringbone(u: Floats, v: Floats, pixel: float) -> Floats:
    lane = np.floor(u)
    slant = np.where(lane % 2 == 0, u, -u)
    return np.float32(0.8) * _stripes((slant + v) * 3, 0.45, pixel * 4)


def _houndstooth(u: Floats, v: Floats, pixel: float) -> Floats:
    a, b = u - np.floor(u), v - np.floor(v)
    tooth = (
        ((a < 0.5) & (b < 0.5))
        | ((a >= 0.5) & (b < 0.5) & ((a - b) % 0.5 < 0.25))
        | ((a < 0.5) & (b >= 0.5) & ((a - b) % 0.5 < 0.25))
    )
    return tooth.astype(np.float32)


def _argyle(u: Floats, v: Floats, pixel: float) -> Floats:
    a, b = u + v * np.float32(0.6), u - v * np.float32(0.6)
    diamonds = _checkerboard(a, b, pixel * 1.2)
    lines = np.maximum(_stripes(a + np.float32(0.25), 0.05, pixel), _stripes(b + np.float32(0.25), 0.05, pixel))
    return np.abs(diamonds - lines * np.float32(0.8))


def _color_block(u: Floats, v: Floats, pixel: float) -> Floats:
    return np.asarray(np.clip(v / np.float32(pixel) + np.float32(0.5), 0, 1))


def _ombre(u: Floats, v: Floats, pixel: float) -> Floats:
    t = np.clip(v * np.float32(0.6) + np.float32(0.5), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _waves(u: Floats, v: Floats, pixel: float) -> Floats:
    return _stripes(v + np.float32(0.22) * np.sin(u * np.float32(2 * np.pi)), 0.5, pixel * 1.3)


def _washed(u: Floats, v: Floats, pixel: float) -> Floats:
    """Worn light where a fold or a knee rubs: down the middle of each leg or side."""
    away = (np.abs(u) * np.float32(7.5) - np.float32(11)) / np.float32(6.5)
    return np.asarray(np.exp(-away * away) * (np.float32(0.7) + np.float32(0.3) * np.sin(v * np.float32(0.6))))


_SHARES: dict[str, Callable[[Floats, Floats, float], Floats]] = {
    "breton stripe": _breton,
    "wide stripe": _wide_stripes,
    "double stripe": _double_stripes,
    "vertical stripe": _vertical_stripes,
    "pinstripe": _pinstripes,
    "diagonal stripe": _diagonal,
    "windowpane": _windowpane,
    "gingham": _gingham,
    "checkerboard": _checkerboard,
    "polka dot": _dots(0.26),
    "pin dot": _dots(0.16),
    "chevron": _chevron,
    "herringbone": _herringbone,
    "houndstooth": _houndstooth,
    "argyle": _argyle,
    "colour block": _color_block,
    "ombre": _ombre,
    "wave": _waves,
    "washed": _washed,
}


def _tartan(cloth: Cloth, u: Floats, v: Floats, pixel: float) -> Floats:
    period = np.float32(cloth.period)
    a, b, fine = u / period, v / period, pixel / cloth.period
    ground, over, line = (_ink(color) for color in (*cloth.colors, cloth.colors[-1])[:3])
    broad = np.float32(0.5) * (_stripes(a, 0.42, fine) + _stripes(b, 0.42, fine))
    thin = np.maximum(_stripes(a + np.float32(0.5), 0.06, fine), _stripes(b + np.float32(0.5), 0.06, fine))
    woven = ground + broad * (over - ground)
    return np.asarray(woven + np.float32(0.75) * thin * (line - woven))


PATTERNS = ("plain", "tartan", *_SHARES, *sorted(TILED))
