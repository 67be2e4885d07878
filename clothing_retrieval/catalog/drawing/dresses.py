"""Dresses: a bodice, and a skirt below it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from clothing_retrieval.catalog.drawing import trimmings, upper
from clothing_retrieval.catalog.drawing.cut import DRAPED, Cut
from clothing_retrieval.catalog.drawing.geometry import curve, mirror, points, symmetric
from clothing_retrieval.catalog.drawing.marks import Mark, Part, Relief, band, buttons, seam
from clothing_retrieval.catalog.drawing.skirts import panel
from clothing_retrieval.catalog.drawing.stance import Stance
from clothing_retrieval.catalog.drawing.tops import button_shirt, plain
from clothing_retrieval.catalog.drawing.upper import Bodice

Draw = Callable[[Stance], list[Mark]]
DRESSINGS = (
    "floral",
    "polka dot",
    "leopard",
    "gingham",
    "vertical stripe",
    "leaf",
    "daisy",
    "tartan",
    "zebra",
    "ombre",
    "pin dot",
    "heart",
    "wave",
    "marble",
    "wide stripe",
    "colour block",
    "chevron",
    "diamond",
    "moon",
)


def _joined(bodice: Bodice, skirt: Part, neck_width: float = 1.3, sash: str | None = None, depth: float = 2.0) -> Draw:
    """A bodice sewn to a skirt at the waist."""
    short = replace(bodice, length=bodice.waist_at, hem=bodice.waist, hem_shape="seam")

    def draw(stance: Stance) -> list[Mark]:
        y = bodice.waist_at
        belt = Part(
            points(curve((-bodice.waist, y), (0, y + 1), (bodice.waist, y))), sash or "main", width=depth, lift=0.3
        )
        join = belt if sash else seam(curve((-bodice.waist, y), (0, y + 1), (bodice.waist, y)), 0.6, 0.5)
        return [skirt, *plain(short, "main", neck_width)(stance), join]

    return draw


def _slip(stance: Stance) -> list[Mark]:
    bodice = Bodice("strap", None, 108, 20, 18.5, 24, hem_shape="seam", relief=Relief("drape", 2, 50, 110, 18, 24))
    half = upper.half_neckline(bodice)
    return [*upper.straps(12.6, 0.9), upper.body(bodice), band([*reversed(mirror(half)), *half[1:]], 0.9, "main")]


def _shirt_dress(stance: Stance) -> list[Mark]:
    bodice = Bodice("shirt", "shirt", 104, 25, 23.5, 29, hem_shape="shirt", relief=Relief("drape", 3, 50, 108, 23, 29))
    belt = Part(points(curve((-23.4, 43), (0, 44.2), (23.4, 43))), "trim", width=3.0, lift=0.5)
    tie = Part(points(curve((1, 44), (4, 52), (3, 62))), "trim", width=2.2, lift=0.5)
    return [*button_shirt(bodice)(stance), belt, tie]


def _wrap(stance: Stance) -> list[Mark]:
    skirt = panel(41, 20, 102, 29, 23, "round", Relief("drape", 4, 36, 104, 20, 29))
    bodice = Bodice("wrap", "three-quarter", 41, 23.5, 20, 20, hem_shape="seam")
    over = curve((9.5, -0.2), (3, 14), (-10, 32), (-19, 40))
    flap = seam(curve((-16, 43), (-4, 70), (2, 104)), 0.8, 0.55)
    bow = [Part(points(curve((-17, 42), (-23 - 2 * k, 52), (-20 - 4 * k, 64))), "main", width=2.4) for k in (0, 1)]
    belt = Part(points(curve((-20, 41), (0, 42.4), (20, 41))), "main", width=3.6, shade=0.95)
    return [skirt, flap, *plain(bodice, "main", 1.4)(stance), seam(over, 0.8, 0.6), belt, *bow]


def _tiered(stance: Stance) -> list[Mark]:
    tiers = [
        panel(92, 31, 128, 39, hem="wavy", relief=Relief("gather", 15, 90, 130, 31, 39)),
        panel(62, 25, 95, 32.5, hem="wavy", relief=Relief("gather", 12, 60, 96, 25, 32)),
        panel(34, 20, 65, 26.5, hem="wavy", relief=Relief("gather", 10, 32, 66, 20, 26)),
    ]
    bodice = Bodice("strap", None, 34, 20.5, 20, 20, hem_shape="seam", waist_at=34)
    half = upper.half_neckline(bodice)
    return [
        *tiers,
        *upper.straps(12.6, 2.4),
        upper.body(bodice),
        band([*reversed(mirror(half)), *half[1:]], 1.2, "main"),
    ]


def _pinafore(stance: Stance) -> list[Mark]:
    skirt = panel(42, 18, 88, 27, relief=Relief("drape", 3, 36, 90, 18, 27))
    bib = Part(symmetric([(0, 17), (10.5, 16.5), *curve((10.5, 16.5), (12, 30), (18, 43)), (0, 44)]), "main", lift=0.6)
    strap = [
        band([(9.5, 18), (11.5, 6), (11, -1)], 3.4, "main"),
        band([(-9.5, 18), (-11.5, 6), (-11, -1)], 3.4, "main"),
    ]
    pocket = trimmings.patch_pocket(0, 24, 13, 12)
    return [
        *strap,
        skirt,
        bib,
        seam(curve((-18, 42.6), (0, 43.8), (18, 42.6)), 0.6),
        *pocket,
        *buttons([(9.5, 19), (-9.5, 19)], 1.0, "metal"),
    ]


def _halter(stance: Stance) -> list[Mark]:
    loop = curve((6.4, 1.5), (5.4, -2.5), (0, -4.6))
    skirt = panel(41, 18.5, 112, 34, 24, "wavy", Relief("drape", 5, 36, 114, 18, 34))
    bodice = Bodice("halter", None, 41, 20.5, 18.5, 18.5, hem_shape="seam")
    return [
        band([*loop, *reversed(mirror(loop))], 2.0, "main"),
        skirt,
        *plain(bodice, "main", 1.6)(stance),
        seam([(-18.5, 41.5), (18.5, 41.5)], 0.6),
    ]


def _polo_dress(stance: Stance) -> list[Mark]:
    bodice = Bodice("shirt", "short", 88, 24, 22.5, 27)
    placket = Part(points([(-1.9, 7), (1.9, 7), (1.9, 26), (-1.9, 26)]), "main", shade=0.96, lift=0.3, depth=0.4)
    return [
        *plain(bodice, "main", 1.0)(stance),
        placket,
        *buttons([(0, 11), (0, 15.5), (0, 20)], 0.65),
        *trimmings.shirt_collar("trim", 8.5, 10.5),
    ]


def _knit_dress(stance: Stance) -> list[Mark]:
    bodice = Bodice("turtle", "rib", 96, 23.5, 21, 22.5, hem_shape="rib", relief=Relief("rib", 26, 0, 1, 23, 23, 0.8))
    tube = symmetric([(0, -9.5), (8.2, -9), *curve((8.2, -9), (8.0, -2), (10.6, 3.4)), (0, 6.2)])
    return [*plain(bodice)(stance), Part(tube, "trim", relief=Relief("rib", 9, 0, 1, 8.2, 8.2), lift=0.6)]


def _off_shoulder(stance: Stance) -> list[Mark]:
    bodice = Bodice("off", None, 41, 22, 18.5, 18.5, hem_shape="seam")
    frill = symmetric([(0, 11), *curve((0, 11), (11, 10.2), (23, 7.5)), *curve((28, 22), (14, 25.5), (0, 26.5))])
    skirt = panel(41, 18.5, 92, 33, hem="wavy", relief=Relief("drape", 5, 36, 94, 18, 33))
    return [
        skirt,
        upper.body(bodice),
        Part(frill, "main", relief=Relief("drape", 7, 4, 26, 22, 28), lift=0.9),
        seam([(-18.5, 41.5), (18.5, 41.5)], 0.6),
    ]


def _dress(
    name: str,
    draw: Draw,
    price: int,
    finishes: tuple[str, ...] = DRAPED,
    patterns: tuple[str, ...] = DRESSINGS,
    contrast: float = 0.0,
) -> Cut:
    return Cut(name, draw, "female", price, finishes, patterns, None, 22, contrast, worn="full")


_SHIFT = Bodice("crew", None, 90, 23.5, 22.5, 26.5, 17.5, hem_shape="straight")
_BODYCON = Bodice("scoop", "long", 98, 22, 18.5, 19.5, hem_shape="straight")
_FITTED = Bodice("scoop", "short", 41, 22.5, 18.5, 18.5)
DRESSES = (
    _dress("shift dress", plain(_SHIFT, "trim", 1.6), 1290, ("cotton", "smooth", "linen"), DRESSINGS, 0.3),
    _dress("wrap dress", _wrap, 1590),
    _dress(
        "skater dress",
        _joined(_FITTED, panel(41, 18.5, 84, 35, hem="wavy", relief=Relief("drape", 6, 34, 86, 18, 35))),
        1190,
    ),
    _dress("slip dress", _slip, 1390, ("satin",), ("leopard", "floral", "zebra", "ombre", "marble", "moon")),
    _dress(
        "shirt dress",
        _shirt_dress,
        1490,
        ("cotton", "linen", "denim"),
        ("vertical stripe", "gingham", "tartan", "leaf", "pin dot", "windowpane"),
        0.3,
    ),
    _dress("tiered maxi dress", _tiered, 1790, ("cotton", "linen")),
    _dress(
        "bodycon dress",
        plain(_BODYCON, "main", 1.4),
        1190,
        ("knit", "smooth"),
        ("vertical stripe", "wide stripe", "leopard", "zebra", "colour block", "houndstooth"),
    ),
    _dress(
        "sleeveless A-line dress",
        _joined(
            Bodice("boat", None, 41, 22, 19, 19, 18.5),
            panel(41, 19, 92, 31, relief=Relief("drape", 3, 34, 94, 19, 31)),
            sash="trim",
            depth=3.0,
        ),
        1390,
        DRAPED,
        DRESSINGS,
        0.7,
    ),
    _dress(
        "smock dress",
        _joined(
            Bodice("square", "puff", 30, 23.5, 24.5, 24.5, waist_at=30),
            panel(30, 24.5, 90, 35, hem="round", relief=Relief("gather", 12, 28, 92, 24, 35)),
        ),
        1290,
        ("cotton", "linen"),
    ),
    _dress("pinafore dress", _pinafore, 1290, ("cord", "denim", "wool"), ("tartan", "houndstooth", "gingham")),
    _dress(
        "pleated midi dress",
        _joined(
            Bodice("v", "long", 41, 22.5, 19, 19),
            panel(41, 19, 108, 31, hem="wavy", relief=Relief("pleats", 8, 40, 108, 19, 31)),
            sash="trim",
        ),
        1790,
        ("satin", "smooth"),
        DRESSINGS,
        0.4,
    ),
    _dress("halter dress", _halter, 1490),
    _dress(
        "polo dress",
        _polo_dress,
        990,
        ("cotton", "canvas"),
        ("wide stripe", "breton stripe", "colour block", "checkerboard"),
        0.7,
    ),
    _dress(
        "ribbed jumper dress", _knit_dress, 1490, ("knit",), ("wide stripe", "colour block", "double stripe", "argyle")
    ),
    _dress("off-shoulder dress", _off_shoulder, 1390),
    _dress(
        "bell-sleeved dress",
        plain(
            Bodice("crew", "bell", 86, 24, 23.5, 31, hem_shape="straight", relief=Relief("drape", 3, 30, 88, 23, 31)),
            "trim",
            1.4,
        ),
        1290,
        DRAPED,
        DRESSINGS,
        0.2,
    ),
    _dress(
        "tee dress",
        plain(Bodice("crew", "short", 94, 26, 26, 28)),
        790,
        ("cotton",),
        ("wide stripe", "marble", "breton stripe", "camouflage", "star", "ombre"),
        0.2,
    ),
)
