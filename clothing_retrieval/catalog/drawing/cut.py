"""A cut: how one kind of garment is put together, and what it can be made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from clothing_retrieval.catalog.drawing.geometry import Point
from clothing_retrieval.catalog.drawing.marks import Mark
from clothing_retrieval.catalog.drawing.stance import Stance

SOFT = ("cotton", "cotton", "linen")
DRAPED = ("cotton", "satin", "linen", "smooth")
WOVEN = ("cotton", "canvas", "wool")


@dataclass(frozen=True)
class Cut:
    """draw: the marks from back to front, and with them `chest`, where a print may sit (None: nowhere)."""

    name: str
    draw: Callable[[Stance], list[Mark]]
    gender: str = "unisex"
    price: int = 790  # TWD
    finishes: tuple[str, ...] = SOFT
    patterns: tuple[str, ...] = field(default=())
    chest: Point | None = None
    print_size: float = 20.0
    colors: tuple[str, ...] = ()
    contrast: float = 0.0  # how often trim and sleeves take the second colour
    hung: bool = True
    worn: str | None = None  # which figure wears it: upper | full | lower
    wash: str = ""
