"""What cloth is made of: its grain and its gloss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from clothing_retrieval.catalog.drawing.geometry import Floats

GRAIN = 256


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


def grain(finish: Finish, width: int, height: int, rng: np.random.Generator) -> Floats:
    """Small-scale brightness of the material around 0: (height, width), in pixels of the picture."""
    cells = (GRAIN // finish.coarse, GRAIN // finish.coarse)
    speckle = rng.normal(0, finish.speckle, cells).astype(np.float32)
    if finish.thread:
        ribs = np.sin(np.arange(cells[1], dtype=np.float32) * np.float32(np.pi * 2 / 3))
        speckle = speckle + np.float32(finish.thread) * ribs
    if finish.coarse > 1:
        speckle = np.asarray(Image.fromarray(speckle).resize((GRAIN, GRAIN), Image.Resampling.BILINEAR))
    repeats = (-(-height // GRAIN), -(-width // GRAIN))
    return np.asarray(np.tile(speckle, repeats)[:height, :width], dtype=np.float32)
