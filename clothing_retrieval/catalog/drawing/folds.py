"""How cloth lies: creases over the whole picture, and folds sewn or hung into one piece.

Everything here is light: 0 leaves a colour as it is, 1 is a bright ridge, -1 a deep crease.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from clothing_retrieval.catalog.drawing.geometry import Floats
from clothing_retrieval.catalog.drawing.marks import Relief


def noise(width: int, height: int, cells_x: int, cells_y: int, rng: np.random.Generator) -> Floats:
    """Smooth noise with unit deviation: (height, width)."""
    coarse = rng.normal(size=(cells_y + 1, cells_x + 1)).astype(np.float32)
    return stretched(coarse, width, height)


def stretched(field: Floats, width: int, height: int) -> Floats:
    return np.asarray(Image.fromarray(field).resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)


def creases(width: int, height: int, count: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Light, and how far a pattern is pulled along x and y (in pixels), each (height, width)."""
    w, h = width // 2, height // 2
    surface = 5.0 * noise(w, h, 4, 5, rng) + 1.6 * noise(w, h, 11, 15, rng)
    x, y = np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32)[:, None]
    for _ in range(count):
        surface += _crease(x, y, w, h, rng)
    slope_y, slope_x = np.gradient(surface)
    light = np.tanh((-0.8 * slope_x - 0.9 * slope_y) * np.float32(1.5)) + np.float32(0.012) * surface
    size, smooth = (width, height), Image.Resampling.BILINEAR
    fields = (light, slope_x * 3.0, slope_y * 3.0)
    full = [np.asarray(Image.fromarray(field.astype(np.float32)).resize(size, smooth)) for field in fields]
    return full[0], full[1], full[2]


def _crease(x: Floats, y: Floats, w: int, h: int, rng: np.random.Generator) -> Floats:
    angle = rng.normal(np.pi / 2, 0.75)
    along_x, along_y = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    cx, cy = rng.uniform(0.15, 0.85) * w, rng.uniform(0.12, 0.9) * h
    length, breadth = rng.uniform(0.10, 0.3) * h, rng.uniform(2.2, 6.0)
    t = (x - np.float32(cx)) * along_x + (y - np.float32(cy)) * along_y
    away = (y - np.float32(cy)) * along_x - (x - np.float32(cx)) * along_y
    away = away + t * t * np.float32(rng.normal(0, 0.0018))
    return np.asarray(
        np.float32(rng.uniform(1.5, 4.5) * breadth / 4)
        * np.exp(-((away / np.float32(breadth)) ** 2) - (t / np.float32(length)) ** 2)
    )


def relief_light(relief: Relief, x: Floats, y: Floats, phase: float) -> Floats:
    """The light of folds at x, y, in centimetres of the garment."""
    t = np.clip((y - np.float32(relief.top)) / np.float32(max(relief.bottom - relief.top, 1e-3)), 0, 1)
    half = np.float32(relief.top_width) + t * np.float32(relief.bottom_width - relief.top_width)
    s = x / np.maximum(half, np.float32(1.0)) * np.float32(relief.count)
    strength = np.float32(relief.strength)
    match relief.kind:
        case "drape":
            wander = np.float32(0.9) * np.sin(s * np.float32(0.43) + np.float32(phase))
            wave = np.sin(s * np.float32(np.pi) + wander + np.float32(phase))
            return np.asarray(strength * (np.float32(0.25) + t) * wave * np.float32(0.75))
        case "pleats":
            tooth = s - np.floor(s)
            return np.asarray(strength * (np.float32(0.55) - tooth * np.float32(1.1)) * np.minimum(t * 6 + 0.25, 1))
        case "gather":
            fade = np.exp(-t * np.float32(3.2))
            wave = np.sin(s * np.float32(np.pi) + np.float32(1.1) * np.sin(s * np.float32(1.7) + np.float32(phase)))
            return np.asarray(strength * wave * fade * np.float32(0.8))
        case "rib":
            return np.asarray(strength * np.float32(0.4) * np.sin(s * np.float32(np.pi)))
        case "quilt":
            bulge = np.abs(np.sin(t * np.float32(relief.count * np.pi)))
            slope = np.cos(t * np.float32(relief.count * np.pi)) * np.sign(np.sin(t * np.float32(relief.count * np.pi)))
            return np.asarray(strength * (np.float32(0.55) * slope + bulge ** np.float32(0.4) - np.float32(0.85)))
        case "cable":
            twist = np.sin(s * np.float32(np.pi)) * np.cos(t * np.float32(24 * np.pi) + np.float32(1.4) * s)
            return np.asarray(strength * np.float32(0.5) * twist)
    raise ValueError(f"no relief is called {relief.kind!r}")
