"""What a garment is drawn of, from back to front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from clothing_retrieval.catalog.drawing.geometry import Point, Points, points


@dataclass(frozen=True)
class Relief:
    """Folds sewn or hung into a piece between two heights.

    kind: drape | pleats | rib | quilt | gather | cable; count: how many lie side by side.
    """

    kind: str
    count: float
    top: float
    bottom: float
    top_width: float = 15.0
    bottom_width: float = 15.0
    strength: float = 1.0


@dataclass(frozen=True)
class Part:
    """A piece of cloth (a closed outline) or, with a width, a strip along a line.

    cloth: a role, such as main, second, trim, lining; `wardrobe` says what it is made of.
    angle: how the grain is turned, in degrees; shade: brightness; depth: how round the edges are;
    lift: how far its shadow falls on what lies below, in centimetres.
    """

    outline: Points
    cloth: str = "main"
    width: float = 0.0
    angle: float = 0.0
    shade: float = 1.0
    depth: float = 1.0
    folds: float = 1.0
    lift: float = 0.6
    relief: Relief | None = None
    behind: bool = False
    dashes: float = 0.0
    opacity: float = 1.0


@dataclass(frozen=True)
class Print:
    """A motif set on the cloth."""

    motif: str
    centre: Point
    size: float
    cloth: str = "print"
    behind: bool = False


Mark = Part | Print


def mirrored(part: Part) -> Part:
    return replace(part, outline=part.outline * np.array([-1.0, 1.0]), angle=-part.angle)


def seam(path: Sequence[Point], width: float = 0.35, opacity: float = 0.4) -> Part:
    return Part(points(path), "seam", width=width, folds=0.2, lift=0.0, depth=0.0, opacity=opacity)


def stitches(path: Sequence[Point], cloth: str = "stitch", width: float = 0.3) -> Part:
    return Part(points(path), cloth, width=width, folds=0.2, lift=0.0, depth=0.0, dashes=0.9, opacity=0.75)


def band(path: Sequence[Point], width: float, cloth: str = "trim", shade: float = 0.97, lift: float = 0.25) -> Part:
    return Part(points(path), cloth, width=width, shade=shade, folds=0.5, lift=lift, depth=0.8)


def buttons(centres: Sequence[Point], radius: float = 0.75, cloth: str = "button") -> list[Mark]:
    """Round buttons, each a strip of almost no length."""
    return [
        Part(points([(x - 0.01, y), (x + 0.01, y)]), cloth, width=2 * radius, folds=0.0, lift=0.3, depth=0.7)
        for x, y in centres
    ]
