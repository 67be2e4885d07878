"""Bags, in centimetres around their own middle."""

from __future__ import annotations

from collections.abc import Callable

from clothing_retrieval.catalog.drawing import packs
from clothing_retrieval.catalog.drawing.cut import Cut
from clothing_retrieval.catalog.drawing.geometry import Point, curve, ellipse, points, rectangle, symmetric
from clothing_retrieval.catalog.drawing.marks import Mark, Part, Relief, buttons, seam, stitches
from clothing_retrieval.catalog.drawing.packs import handle
from clothing_retrieval.catalog.drawing.stance import Stance

Draw = Callable[[Stance], list[Mark]]


def _tote(stance: Stance) -> list[Mark]:
    shape = symmetric([(0, -17.6), (18.5, -18), *curve((18.5, -18), (18.8, 0), (17.2, 18)), (0, 19)])
    marks: list[Mark] = [
        handle(8.5, -17, 21, 2.2, behind=True),
        Part(shape, "main", depth=1.4),
        stitches([(-18, -15.8), (18, -15.8)]),
    ]
    front = [(-8.5, -13), *curve((-8.5, -13), (-8.4, -28), (0, -37), (8.4, -28), (8.5, -13)), (8.5, -13)]
    return [*marks, Part(points(front), "second", width=2.2, lift=0.6)]


def _shopper(stance: Stance) -> list[Mark]:
    shape = symmetric([(0, -12.6), (20, -13.5), *curve((20, -13.5), (17.5, 0), (15.5, 14)), (0, 14.6)])
    tabs = [Part(rectangle(x - 1.6, -12, x + 1.6, -4.5, 0.8), "second", lift=0.4) for x in (-8.0, 8.0)]
    return [
        handle(8, -12, 17, 1.5, behind=True),
        Part(shape, "main", depth=1.6),
        *tabs,
        handle(8, -8.5, 17, 1.5),
        seam([(-15.8, 11), (15.8, 11)], 0.5),
        *buttons([(-8, -6), (8, -6)], 0.8, "metal"),
    ]


def _flap_bag(stance: Stance) -> list[Mark]:
    strap = Part(
        points(curve((-14, -8), (-17, -24), (-6, -38), (10, -36), (17, -22), (14, -8))), "main", width=1.5, lift=0.6
    )
    shape = rectangle(-15, -10, 15, 11, 3.0)
    flap = symmetric([(0, -10.6), (15.2, -10), *curve((15.4, -6), (13.5, 1.5), (6, 5.0), (0, 5.6))])
    clasp = [
        Part(rectangle(-2, 2.6, 2, 7.2, 1.0), "metal", lift=0.4),
        Part(ellipse((0, 5), 0.8, 0.8), "hardware", lift=0.2),
    ]
    return [
        strap,
        Part(shape, "main", depth=1.5),
        Part(flap, "main", lift=1.0),
        stitches(curve((14.2, -5.6), (12.6, 0.8), (0, 4.6), (-12.6, 0.8), (-14.2, -5.6))),
        *clasp,
    ]


def _chain_bag(stance: Stance) -> list[Mark]:
    chain = points(curve((-12.5, -8), (-18, -22), (-8, -36), (8, -36), (18, -22), (12.5, -8)))
    shape = rectangle(-14, -9, 14, 9.5, 2.5)
    flap = points([(-14.2, -9.4), (14.2, -9.4), (14.2, -3), (0, 4.5), (-14.2, -3)])
    quilting = [seam(_quilted(x, lean), 0.35, 0.4) for x in range(-24, 26, 4) for lean in (0.75, -0.75)]
    return [
        Part(chain, "metal", width=1.1, dashes=1.1, lift=0.5),
        Part(shape, "main", depth=1.6),
        *quilting,
        Part(flap, "main", lift=0.9),
        Part(ellipse((0, 2.2), 1.5, 1.5), "metal", lift=0.3),
    ]


def _quilted(x: float, lean: float) -> list[Point]:
    """A slanting line, as far as it lies on the bag."""
    rows = [-9 + 0.5 * k for k in range(37)]
    return [(min(13.8, max(-13.8, x + lean * y)), y) for y in rows if abs(x + lean * y) < 13.8] or [
        (0.0, 0.0),
        (0.0, 0.1),
    ]


