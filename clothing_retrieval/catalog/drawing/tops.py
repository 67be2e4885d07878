"""Tees, shirts, blouses, jumpers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from clothing_retrieval.catalog.drawing import trimmings, upper
from clothing_retrieval.catalog.drawing.cut import DRAPED, SOFT, Cut
from clothing_retrieval.catalog.drawing.geometry import curve, mirror, points, symmetric
from clothing_retrieval.catalog.drawing.marks import Mark, Part, Relief, band, buttons, seam
from clothing_retrieval.catalog.drawing.stance import Stance
from clothing_retrieval.catalog.drawing.upper import Bodice

Draw = Callable[[Stance], list[Mark]]
KNITTED = (
    "breton stripe",
    "wide stripe",
    "double stripe",
    "argyle",
    "chevron",
    "colour block",
    "ombre",
    "heart",
    "star",
    "diamond",
    "terrazzo",
)
PRINTED = (
    "breton stripe",
    "wide stripe",
    "double stripe",
    "polka dot",
    "floral",
    "marble",
    "camouflage",
    "diagonal stripe",
    "star",
    "colour block",
    "checkerboard",
    "wave",
    "ombre",
    "cat",
    "bolt",
    "terrazzo",
)
SHIRTINGS = (
    "gingham",
    "tartan",
    "vertical stripe",
    "pinstripe",
    "windowpane",
    "polka dot",
    "pin dot",
    "floral",
    "leaf",
    "fish",
    "diamond",
    "cross",
)
BLOUSES = ("floral", "polka dot", "pin dot", "leopard", "daisy", "heart", "vertical stripe", "leaf", "zebra", "moon")


def plain(bodice: Bodice, neck_cloth: str = "trim", neck_width: float = 2.0) -> Draw:
    def draw(stance: Stance) -> list[Mark]:
        return [
            *upper.back_of_neck(bodice),
            *upper.sleeve_marks(bodice, stance),
            upper.body(bodice),
            *upper.armhole_seams(bodice),
            *upper.neckband(bodice, neck_width, neck_cloth),
            *upper.hem_marks(bodice),
        ]

    return draw


def button_shirt(bodice: Bodice, pocket: bool = True, flap: bool = False, collar: bool = True) -> Draw:
    def draw(stance: Stance) -> list[Mark]:
        top = upper.NECKS[bodice.neck][1]
        marks = [
            *upper.back_of_neck(bodice),
            *upper.sleeve_marks(bodice, stance),
            upper.body(bodice),
            *upper.armhole_seams(bodice),
            *trimmings.button_front(top, bodice.length + (3 if bodice.hem_shape == "shirt" else 0), 7),
            *upper.hem_marks(bodice),
        ]
        if pocket:
            marks += trimmings.patch_pocket(10.5, 21, 10.5, 12, flap)
        if flap:
            marks += trimmings.patch_pocket(-10.5, 21, 10.5, 12, flap)
        return marks + (trimmings.shirt_collar() if collar else upper.neckband(bodice, 2.4, "main"))

    return draw


def _polo(stance: Stance) -> list[Mark]:
    bodice = Bodice("shirt", "short", 66, hem_shape="straight")
    placket = Part(points([(-1.9, 7), (1.9, 7), (1.9, 22), (-1.9, 22)]), "main", shade=0.96, lift=0.3, depth=0.4)
    marks = plain(bodice, "main", 1.0)(stance)
    return [*marks, placket, *buttons([(0, 11), (0, 15.5), (0, 20)], 0.65), *trimmings.shirt_collar("trim", 8.5, 10.5)]


def _henley(stance: Stance) -> list[Mark]:
    bodice = Bodice("crew", "long", 66)
    placket = Part(points([(-1.7, 8), (1.7, 8), (1.7, 24), (-1.7, 24)]), "main", shade=0.96, lift=0.3, depth=0.4)
    return [*plain(bodice)(stance), placket, *buttons([(0, 11), (0, 15), (0, 19), (0, 22.5)], 0.6)]


def _turtleneck(stance: Stance) -> list[Mark]:
    bodice = Bodice("turtle", "rib", 66, 25, 24, 24, hem_shape="rib")
    tube = symmetric([(0, -9.5), (8.2, -9), *curve((8.2, -9), (8.0, -2), (10.6, 3.4)), (0, 6.2)])
    neck = Part(tube, "trim", relief=Relief("rib", 9, -9, 6, 8.2, 10), lift=0.6)
    fold = seam(curve((-8.3, -1.2), (0, 1.2), (8.3, -1.2)), 0.8, 0.4)
    return [*plain(bodice)(stance), neck, fold]


def _hoodie(stance: Stance) -> list[Mark]:
    bodice = Bodice("hood", "rib", 67, 27, 26.5, 25.5, 21.5, hem_shape="rib")
    marks = plain(bodice, "main", 1.0)(stance)
    return [*marks, *trimmings.kangaroo_pocket(43, 60), *trimmings.hood(), *trimmings.drawstrings()]


def _peplum(stance: Stance) -> list[Mark]:
    bodice = Bodice("scoop", "cap", 42, 23, 19, 20, hem_shape="seam")
    frill = symmetric(
        [(0, 41), (19, 40.5), *curve((19, 40.5), (24, 50), (29.5, 61)), *curve((29.5, 61), (15, 63.5), (0, 64))]
    )
    flounce = Part(frill, "main", relief=Relief("drape", 6, 36, 64, 19, 29), lift=0.5)
    return [flounce, *plain(bodice, "main", 1.2)(stance), seam([(-19.5, 41.8), (19.5, 41.8)], 0.6)]


def _bow_blouse(stance: Stance) -> list[Mark]:
    bodice = Bodice("stand", "bishop", 66, 24.5, 24, 25)
    marks = button_shirt(bodice, pocket=False, collar=False)(stance)
    tail = points([*curve((0.5, 6), (5, 15), (5.5, 27)), (9.5, 26.5), *curve((9.5, 26.5), (8, 14), (1, 5))])
    loop = points(curve((0, 5.5), (6, 1.5), (11.5, 4), (10.5, 9.5), (5, 9), (0, 5.5)))
    pieces = [Part(tail, "trim", lift=0.6), Part(loop, "trim", lift=0.7)]
    pieces += [replace(p, outline=points(mirror([(float(x), float(y)) for x, y in p.outline]))) for p in pieces]
    knot = Part(points([(0, 4.4), (0, 7.2)]), "trim", width=3.4, lift=0.5)
    return [*marks, *pieces, knot]


def _camisole(stance: Stance) -> list[Mark]:
    bodice = Bodice("strap", None, 58, 20.5, 20, 23, hem_shape="straight")
    half = upper.half_neckline(bodice)
    edge = band([*reversed(mirror(half)), *half[1:]], 1.2, "trim")
    return [*upper.straps(12.6, 1.1), upper.body(bodice), edge, *upper.hem_marks(bodice)]


def _off_shoulder(stance: Stance) -> list[Mark]:
    bodice = Bodice("off", "elbow", 60, 23, 21, 22)
    frill = symmetric([(0, 11), *curve((0, 11), (11, 10.2), (23, 7.5)), *curve((26, 20), (13, 23.5), (0, 24.5))])
    flounce = Part(frill, "main", relief=Relief("drape", 7, 4, 24, 22, 26), lift=0.9)
    return [*upper.sleeve_marks(bodice, stance), upper.body(bodice), flounce, *upper.hem_marks(bodice)]


def _halter(stance: Stance) -> list[Mark]:
    bodice = Bodice("halter", None, 60, 21, 21, 23.5)
    loop = curve((6.4, 1.5), (5.4, -2.5), (0, -4.6))
    return [band([*loop, *reversed(mirror(loop))], 2.0, "main"), *plain(bodice, "trim", 1.6)(stance)]


def _raglan(stance: Stance) -> list[Mark]:
    bodice = Bodice("crew", "three-quarter", 66, sleeve_cloth="second")
    yoke = points(
        [
            (8.6, -0.5),
            (20, 3.2),
            *curve((17.8, 11.0), (19.3, 17.5), (24.6, 22.5)),
            *curve((24.6, 22.5), (16, 13), (8.8, 3.0)),
        ]
    )
    right = Part(yoke, "second", angle=-30, lift=0.0, depth=0.5)
    left = replace(right, outline=points(mirror([(float(x), float(y)) for x, y in yoke])), angle=30)
    marks = plain(bodice)(stance)
    return [*marks, left, right, *upper.neckband(bodice)]


def _wrap_top(stance: Stance) -> list[Mark]:
    bodice = Bodice("wrap", "three-quarter", 60, 23, 20, 23)
    over = [*curve((9.5, -0.2), (3, 14), (-12, 34), (-20, 43))]
    tie = Part(points(curve((-19, 43), (-24, 50), (-23, 60))), "main", width=2.2)
    return [
        *plain(bodice, "main", 1.4)(stance),
        seam(over, 0.7, 0.55),
        tie,
        Part(points([(-20, 43), (-17, 42)]), "main", width=3),
    ]


def _cable(stance: Stance) -> list[Mark]:
    bodice = Bodice("crew", "rib", 66, 26, 25.5, 25, hem_shape="rib", relief=Relief("cable", 7, 0, 66, 25, 25))
    bodice = replace(bodice, sleeve_relief=Relief("rib", 24, 0, 1, 25, 25, 0.7))
    return plain(bodice, neck_width=3.0)(stance)


def _bell_sleeved(stance: Stance) -> list[Mark]:
    bodice = Bodice("boat", "bell", 58, 26, 25, 26)
    return plain(bodice, "main", 1.2)(stance)


def _bib(stance: Stance) -> list[Mark]:
    bodice = Bodice("stand", "bishop", 64, 24, 23, 25)
    pleats = Part(
        points([(-8, 5), (8, 5), (8, 28), (-8, 28)]),
        "main",
        relief=Relief("pleats", 6, 0, 30, 8, 8),
        lift=0.2,
        depth=0.3,
    )
    return [
        *plain(bodice, "main", 2.4)(stance),
        pleats,
        *buttons([(0, 9), (0, 15), (0, 21)], 0.6),
        seam([(-8, 28), (8, 28)]),
    ]


def _tee(name: str, bodice: Bodice, gender: str = "unisex", price: int = 490, contrast: float = 0.15) -> Cut:
    return Cut(
        name,
        plain(bodice),
        gender,
        price,
        SOFT,
        PRINTED,
        (0, upper.NECKS[bodice.neck][1] + 16),
        25,
        contrast,
        worn="upper",
    )


def _shirt(name: str, bodice: Bodice, gender: str, price: int, **how: bool) -> Cut:
    return Cut(name, button_shirt(bodice, **how), gender, price, ("cotton", "linen", "cotton"), SHIRTINGS, worn="upper")


def _knit(name: str, draw: Draw, gender: str = "unisex", price: int = 1290, chest: bool = True) -> Cut:
    return Cut(name, draw, gender, price, ("knit", "wool"), KNITTED, (0, 28) if chest else None, 24, 0.2, worn="upper")


def _blouse(name: str, draw: Draw, price: int = 990) -> Cut:
    return Cut(name, draw, "female", price, DRAPED, BLOUSES, worn="upper")


_KNIT_BODY = Bodice("crew", "rib", 65, 25.5, 25, 24.5, hem_shape="rib")
_SWEAT_BODY = Bodice("crew", "rib", 66, 27, 26.5, 25.5, 21.5, hem_shape="rib")
TOPS = (
    _tee("crew-neck tee", Bodice("crew", "short", 66)),
    _shirt("shirt", Bodice("shirt", "shirt", 72, 25, 24, 25, hem_shape="shirt"), "male", 990),
    _knit("crew-neck jumper", plain(_KNIT_BODY, neck_width=2.8)),
    _blouse("bow blouse", _bow_blouse, 1190),
    Cut("hoodie", _hoodie, "unisex", 1290, ("cotton",), PRINTED, (0, 27), 20, 0.1, worn="upper"),
    _tee("V-neck tee", Bodice("v", "short", 65, 24, 23, 24), "female"),
    _blouse("camisole", _camisole, 690),
    Cut(
        "polo shirt",
        _polo,
        "male",
        790,
        ("cotton", "canvas"),
        ("breton stripe", "wide stripe", "colour block", "pin dot"),
        None,
        20,
        0.6,
        worn="upper",
    ),
    _tee("tank top", Bodice("tank", None, 64, 23.5, 23, 24, 15.5), "unisex", 390, 0.4),
    _knit("turtleneck jumper", _turtleneck),
    Cut(
        "sweatshirt",
        plain(_SWEAT_BODY, neck_width=2.8),
        "unisex",
        1090,
        ("cotton",),
        PRINTED,
        (0, 26),
        24,
        0.15,
        worn="upper",
    ),
    _blouse("off-shoulder blouse", _off_shoulder),
    _tee("long-sleeved tee", Bodice("crew", "long", 66, 24.5, 23.5, 24.5), "unisex", 590, 0.2),
    _shirt("short-sleeved shirt", Bodice("shirt", "short", 68, 26, 25.5, 26), "male", 890),
    _blouse("peplum top", _peplum),
    Cut(
        "raglan tee",
        _raglan,
        "unisex",
        590,
        ("cotton",),
        ("plain", "pin dot", "star"),
        (0, 25),
        21,
        1.0,
        worn="upper",
    ),
    _knit("cable jumper", _cable, "unisex", 1590, chest=False),
    _blouse("wrap top", _wrap_top),
    _shirt("workwear shirt", Bodice("shirt", "shirt", 71, 26.5, 26, 26, hem_shape="shirt"), "unisex", 1190, flap=True),
    _tee("cropped tee", Bodice("crew", "short", 46, 24, 24, 24), "female", 450, 0.2),
    _blouse("bell-sleeved top", _bell_sleeved),
    Cut("henley", _henley, "male", 690, ("cotton", "knit"), KNITTED, None, 20, 0.1, worn="upper"),
    _blouse("halter top", _halter, 750),
    _knit("V-neck jumper", plain(replace(_KNIT_BODY, neck="v"), neck_width=2.8), "male", chest=False),
    _blouse("pleated-bib blouse", _bib, 1090),
    _blouse("puff-sleeved blouse", plain(Bodice("square", "puff", 58, 23, 20.5, 22), "main", 1.2)),
    _tee("boat-neck tee", Bodice("boat", "three-quarter", 63, 23.5, 22, 23), "female", 550),
    _shirt(
        "sleeveless shirt",
        Bodice("shirt", None, 66, 23.5, 23, 24.5, 18, hem_shape="shirt"),
        "female",
        790,
        pocket=False,
    ),
)
