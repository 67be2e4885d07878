"""What cloth is made of: its grain and its gloss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from clothing_retrieval.catalog.drawing.geometry import Floats

SHEET = 320


@dataclass(frozen=True)
class Finish:
    """folds: how deep creases show; gloss: how bright their ridges shine; speckle and thread: strength of the grain."""

    folds: float
    gloss: float
    speckle: float
    thread: float = 0.0
    coarse: int = 1  # pixels to one grain


FINISHES: dict[str, Finish] = {
    "cotton": Finish(0.24, 0.02, 0.020, 0.010),
    "smooth": Finish(0.18, 0.03, 0.006),
    "knit": Finish(0.20, 0.00, 0.030, 0.075, 2),
    "heather": Finish(0.22, 0.00, 0.085, 0.020),
    "wool": Finish(0.17, 0.00, 0.075, 0.0, 2),
    "denim": Finish(0.26, 0.02, 0.060, 0.035),
    "cord": Finish(0.22, 0.03, 0.020, 0.110, 3),
    "canvas": Finish(0.20, 0.01, 0.035, 0.040),
    "leather": Finish(0.32, 0.20, 0.022, 0.0, 2),
    "satin": Finish(0.44, 0.16, 0.006),
    "linen": Finish(0.28, 0.01, 0.040, 0.045),
    "straw": Finish(0.14, 0.03, 0.060, 0.130, 2),
    "patent": Finish(0.36, 0.36, 0.004),
    "metal": Finish(0.30, 0.35, 0.010),
    "skin": Finish(0.12, 0.04, 0.010),
}


class Grain:
    """Small-scale brightness of materials around 0, cut from one sheet of noise for each picture."""

    def __init__(self, rng: np.random.Generator) -> None:
        fine = rng.standard_normal((SHEET, SHEET), dtype=np.float32)
        self._speckle = {1: fine}
        self._origin = rng.integers(0, SHEET // 2, 2)

    def of(self, finish: Finish, width: int, height: int) -> Floats:
        """(height, width), in pixels of the picture."""
        row, column = self._origin
        self._origin = (self._origin + np.array([37, 59])) % (SHEET // 2)
        speckle = self._coarse(finish.coarse)
        if width + column > SHEET or height + row > SHEET:
            repeats = (-(-(height + row) // SHEET), -(-(width + column) // SHEET))
            speckle = np.tile(speckle, repeats)
        brightness = speckle[row : row + height, column : column + width] * np.float32(finish.speckle)
        if finish.thread:
            step = np.float32(np.pi * 2 / 3 / finish.coarse)
            brightness += np.float32(finish.thread) * np.sin(np.arange(width, dtype=np.float32) * step)
        return np.asarray(brightness)

    def _coarse(self, pixels: int) -> Floats:
        if pixels not in self._speckle:
            part = Image.fromarray(self._speckle[1][: SHEET // pixels, : SHEET // pixels])
            self._speckle[pixels] = np.asarray(part.resize((SHEET, SHEET), Image.Resampling.BILINEAR))
        return self._speckle[pixels]