def _clutch(stance: Stance) -> list[Mark]:
    flap = points([(-16, -9), (16, -9), (16, -7.4), (0, 3.6), (-16, -7.4)])
    return [
        Part(rectangle(-16, -9, 16, 9.5, 1.2), "main", depth=1.2),
        Part(flap, "main", lift=0.9),
        Part(ellipse((0, 1.6), 1.3, 1.3), "metal", lift=0.3),
    ]


def _frame_clutch(stance: Stance) -> list[Mark]:
    body = symmetric([(0, -7), (13, -7), *curve((13, -7), (17.5, 0), (16, 8), (9, 11)), (0, 11.4)])
    frame = Part(points([(-13.4, -6), (-13, -8), (13, -8), (13.4, -6)]), "metal", width=1.4, lift=0.4)
    return [
        Part(body, "main", relief=Relief("gather", 8, -7, 12, 13, 16), depth=1.6),
        frame,
        Part(ellipse((-1, -9.6), 1.1, 1.1), "metal"),
        Part(ellipse((1, -9.8), 1.1, 1.1), "metal"),
    ]


def _bucket(stance: Stance) -> list[Mark]:
    strap = Part(points(curve((-12, -12), (-14, -28), (0, -38), (14, -28), (12, -12))), "second", width=1.8, lift=0.5)
    body = symmetric(
        [(0, -12), *curve((13.8, -13), (13.4, -6), (12.6, 4), (12.0, 15)), *curve((12.0, 15), (6, 16.8), (0, 17))]
    )
    mouth = Part(ellipse((0, -12.6), 13.8, 2.6), "lining", shade=0.6, lift=0.0)
    cord = [Part(points(curve((x, -8), (x * 1.5, 0), (x * 1.2, 6))), "second", width=0.9) for x in (-2.0, 2.0)]
    line = Part(points(curve((-13.4, -7.4), (0, -6.0), (13.4, -7.4))), "second", width=0.9, dashes=2.4, lift=0.2)
    return [
        strap,
        mouth,
        Part(body, "main", depth=2.0, relief=Relief("gather", 7, -14, 17, 13, 12, 0.6)),
        line,
        *cord,
        seam(curve((-12.2, 11), (0, 12.6), (12.2, 11)), 0.5),
    ]


def _camera_bag(stance: Stance) -> list[Mark]:
    strap = Part(
        points(curve((-10.5, -5), (-16, -20), (-8, -34), (9, -33), (16, -20), (10.5, -5))),
        "second",
        width=2.0,
        lift=0.6,
    )
    zip_line = Part(points([(-9.6, -5.6), (9.6, -5.6)]), "metal", width=0.8, dashes=0.6, lift=0.0, depth=0.0)
    tassel = [Part(points([(9.4, -5.4), (10.4, 0.0)]), "second", width=1.2, lift=0.4)]
    return [
        strap,
        Part(rectangle(-12, -8, 12, 8.5, 3.6), "main", depth=1.6),
        zip_line,
        Part(rectangle(-9.5, -2, 9.5, 6.2, 2.0), "main", lift=0.5),
        *tassel,
    ]


def _satchel(stance: Stance) -> list[Mark]:
    flap = symmetric([(0, -12), (17.4, -11.6), *curve((17.6, -8), (17, 2), (15, 5)), (0, 5.4)])
    belts = [Part(rectangle(x - 1.3, -3, x + 1.3, 11.5, 0.5), "second", lift=0.5) for x in (-8.5, 8.5)]
    buckles = [Part(rectangle(x - 2, 6, x + 2, 9, 0.5), "metal", lift=0.3) for x in (-8.5, 8.5)]
    return [
        handle(5, -11.5, 5.5, 1.8),
        Part(rectangle(-17, -11.5, 17, 13, 2.2), "main", depth=1.4),
        Part(rectangle(-14, 2, 14, 11.5, 1.5), "main", lift=0.5),
        Part(flap, "main", lift=1.0),
        *belts,
        *buckles,
    ]


def _handbag(stance: Stance) -> list[Mark]:
    shape = symmetric([(0, -11), (12.5, -11), *curve((12.5, -11), (15, -4), (16.5, 9.5), (15.5, 11.5)), (0, 12)])
    panel = symmetric([(0, -11.2), (12.6, -11), (13.6, -6.6), (0, -5.4)])
    lock = [Part(rectangle(-1.8, -7.2, 1.8, -2.8, 0.8), "metal", lift=0.3)]
    return [
        handle(7, -10.5, 13, 1.5, behind=True),
        Part(shape, "main", depth=1.6),
        Part(panel, "second", lift=0.5),
        handle(7, -9, 12, 1.5),
        *lock,
        seam([(-16.2, 8.4), (16.2, 8.4)], 0.5),
    ]


