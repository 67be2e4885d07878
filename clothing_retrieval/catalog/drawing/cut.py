"""A cut: how one kind of garment is put together, and what it can be made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from clothing_retrieval.catalog.drawing.geometry import Point
from clothing_retrieval.catalog.drawing.marks import Mark
from clothing_retrieval.catalog.drawing.stance import Stance

SOFT = ("cotton", "cotton", "heather", "linen")
DRAPED = ("cotton", "satin", "linen", "smooth")


@dataclass(frozen=True)
class Cut:
    """draw: the marks from back to front. price: in TWD. patterns: besides plain cloth.

    chest: where a print may sit (None: nowhere); contrast: how often trim, sleeves or soles take the second colour;
    hung: whether it is also shown on a hanger; worn: which figure wears it, upper | full | lower | head (None: nobody);
    wash: "denim" where the cloth may be worn light.
    """

    name: str
    draw: Callable[[Stance], list[Mark]]
    gender: str = "unisex"
    price: int = 790
    finishes: tuple[str, ...] = SOFT
    patterns: tuple[str, ...] = field(default=())
    chest: Point | None = None
    print_size: float = 20.0
    contrast: float = 0.0
    hung: bool = True
    worn: str | None = None
    wash: str = ""
