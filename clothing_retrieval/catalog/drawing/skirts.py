"""Skirts, and the skirts of dresses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from clothing_retrieval.catalog.drawing.cut import DRAPED, Cut
from clothing_retrieval.catalog.drawing.geometry import Point, curve, points, symmetric
from clothing_retrieval.catalog.drawing.marks import Mark, Part, Relief, buttons, seam, stitches
from clothing_retrieval.catalog.drawing.stance import Stance

Draw = Callable[[Stance], list[Mark]]
WAIST = 41.0
SKIRTINGS = (
    "floral",
    "polka dot",
    "tartan",
    "gingham",
    "leopard",
    "vertical stripe",
    "wide stripe",
    "leaf",
    "houndstooth",
    "daisy",
    "zebra",
    "ombre",
    "marble",
    "heart",
    "checkerboard",
    "wave",
)


def panel(
    top: float,
    top_width: float,
    bottom: float,
    bottom_width: float,
    hip: float | None = None,
    hem: str = "round",
    relief: Relief | None = None,
    cloth: str = "main",
    shade: float = 1.0,
) -> Part:
    """A skirt between two heights. hem: round | straight | wavy | points | slant | scallop."""
    middle = top + 0.38 * (bottom - top)
    at_hip = hip if hip is not None else top_width + 0.45 * (bottom_width - top_width)
    right = [(0.0, top + 0.6), *curve((top_width, top), (at_hip, middle), (bottom_width, bottom))]
    edge = [(x, y) for x, y in _hem(hem, bottom_width, bottom)]
    outline = points([*right[1:], *edge, *[(-x, y) for x, y in reversed(right[1:])]])
    return Part(outline, cloth, relief=relief, lift=0.7, shade=shade)


def _hem(kind: str, width: float, bottom: float) -> list[Point]:
    """The hem from right to left."""
    x = np.linspace(width, -width, 61)
    s = x / width
    sag = (1 - s**2) * min(4.0, width * 0.11)
    if kind == "straight":
        sag = sag * 0.25
    elif kind == "wavy":
        sag = sag + 1.1 * np.sin(s * 19) * (1 - s**8)
    elif kind == "points":
        sag = sag + 6.0 * np.abs(np.sin(s * np.pi * 1.5)) - 2
    elif kind == "slant":
        sag = sag + 8.0 * s
    elif kind == "scallop":
        sag = sag + 1.6 * np.abs(np.sin(s * np.pi * 5))
    return [(float(a), float(bottom + b)) for a, b in zip(x, sag, strict=True)]


def waistband(
    width: float = 15.0, depth: float = 4.0, cloth: str = "main", ribbed: bool = False, top: float = WAIST
) -> list[Mark]:
    outline = symmetric([(0, top - depth + 0.7), (width - 0.5, top - depth), (width + 0.3, top + 0.4), (0, top + 1.1)])
    back = symmetric([(0, top - depth + 0.2), (width - 0.6, top - depth), (0, top - depth + 1.6)])
    relief = Relief("rib", 18, 0, 1, width, width) if ribbed else None
    return [
        Part(outline, cloth, shade=0.97, relief=relief, lift=0.4, depth=0.7),
        Part(back, "lining", shade=0.66, lift=0.0, depth=0.0),
    ]


def _simple(part: Part, *details: Mark, band_depth: float = 4.0, ribbed: bool = False, width: float = 15.0) -> Draw:
    return lambda stance: [part, *details, *waistband(width, band_depth, "trim" if ribbed else "main", ribbed)]


def _denim(stance: Stance) -> list[Mark]:
    part = panel(WAIST, 15, 80, 22.5, 20.5, "straight")
    marks: list[Mark] = [part, *waistband(15, 4)]
    for side in (1, -1):
        marks.append(stitches(curve((15.2 * side, 49), (9 * side, 48), (7.5 * side, 41.5))))
        marks.append(stitches([(19 * side, 56), (22 * side, 79)]))
        marks.append(Part(points([(9.0 * side, 37.5), (9.0 * side, 42.5)]), "main", width=1.2, lift=0.3))
    front = [stitches([(1.6, 41), (1.6, 81.5)]), seam([(0, 41), (0, 82)], 0.5, 0.5)]
    return [
        *marks,
        *front,
        *buttons([(-0.4, 39.2), *[(-0.4, 45.0 + 6.5 * k) for k in range(6)]], 0.8, "metal"),
        stitches(_inner(part)),
    ]


def _inner(part: Part) -> list[Point]:
    hem = [(float(x), float(y) - 1.8) for x, y in part.outline if y > 79]
    return hem[4:-4]


def _tiered(stance: Stance) -> list[Mark]:
    tiers = [
        panel(92, 28, 124, 36, hem="wavy", relief=Relief("gather", 15, 90, 126, 28, 36)),
        panel(66, 21, 94, 29.5, hem="wavy", relief=Relief("gather", 11, 64, 96, 21, 29)),
        panel(WAIST, 15, 68, 22.5, hem="wavy", relief=Relief("gather", 9, 40, 70, 15, 22)),
    ]
    return [*tiers, *waistband(15, 3.4, ribbed=True)]


def _wrap(stance: Stance) -> list[Mark]:
    under = panel(WAIST, 15, 98, 24, 20, "round", shade=0.88)
    over = Part(
        points(
            [
                (-15, 41),
                (15, 41),
                *curve((15, 41), (20, 62), (23, 92)),
                *curve((23, 92), (8, 99), (-2, 88), (-9, 60), (-11, 42)),
            ]
        ),
        "main",
        relief=Relief("drape", 3, 38, 100, 15, 24),
        lift=1.0,
    )
    bow = [Part(points(curve((-11, 41), (-17, 50), (-15 - 3 * k, 60 + 5 * k))), "main", width=2.2) for k in (0, 1)]
    return [under, over, *waistband(), *bow]


def _ruffle(stance: Stance) -> list[Mark]:
    frill = panel(70, 21, 86, 26, hem="wavy", relief=Relief("gather", 13, 68, 88, 21, 26, 1.1))
    return [
        frill,
        panel(WAIST, 15, 72, 21.5, 19.5, "round"),
        seam(_edge(21.5, 72.5), 0.5),
        *waistband(15, 3, ribbed=True),
    ]


def _edge(width: float, y: float) -> list[Point]:
    return curve((-width, y), (0, y + 2.2), (width, y))


def _tulip(stance: Stance) -> list[Mark]:
    left = Part(
        points(
            [(-15, 41), (15, 41), *curve((15, 41), (6, 60), (-4, 84), (-14, 86), (-22, 80), (-21.5, 58), (-15, 41))]
        ),
        "main",
        relief=Relief("drape", 3, 36, 86, 15, 22),
    )
    right = panel(WAIST, 15, 82, 21, 21.5, "round", shade=0.92)
    return [right, left, *waistband()]


def _cargo(stance: Stance) -> list[Mark]:
    part = panel(WAIST, 15, 84, 23, 20, "straight")
    marks: list[Mark] = [part, *waistband(15, 4), seam([(0, 41), (0, 85)], 0.5, 0.4)]
    for side in (1, -1):
        pocket = points([(10.0 * side, 60), (19.5 * side, 60), (20 * side, 73), (10.0 * side, 73)])
        flap = points([(9.4 * side, 58.5), (19.8 * side, 58.5), (20.2 * side, 62.5), (9.4 * side, 62.5)])
        marks += [
            Part(pocket, "main", lift=0.4, depth=0.5),
            Part(flap, "main", lift=0.5, depth=0.5),
            stitches(curve((15.2 * side, 49), (9 * side, 48), (7.5 * side, 41.5))),
        ]
    return marks


def _pinafore_buttons() -> list[Mark]:
    return [seam([(0, 41), (0, 92)], 0.5, 0.5), *buttons([(0, 46.0 + 8 * k) for k in range(6)], 1.1)]


def _skirt(
    name: str,
    draw: Draw,
    price: int,
    finishes: tuple[str, ...] = DRAPED,
    patterns: tuple[str, ...] = SKIRTINGS,
    wash: str = "",
) -> Cut:
    return Cut(name, draw, "female", price, finishes, patterns, None, 20, 0.0, worn="lower", wash=wash)


SKIRTS = (
    _skirt("A-line skirt", _simple(panel(WAIST, 15, 82, 28, relief=Relief("drape", 3, 34, 84, 15, 28))), 890),
    _skirt(
        "pencil skirt",
        _simple(panel(WAIST, 15, 98, 18.5, 20.5, "straight"), seam([(0, 84), (0, 98.5)], 0.6, 0.6)),
        990,
        ("wool", "smooth", "leather"),
        ("houndstooth", "pinstripe", "leopard", "zebra", "tartan", "windowpane", "herringbone"),
    ),
    _skirt(
        "pleated midi skirt",
        _simple(panel(WAIST, 15, 106, 31, hem="wavy", relief=Relief("pleats", 9, 40, 106, 15, 31))),
        1190,
        ("satin", "smooth"),
        ("ombre", "leopard", "polka dot", "floral"),
    ),
    _skirt("circle skirt", _simple(panel(WAIST, 14, 86, 40, 24, "wavy", Relief("drape", 6, 36, 88, 14, 40))), 990),
    _skirt("denim skirt", _denim, 890, ("denim",), (), "denim"),
    _skirt("tiered maxi skirt", _tiered, 1290, ("cotton", "linen")),
    _skirt("wrap skirt", _wrap, 1090),
    _skirt(
        "tennis skirt",
        _simple(panel(WAIST, 15, 74, 27, hem="straight", relief=Relief("pleats", 7, 40, 74, 15, 27))),
        690,
        ("cotton", "smooth"),
        ("tartan", "gingham", "houndstooth", "windowpane"),
    ),
    _skirt("ruffled skirt", _ruffle, 850),
    _skirt(
        "slip skirt",
        _simple(
            panel(WAIST, 14.5, 108, 24, 19.5, "round", Relief("drape", 2, 50, 110, 15, 24)), band_depth=1.6, ribbed=True
        ),
        1090,
        ("satin",),
        ("leopard", "floral", "marble", "zebra", "ombre"),
    ),
    _skirt(
        "handkerchief skirt",
        _simple(panel(WAIST, 15, 96, 33, hem="points", relief=Relief("drape", 5, 36, 100, 15, 33))),
        1050,
        ("cotton", "linen"),
    ),
    _skirt("tulip skirt", _tulip, 890, ("smooth", "cotton", "satin")),
    _skirt(
        "button-through skirt",
        _simple(panel(WAIST, 15, 94, 29, relief=Relief("drape", 3, 34, 96, 15, 29)), *_pinafore_buttons()),
        990,
        ("cord", "cotton", "linen"),
        ("plain", "gingham", "floral"),
    ),
    _skirt("cargo skirt", _cargo, 950, ("canvas",), ("camouflage",)),
    _skirt(
        "leather mini skirt",
        _simple(
            panel(WAIST, 15.5, 76, 22, 20.5, "straight"),
            seam([(-8, 41), (-10, 77)], 0.5),
            seam([(8, 41), (10, 77)], 0.5),
        ),
        1290,
        ("leather", "patent"),
        ("plain",),
    ),
    _skirt(
        "asymmetric skirt",
        _simple(panel(WAIST, 15, 92, 27, hem="slant", relief=Relief("drape", 4, 36, 98, 15, 27))),
        1090,
    ),
)
