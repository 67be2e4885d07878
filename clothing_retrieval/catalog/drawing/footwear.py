"""Shoes, in pairs. Their coordinates are their own: a shoe is 28 cm long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from clothing_retrieval.catalog.drawing import shoe_profiles as profiles
from clothing_retrieval.catalog.drawing.cut import Cut
from clothing_retrieval.catalog.drawing.geometry import Point, closed, curve, moved, points
from clothing_retrieval.catalog.drawing.marks import Mark, Part, Print, buttons, seam
from clothing_retrieval.catalog.drawing.stance import Stance


def _pair(shoe: profiles.Shoe, dx: float = -5.0, dy: float = -8.5) -> Callable[[Stance], list[Mark]]:
    """Two shoes seen from the side, one behind the other."""
    return lambda stance: [*(_shifted(mark, dx, dy, 0.97) for mark in shoe()), *shoe()]


def _from_above(shoe: profiles.Shoe) -> Callable[[Stance], list[Mark]]:
    """Two shoes seen from above, side by side."""

    def draw(stance: Stance) -> list[Mark]:
        right = [_shifted(mark, 6.6, 0.0) for mark in shoe()]
        return [*(_flipped(mark) for mark in right), *right]

    return draw


def _shifted(mark: Mark, dx: float, dy: float, scale: float = 1.0) -> Mark:
    if isinstance(mark, Print):
        return replace(mark, centre=(mark.centre[0] * scale + dx, mark.centre[1] * scale + dy), size=mark.size * scale)
    return replace(mark, outline=moved(mark.outline, dx, dy, scale))


def _flipped(mark: Mark) -> Mark:
    if isinstance(mark, Print):
        return replace(mark, centre=(-mark.centre[0], mark.centre[1]))
    return replace(mark, outline=mark.outline * np.array([-1.0, 1.0]), angle=-mark.angle)


def _foot(width: float = 5.2) -> list[Point]:
    """The right sole from above, toe up, about 28 cm long around (0, 0)."""
    return closed(
        (0.4, -14.2),
        (3.6, -12.4),
        (width, -6.5),
        (4.4, 0.0),
        (3.7, 7.0),
        (2.4, 12.4),
        (0, 13.9),
        (-2.5, 12.4),
        (-3.4, 6.5),
        (-3.6, 0.0),
        (-4.3, -6.5),
        (-3.0, -12.6),
    )


def _slide() -> list[Mark]:
    strap = points([*curve((-5.6, -8.2), (0, -9.8), (6.4, -8.4)), *curve((6.2, -0.8), (0, -2.0), (-5.2, -0.8))])
    return [
        Part(points(_foot(5.6)), "rubber", depth=0.6),
        Part(points(_foot(5.0)) * 0.9, "insole", lift=0.0),
        Part(strap, "main", lift=0.9),
        Print("bars", (0.4, -5.2), 5.0, "second"),
    ]


def _sandal() -> list[Mark]:
    straps = [
        curve((-4.6, -7.5), (0, -10.0), (5.6, -8.0)),
        curve((-4.4, -4.0), (1, -6.5), (5.3, -3.0)),
        curve((-4.2, 4.5), (0, 1.0), (4.5, 4.5)),
        curve((-3.4, 9.0), (-4.4, 5.0), (0, 3.2), (4.6, 5.2), (3.4, 9.6)),
    ]
    return [
        Part(points(_foot()), "sole", depth=0.6),
        Part(points(_foot(4.6)) * 0.92, "insole", lift=0.0),
        *(Part(points(s), "main", width=1.9, lift=0.7) for s in straps),
        *buttons([(4.4, 5.0)], 0.9, "metal"),
    ]


def _flat() -> list[Mark]:
    opening = points(
        curve(
            (0, -5.6),
            (3.0, -3.6),
            (3.2, 3.0),
            (2.2, 10.6),
            (0, 11.8),
            (-2.3, 10.6),
            (-2.9, 3.0),
            (-2.8, -3.6),
            (0, -5.6),
        )
    )
    bow = [
        points(curve((0.2, -6.6), (2.6, -8.2), (2.8, -5.4), (0.2, -6.2))),
        points(curve((-0.2, -6.6), (-2.4, -8.2), (-2.6, -5.4), (-0.2, -6.2))),
    ]
    return [
        Part(points(_foot()), "main", depth=1.3),
        Part(opening, "insole", lift=0.0, shade=0.86, depth=1.2),
        *(Part(b, "second", lift=0.4) for b in bow),
    ]


def _loafer() -> list[Mark]:
    opening = points(
        curve(
            (0, -2.2),
            (3.0, -0.6),
            (3.2, 4.0),
            (2.2, 10.6),
            (0, 11.8),
            (-2.3, 10.6),
            (-2.9, 4.0),
            (-2.8, -0.6),
            (0, -2.2),
        )
    )
    apron = curve((-3.4, -1.5), (-3.6, -7.5), (0.4, -11.6), (4.2, -7.5), (3.6, -1.5))
    saddle = points([*curve((-4.2, -5.4), (0, -6.4), (5.0, -5.4)), *curve((4.8, -2.6), (0, -3.4), (-4.0, -2.6))])
    return [
        Part(points(_foot(5.4)) * 1.04, "sole", depth=0.4),
        Part(points(_foot(5.3)), "main", depth=1.2),
        seam(apron, 0.6, 0.6),
        Part(opening, "insole", lift=0.0, shade=0.8, depth=1.2),
        Part(saddle, "second", lift=0.4),
        Part(points([(-1.2, -4.6), (1.6, -4.6)]), "metal", width=0.8, lift=0.2),
    ]


def _flip_flop() -> list[Mark]:
    return [
        Part(points(_foot(5.4)), "second", depth=0.6),
        Part(points(_foot(5.2)) * 0.94, "insole", lift=0.0),
        Part(points(curve((-4.2, 1.5), (-2.4, -5.5), (-0.4, -9.4))), "main", width=1.7, lift=0.8),
        Part(points(curve((4.6, 1.5), (3.2, -5.0), (-0.4, -9.4))), "main", width=1.7, lift=0.8),
    ]


def _shoe(
    name: str,
    draw: Callable[[Stance], list[Mark]],
    price: int,
    finishes: tuple[str, ...],
    gender: str = "unisex",
    patterns: tuple[str, ...] = (),
    contrast: float = 0.0,
) -> Cut:
    return Cut(name, draw, gender, price, finishes, patterns, None, 10, contrast, hung=False)


FOOTWEAR = (
    _shoe("trainers", _pair(profiles.sneaker), 1890, ("leather", "canvas"), contrast=1.0),
    _shoe(
        "court heels",
        _pair(profiles.pump(False), -4.5, -9),
        1690,
        ("leather", "patent", "satin"),
        "female",
        ("leopard", "polka dot", "tartan"),
    ),
    _shoe("Chelsea boots", _pair(profiles.boot(19, 0, "elastic"), -6, -7), 2290, ("leather",)),
    _shoe("sandals", _from_above(_sandal), 990, ("leather",), "female", ("leopard", "zebra")),
    _shoe(
        "high-top canvas shoes",
        _pair(profiles.canvas_shoe(True), -6, -8),
        1490,
        ("canvas",),
        "unisex",
        ("checkerboard", "tartan", "star", "floral", "camouflage"),
        0.6,
    ),
    _shoe("loafers", _from_above(_loafer), 1790, ("leather", "patent"), "male", (), 0.4),
    _shoe("knee boots", _pair(profiles.boot(36, 5, "zip"), -8, -4), 2990, ("leather", "patent"), "female"),
    _shoe("running shoes", _pair(profiles.runner), 2190, ("canvas", "smooth"), "unisex", (), 1.0),
    _shoe(
        "ballet flats",
        _from_above(_flat),
        890,
        ("leather", "satin", "patent"),
        "female",
        ("polka dot", "leopard", "gingham"),
        0.4,
    ),
    _shoe(
        "canvas shoes",
        _pair(profiles.canvas_shoe(False)),
        990,
        ("canvas",),
        "unisex",
        ("checkerboard", "breton stripe", "leaf", "polka dot"),
        0.5,
    ),
    _shoe("lace-up boots", _pair(profiles.boot(20, 0, "laces"), -6, -7), 2490, ("leather", "canvas")),
    _shoe("slides", _from_above(_slide), 590, ("smooth", "leather"), "unisex", (), 1.0),
    _shoe(
        "strappy heels",
        _pair(profiles.pump(True, 7.0), -4.5, -9),
        1590,
        ("satin", "leather"),
        "female",
        ("zebra", "floral"),
    ),
    _shoe(
        "heeled ankle boots",
        _pair(profiles.boot(18, 6, "buckle"), -6, -7),
        2290,
        ("leather",),
        "female",
        ("leopard",),
        0.5,
    ),
    _shoe(
        "espadrille wedges",
        _pair(profiles.wedge, -5, -9),
        1290,
        ("canvas",),
        "female",
        ("breton stripe", "gingham", "floral"),
    ),
    _shoe("flip-flops", _from_above(_flip_flop), 390, ("smooth",), "unisex", (), 1.0),
)