def _hobo(stance: Stance) -> list[Mark]:
    moon = points(
        [
            *curve((-18, -14), (-19.5, 0), (-12, 11), (0, 14), (12, 11), (19.5, 0), (18, -14)),
            *curve((18, -14), (11, -3.5), (0, -0.5), (-11, -3.5), (-18, -14)),
        ]
    )
    strap = Part(points(curve((-18, -13), (-12, -28), (0, -33), (12, -28), (18, -13))), "main", width=3.0, lift=0.6)
    rings = [Part(ellipse((x, -13.5), 2.0, 2.0), "metal", lift=0.3) for x in (-18.0, 18.0)]
    return [
        strap,
        Part(moon, "main", depth=2.0),
        *rings,
        Part(
            points(curve((-17, -11.5), (-10.5, -2), (0, 1.0), (10.5, -2), (17, -11.5))), "second", width=1.0, lift=0.1
        ),
    ]


def _basket(stance: Stance) -> list[Mark]:
    body = symmetric(
        [(0, -11), (19, -12), *curve((19, -12), (17, 4), (13.5, 14)), *curve((13.5, 14), (7, 15.6), (0, 16))]
    )
    edge = Part(points(curve((-19, -12), (0, -10.6), (19, -12))), "second", width=1.6, lift=0.3)
    return [
        handle(9, -11, 15, 1.8, behind=True),
        Part(body, "main", depth=1.8, relief=Relief("quilt", 11, -12, 16)),
        edge,
        handle(9, -8, 15, 1.8),
    ]


def _bag(
    name: str,
    draw: Draw,
    price: int,
    finishes: tuple[str, ...],
    patterns: tuple[str, ...] = (),
    chest: Point | None = None,
    contrast: float = 0.5,
    gender: str = "unisex",
) -> Cut:
    return Cut(name, draw, gender, price, finishes, patterns, chest, 17, contrast, hung=False)


_LEATHER = ("leather",)
_FANCY = ("leopard", "houndstooth", "zebra", "tartan")
BAGS = (
    _bag(
        "tote bag",
        _tote,
        690,
        ("canvas",),
        ("breton stripe", "gingham", "floral", "leaf", "cat", "checkerboard", "wave"),
        (0, 2),
        0.6,
    ),
    _bag("shoulder bag", _flap_bag, 1690, _LEATHER, _FANCY, None, 0.0, "female"),
    _bag(
        "backpack",
        packs.backpack,
        1490,
        ("canvas", "smooth"),
        ("camouflage", "star", "leaf", "checkerboard", "floral"),
        None,
        0.8,
    ),
    _bag("envelope clutch", _clutch, 890, ("leather", "satin", "patent"), _FANCY, None, 0.0, "female"),
    _bag("bucket bag", _bucket, 1590, ("leather", "canvas"), (), None, 0.7, "female"),
    _bag("top-handle bag", _handbag, 2190, _LEATHER, ("leopard", "houndstooth"), None, 0.6, "female"),
    _bag("camera bag", _camera_bag, 1190, ("leather", "canvas"), ("checkerboard", "leopard", "heart"), None, 0.5),
    _bag("duffel bag", packs.duffel, 1890, ("canvas",), ("camouflage", "tartan", "wide stripe"), None, 1.0),
    _bag("quilted chain bag", _chain_bag, 1990, ("leather", "patent", "satin"), (), None, 0.0, "female"),
    _bag("satchel", _satchel, 1990, _LEATHER, (), None, 0.5),
    _bag("hobo bag", _hobo, 1690, ("leather", "wool"), ("zebra",), None, 0.3, "female"),
    _bag(
        "flap backpack",
        packs.flap_backpack,
        1790,
        ("canvas", "leather"),
        ("gingham", "camouflage", "floral"),
        None,
        1.0,
    ),
    _bag("leather shopper", _shopper, 2290, _LEATHER, ("leopard",), None, 0.6, "female"),
    _bag(
        "belt bag",
        packs.belt_bag,
        690,
        ("smooth", "canvas"),
        ("camouflage", "checkerboard", "marble", "star"),
        None,
        0.5,
    ),
    _bag("frame clutch", _frame_clutch, 990, ("satin", "wool"), ("floral", "polka dot", "zebra"), None, 0.0, "female"),
    _bag("basket bag", _basket, 990, ("straw",), ("wide stripe", "colour block", "chevron"), None, 0.8, "female"),
)
