"""Hats, in centimetres; the forehead lies at y = 0."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from clothing_retrieval.catalog.drawing.cut import Cut
from clothing_retrieval.catalog.drawing.geometry import Point, curve, ellipse, points, symmetric
from clothing_retrieval.catalog.drawing.marks import Mark, Part, Relief, buttons, seam, stitches
from clothing_retrieval.catalog.drawing.stance import Stance

Draw = Callable[[Stance], list[Mark]]


def _cap(stance: Stance) -> list[Mark]:
    crown = symmetric([*curve((0, -14), (6.5, -13), (10, -7.5), (10.8, 0.6)), *curve((10.8, 0.6), (6, 1.8), (0, 2.2))])
    brim = symmetric([*curve((0, 1.6), (6, 1.0), (10.6, -0.2)), *curve((10.6, -0.2), (12.6, 5.0), (8, 9.6), (0, 11.2))])
    panels = [seam(curve((0, -14), (x, -7), (x * 1.25, 1.6)), 0.4, 0.5) for x in (-4.6, 4.6)]
    rows = [
        stitches(curve((-11 - k * 0.1, 1.6 + 2 * k), (0, 3.8 + 2 * k), (11 + 0.1 * k, 1.6 + 2 * k))) for k in range(3)
    ]
    return [
        Part(crown, "main", depth=1.8),
        seam([(0, -14), (0, 1.8)], 0.4, 0.5),
        *panels,
        Part(brim, "second", lift=0.8, depth=0.9),
        *rows,
        *buttons([(0, -13.8)], 0.9, "second"),
        *buttons([(-4.8, -9), (4.8, -9)], 0.35, "lining"),
    ]


def _cap_side(stance: Stance) -> list[Mark]:
    crown = points(
        [
            *curve((-10.6, 1.0), (-10.8, -6), (-5, -12), (2, -12.6), (8.6, -8), (10.6, 0.2)),
            *curve((10.6, 0.2), (2, 2.4), (-10.6, 1.0)),
        ]
    )
    brim = points(
        [
            *curve((5.2, 1.2), (11, -0.8), (17.5, 0.4), (21.5, 4.0)),
            *curve((21.5, 4.0), (15, 4.2), (10, 4.0), (5.2, 1.2)),
        ]
    )
    panel = points(
        [
            *curve((3.2, -12.4), (8.8, -7.6), (10.6, 0.2)),
            *curve((10.6, 0.2), (7, 1.4), (3.4, 1.9)),
            *curve((3.4, 1.9), (4.6, -5), (3.2, -12.4)),
        ]
    )
    strap = Part(points(curve((-10.7, 0.2), (-5, 2.0), (2, 2.0), (10.6, 0.2))), "second", width=1.0, lift=0.1)
    return [
        Part(crown, "main", depth=1.8),
        Part(panel, "second", lift=0.1),
        seam(curve((-1, -12.8), (-4, -6), (-4.4, 1.6)), 0.4, 0.5),
        strap,
        Part(brim, "second", lift=0.7),
        *buttons([(0.6, -12.9)], 0.9, "second"),
    ]


def _beanie(pom: bool, slouch: float = 0.0) -> Draw:
    def draw(stance: Stance) -> list[Mark]:
        top = -14.5 - slouch
        crown = symmetric([*curve((0, top), (6.6, top + 1.2), (10.4, -6 - slouch * 0.4), (10.9, 0)), (0, 0.8)])
        cuff = symmetric([(0, -2.0), *curve((11.0, -2.8), (11.8, 0.8), (11.2, 5.0)), (0, 6.2)])
        ribs = Relief("rib", 15, 0, 1, 10.5, 10.5)
        marks: list[Mark] = [
            Part(crown, "main", relief=ribs, depth=1.8),
            Part(cuff, "second", relief=ribs, lift=0.7, depth=1.0),
        ]
        if pom:
            edge = np.linspace(0, 2 * np.pi, 150, endpoint=False)
            radius = 4.4 * (1 + 0.03 * np.sin(edge * 23) + 0.025 * np.sin(edge * 37))
            ball = np.stack([radius * np.cos(edge), top - 2.6 + radius * np.sin(edge)], axis=1)
            marks.append(Part(ball, "pompom", lift=0.6, depth=2.2))
        return marks

    return draw


def _brimmed(brim: float, dip: float, crown: float, pinch: float, band_depth: float = 3.0, flat: bool = False) -> Draw:
    """A hat seen from a little above: an oval brim, the crown in front of its far side."""

    def draw(stance: Stance) -> list[Mark]:
        oval = Part(ellipse((0, 1.2), brim, dip, 72), "main", depth=1.2, lift=0.8)
        under = Part(ellipse((0, 2.0), brim * 0.98, dip), "main", shade=0.78, lift=0.0, depth=0.5)
        if flat:
            top = [(0.0, -crown), (8.8, -crown + 0.2), (9.3, -crown + 0.8)]
        else:
            top = curve((0, -crown + pinch), (3.4, -crown - 0.3), (7.4, -crown + 1.2), (9.0, -crown * 0.55))
        base = curve((9.9, 0.0), (6.0, 2.4), (0, 3.2))
        dome = Part(symmetric([*top, *base]), "main", depth=1.7, lift=0.9)
        ribbon = symmetric(
            [*curve((0, 0.2), (5.8, -0.6), (9.75, -band_depth)), *curve((9.9, 0.0), (6.0, 2.4), (0, 3.2))]
        )
        marks: list[Mark] = [under, oval, dome, Part(ribbon, "second", lift=0.2, depth=0.6)]
        if pinch:
            marks.append(
                Part(
                    points(curve((-3.0, -crown + 0.6), (0, -crown + pinch + 1.0), (3.0, -crown + 0.6))),
                    "seam",
                    width=0.9,
                    lift=0.0,
                    depth=0.0,
                    opacity=0.3,
                )
            )
        return marks

    return draw


def _bucket(stance: Stance) -> list[Mark]:
    crown = symmetric(
        [
            *curve((0, -11.5), (7.6, -11.0), (8.6, -10.0)),
            *curve((8.6, -10.0), (9.4, -4), (10.0, 0.4)),
            *curve((10.0, 0.4), (5, 1.6), (0, 2.0)),
        ]
    )
    brim = symmetric(
        [
            *curve((0, 1.2), (5, 0.8), (9.9, -0.4)),
            *curve((9.9, -0.4), (13, 3.5), (15.6, 8.2)),
            *curve((15.6, 8.2), (8, 10.8), (0, 11.4)),
        ]
    )
    rows = [
        stitches(curve((-10.8 - 1.4 * k, 1.2 + 2 * k), (0, 3.4 + 2.3 * k), (10.8 + 1.4 * k, 1.2 + 2 * k)))
        for k in range(4)
    ]
    return [
        Part(crown, "main", depth=1.6),
        Part(brim, "main", lift=0.6, shade=0.97),
        *rows,
        *buttons([(-6.8, -5), (6.8, -5)], 0.4, "metal"),
    ]


def _beret(stance: Stance) -> list[Mark]:
    disc = points(
        curve(
            (-9.4, 1.0),
            (-15.2, -3.4),
            (-11.5, -9.5),
            (-1, -11.6),
            (10, -9.6),
            (14.2, -4.2),
            (10.2, 0.6),
            (0, 2.4),
            (-9.4, 1.0),
        )
    )
    rim = Part(points(curve((-9.4, 0.6), (0, 2.3), (10.0, 0.3))), "second", width=1.8, lift=0.4)
    stalk = Part(points([(-0.6, -11.4), (-0.2, -13.6)]), "main", width=1.0, lift=0.2)
    return [stalk, Part(disc, "main", depth=2.6), seam(curve((-10, -3.0), (-1, -5.5), (10.5, -3.2)), 0.9, 0.25), rim]


def _trapper(stance: Stance) -> list[Mark]:
    crown = symmetric([*curve((0, -13), (7, -12), (10.4, -6), (10.8, 0)), (0, 1)])
    flaps = [
        points(
            curve(
                (x * 8.0, -3.5),
                (x * 12.6, -2.0),
                (x * 13.0, 6),
                (x * 10.6, 14),
                (x * 7.6, 13),
                (x * 7.2, 4),
                (x * 8.0, -3.5),
            )
        )
        for x in (-1, 1)
    ]
    front = symmetric(
        [
            *curve((0, -7.2), (6, -6.8), (9.6, -4.8)),
            *curve((9.6, -4.8), (10, -1.5), (9.2, 1.6)),
            *curve((9.2, 1.6), (5, 2.4), (0, 2.8)),
        ]
    )
    return [
        Part(crown, "main", depth=1.8),
        *(Part(flap, "second", lift=0.6, depth=1.6) for flap in flaps),
        Part(front, "second", lift=0.6, depth=1.4),
    ]


def _hat(
    name: str,
    draw: Draw,
    price: int,
    finishes: tuple[str, ...],
    patterns: tuple[str, ...] = (),
    contrast: float = 0.6,
    chest: Point | None = None,
    gender: str = "unisex",
) -> Cut:
    return Cut(name, draw, gender, price, finishes, patterns, chest, 6.0, contrast, hung=False, worn="head")


HEADWEAR = (
    _hat(
        "baseball cap",
        _cap,
        590,
        ("cotton", "canvas", "cord"),
        ("camouflage", "leopard", "checkerboard"),
        0.6,
        (0, -4.5),
    ),
    _hat("ribbed beanie", _beanie(False), 490, ("knit", "wool"), ("wide stripe", "breton stripe"), 0.4),
    _hat("fedora", _brimmed(17.5, 5.6, 11.5, 1.8), 1290, ("wool",), ("houndstooth",), 1.0),
    _hat(
        "bucket hat",
        _bucket,
        590,
        ("cotton", "canvas", "denim"),
        ("leaf", "daisy", "camouflage", "gingham", "checkerboard", "marble"),
        0.0,
    ),
    _hat("wide-brimmed sun hat", _brimmed(24, 8.2, 9.5, 0.0), 890, ("straw",), (), 1.0, None, "female"),
    _hat("beret", _beret, 690, ("wool",), ("tartan", "houndstooth", "leopard"), 0.2, None, "female"),
    _hat("pompom beanie", _beanie(True, 1.0), 590, ("knit",), ("argyle", "double stripe", "star", "chevron"), 0.6),
    _hat("straw boater", _brimmed(16.5, 5.2, 8.0, 0.0, 3.4, True), 990, ("straw",), (), 1.0),
    _hat("trucker cap", _cap_side, 550, ("cotton", "canvas"), ("polka dot", "star"), 1.0),
    _hat("trapper hat", _trapper, 990, ("canvas", "leather"), ("tartan",), 1.0),
)
