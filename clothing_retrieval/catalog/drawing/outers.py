"""Jackets, coats, cardigans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from clothing_retrieval.catalog.drawing import trimmings, upper
from clothing_retrieval.catalog.drawing.cut import Cut
from clothing_retrieval.catalog.drawing.geometry import Point, curve, mirror, points, symmetric
from clothing_retrieval.catalog.drawing.marks import Mark, Part, Relief, band, buttons, seam, stitches
from clothing_retrieval.catalog.drawing.stance import Stance
from clothing_retrieval.catalog.drawing.upper import Bodice, Sleeve

Draw = Callable[[Stance], list[Mark]]


def _shell(bodice: Bodice, stance: Stance, sleeve: Sleeve | None = None) -> list[Mark]:
    return [
        *upper.back_of_neck(bodice),
        *upper.sleeve_marks(bodice, stance, sleeve),
        upper.body(bodice),
        *upper.armhole_seams(bodice),
        *upper.hem_marks(bodice),
    ]


def _edge(top: float, bottom: float, x: float = 2.4) -> Mark:
    return seam([(0.3, top), (x, top + 8), (x, bottom)], 0.6, 0.6)


def _blazer(stance: Stance) -> list[Mark]:
    body = Bodice("lapel", "coat", 72, 25.5, 23, 26, 20.5, hem_shape="seam")
    marks = [*_shell(body, stance), *trimmings.lapels(38), _edge(38, 72)]
    marks += [
        *trimmings.welt_pocket(13.5, 51, 12, 0.6),
        *trimmings.welt_pocket(-13.5, 51, 12, 0.6),
        *trimmings.welt_pocket(14, 20, 8, -1.5),
    ]
    return [*marks, *buttons([(0.6, 43), (0.6, 52)], 1.0)]


def _double_breasted(stance: Stance) -> list[Mark]:
    body = Bodice("lapel", "coat", 100, 26, 24, 29, 20.5, hem_shape="seam")
    marks = [*_shell(body, stance), *trimmings.lapels(38, 10.5), seam([(7, 34), (7.5, 99)], 0.6, 0.6)]
    marks += [*trimmings.welt_pocket(16, 60, 13, 2), *trimmings.welt_pocket(-16, 60, 13, 2)]
    rows = [(x, y) for y in (43.0, 54.0, 65.0) for x in (-6.0, 4.5)]
    return [*marks, *buttons(rows, 1.3)]


def _trench(stance: Stance) -> list[Mark]:
    body = Bodice("lapel", "coat", 104, 26, 23, 30, 20.5, hem_shape="seam")
    marks = [*_shell(body, stance), *trimmings.lapels(36, 10.5), seam([(6, 36), (8, 103)], 0.6, 0.6)]
    flap = points([(2, 9), (20, 6), (22, 17), (12, 22), (3, 20)])
    belt = Part(points([(-24, 46), (0, 47), (24, 46)]), "main", width=4.2, shade=0.95, lift=0.8)
    buckle = Part(
        points([(-3.2, 44.4), (3.2, 44.4), (3.2, 49.6), (-3.2, 49.6), (-3.2, 44.4)]), "buckle", width=1.0, lift=0.4
    )
    marks += [Part(flap, "main", lift=0.7), *buttons([(x, y) for y in (38.0, 56.0, 68.0) for x in (-5.0, 5.0)], 1.1)]
    return [*marks, *trimmings.welt_pocket(16, 60, 12, 4), *trimmings.welt_pocket(-16, 60, 12, 4), belt, buckle]


def _wrap_coat(stance: Stance) -> list[Mark]:
    body = Bodice("lapel", "coat", 102, 27, 25, 28, 21, hem_shape="seam")
    marks = [*_shell(body, stance), seam([(4, 38), (9, 102)], 0.6, 0.6), *trimmings.lapels(42, 9.5, shawl=True)]
    belt = Part(points([(-25.5, 46), (0, 47.4), (25.5, 46)]), "main", width=4.4, shade=0.95, lift=0.8)
    ends = [Part(points(curve((2, 47), (4 + k * 3, 58), (3 + k * 4, 72))), "main", width=3.6, lift=0.7) for k in (0, 1)]
    return [*marks, belt, *ends, Part(points([(2, 45.6), (2.4, 49)]), "main", width=4.4, lift=0.6)]


def _denim_jacket(stance: Stance) -> list[Mark]:
    body = Bodice("shirt", "shirt", 58, 25.5, 24.5, 24, 20.5, hem_shape="seam")
    marks = [*_shell(body, stance), *trimmings.button_front(8, 62, 6, "metal")]
    yoke = [(-19, 16.5), (0, 17.5), (19, 16.5)]
    marks += [
        stitches(yoke),
        *trimmings.patch_pocket(10.8, 18.5, 11, 11, True),
        *trimmings.patch_pocket(-10.8, 18.5, 11, 11, True),
    ]
    for x, low in ((6.0, 12.0), (17.0, 13.5)):
        marks += [stitches([(x, 31), (low, 53)]), stitches([(-x, 31), (-low, 53)])]
    hem = symmetric([(0, 53.5), (23.8, 53), (23.4, 58.5), (0, 59.3)])
    return [*marks, Part(hem, "main", shade=0.95, lift=0.3, depth=0.5), *trimmings.shirt_collar("main", 9.5, 11)]


def _bomber(stance: Stance) -> list[Mark]:
    body = Bodice("stand", "rib", 62, 27.5, 27, 25, 21, hem_shape="rib")
    neck = symmetric([(0, -3.0), (8.4, -2.6), (8.8, 3.4), (0, 6.0)])
    marks = [
        *_shell(body, stance, replace(upper.SLEEVES["rib"], fullness=1.6, cloth="main")),
        *trimmings.zip_front(4, 64),
    ]
    pockets = [*trimmings.welt_pocket(15.5, 46, 11, 5), *trimmings.welt_pocket(-15.5, 46, 11, -5)]
    return [*marks, *pockets, Part(neck, "trim", relief=Relief("rib", 10, 0, 1, 8.6, 8.6), lift=0.5)]


def _varsity(stance: Stance) -> list[Mark]:
    body = Bodice("stand", "rib", 64, 27, 26.5, 25, 21, hem_shape="rib", sleeve_cloth="second")
    neck = symmetric([(0, -3.0), (8.4, -2.6), (8.8, 3.4), (0, 6.0)])
    marks = [*_shell(body, stance), *trimmings.button_front(5, 66, 6, "second")]
    pockets = [*trimmings.welt_pocket(15, 46, 11, 5), *trimmings.welt_pocket(-15, 46, 11, -5)]
    return [*marks, *pockets, Part(neck, "trim", relief=Relief("rib", 10, 0, 1, 8.6, 8.6), lift=0.5)]


def _puffer(length: float, sleeves: bool, hooded: bool) -> Draw:
    rows = round(length / 8.5)

    def draw(stance: Stance) -> list[Mark]:
        quilt = Relief("quilt", rows, 0, length)
        sleeve_quilt = Relief("quilt", 8, 0, 62)
        body = Bodice(
            "stand", "coat" if sleeves else None, length, 28.5, 28, 28.5, 20.5 if sleeves else 18, hem_shape="seam"
        )
        body = replace(body, relief=quilt, sleeve_relief=sleeve_quilt)
        marks = [*_shell(body, stance, Sleeve(59, 7.0, 2.0, "plain"))]
        marks += [seam(curve((-28, y), (0, y + 0.8), (28, y)), 0.4, 0.4) for y in _rungs(length, rows)]
        neck = symmetric([(0, -7.0), *curve((8.6, -6.4), (10, -1.5), (9.4, 3.6)), (0, 5.6)])
        marks += trimmings.zip_front(0, length)
        if hooded:
            return [*marks, *trimmings.hood()]
        return [*marks, Part(neck, "main", relief=Relief("quilt", 2, -7, 6), lift=0.7)]

    return draw


def _rungs(length: float, rows: int) -> list[float]:
    return [k * length / rows for k in range(3, rows)]


def _parka(stance: Stance) -> list[Mark]:
    body = Bodice("hood", "coat", 88, 27.5, 26.5, 28.5, 21.5, hem_shape="straight")
    marks = [*_shell(body, stance), *trimmings.zip_front(9, 88), seam([(-24, 48), (24, 48)], 0.8, 0.5)]
    marks += [*trimmings.patch_pocket(14.5, 58, 14, 16, True), *trimmings.patch_pocket(-14.5, 58, 14, 16, True)]
    return [*marks, *trimmings.hood(fur=True), *trimmings.drawstrings(46, 10)]


def _raincoat(stance: Stance) -> list[Mark]:
    body = Bodice("hood", "coat", 86, 27.5, 28, 31, 21, hem_shape="straight")
    marks = [*_shell(body, stance), *trimmings.button_front(9, 88, 6, "metal")]
    marks += [*trimmings.welt_pocket(16, 58, 12, 3), *trimmings.welt_pocket(-16, 58, 12, -3)]
    return [*marks, *trimmings.hood()]


def _biker(stance: Stance) -> list[Mark]:
    body = Bodice("lapel", "coat", 58, 25, 23, 23.5, 20.5, hem_shape="seam")
    marks = _shell(body, stance)
    zip_path: list[Point] = [(-11, 12), (-6, 34), (-5, 58)]
    marks += [Part(points(zip_path), "metal", width=1.3, dashes=0.5, lift=0.1, depth=0.0), *trimmings.lapels(36, 8.5)]
    for x, y, dx in ((12.0, 40.0, 4.0), (-14.0, 42.0, -4.0), (12.0, 19.0, 4.0)):
        marks.append(Part(points([(x - dx, y + 3), (x + dx, y - 3)]), "metal", width=1.0, lift=0.4, folds=0.1))
    belt = Part(points([(-23, 56), (0, 57), (23, 56)]), "main", width=4.0, shade=0.93, lift=0.5)
    buckle = Part(points([(4, 54.6), (9, 54.6), (9, 59), (4, 59), (4, 54.6)]), "metal", width=0.8, lift=0.3)
    return [*marks, belt, buckle]


def _cardigan(length: float, neck: str, sleeve: str = "rib") -> Draw:
    def draw(stance: Stance) -> list[Mark]:
        body = Bodice(neck, sleeve, length, 25.5, 25, 25.5, hem_shape="rib")
        half = upper.half_neckline(body)
        edge = [*half[::-1], (0.0, length + 2)]
        front = band([*mirror(edge)[:-1], (0.0, half[0][1]), (0.0, length + 2)], 3.4, "trim", lift=0.4)
        right = band(edge[:-1], 3.4, "trim", lift=0.4)
        top = half[0][1]
        marks = [*_shell(body, stance), right, front]
        marks += [
            *trimmings.patch_pocket(13.5, length - 22, 13, 14),
            *trimmings.patch_pocket(-13.5, length - 22, 13, 14),
        ]
        count = 5 if neck == "v" else 7
        step = (length - top - 3) / count
        return [*marks, *buttons([(0.0, top + 3 + k * step) for k in range(count)], 0.95)]

    return draw


def _fleece(stance: Stance) -> list[Mark]:
    body = Bodice("stand", "coat", 66, 27.5, 27, 27, 21, hem_shape="straight", sleeve_cloth="main")
    neck = symmetric([(0, -6.0), *curve((8.4, -5.6), (9.4, -1), (9.6, 4.0)), (0, 6.4)])
    marks = [*_shell(body, stance), *trimmings.zip_front(2, 66), Part(neck, "main", lift=0.6)]
    pocket = Part(points([(6, 16), (18, 16), (18, 28), (6, 28)]), "second", lift=0.4, depth=0.5)
    return [*marks, *trimmings.zip_front(-4, 6), pocket, seam([(6, 18.5), (18, 18.5)], 0.6, 0.6)]


def _waistcoat(stance: Stance) -> list[Mark]:
    body = Bodice("lapel", None, 56, 23, 21, 22.5, 16.5, hem_shape="seam")
    body = replace(body, neck="wrap")
    marks = [
        *_shell(body, stance),
        _edge(27, 56, 0.5),
        *trimmings.welt_pocket(12, 44, 9, 1),
        *trimmings.welt_pocket(-12, 44, 9, 1),
    ]
    points_below = symmetric([(0, 54), (10, 55), (6, 62), (0.3, 56)])
    return [Part(points_below, "main"), *marks, *buttons([(0, 31.0 + 5 * k) for k in range(5)], 0.8)]


def _cape(stance: Stance) -> list[Mark]:
    outline = symmetric([(0, 6), *curve((8.5, 1), (22, 8), (34, 34), (41, 70)), *curve((41, 70), (20, 77), (0, 78.5))])
    cloak = Part(outline, "main", relief=Relief("drape", 5, 5, 80, 12, 40), lift=1.0)
    neck = symmetric([(0, -4.0), *curve((8.4, -3.6), (10, 0), (10.4, 5.0)), (0, 8)])
    slits = [seam([(x, 40), (x * 1.18, 62)], 0.9, 0.6) for x in (21.0, -21.0)]
    return [
        cloak,
        seam([(0, 8), (0, 78)], 0.5, 0.5),
        *slits,
        *buttons([(1.6, 12.0 + 9 * k) for k in range(4)], 1.2),
        Part(neck, "main", lift=0.7),
    ]


def _coat(
    name: str,
    draw: Draw,
    price: int,
    finishes: tuple[str, ...],
    patterns: tuple[str, ...] = (),
    gender: str = "unisex",
    contrast: float = 0.0,
    wash: str = "",
) -> Cut:
    return Cut(name, draw, gender, price, finishes, patterns, contrast=contrast, worn="upper", wash=wash)


_SUITING = ("herringbone", "windowpane", "houndstooth", "pinstripe", "tartan")
OUTERS = (
    _coat("blazer", _blazer, 2490, ("wool", "linen", "cotton"), _SUITING),
    _coat("denim jacket", _denim_jacket, 1890, ("denim",), (), wash="denim"),
    _coat("puffer jacket", _puffer(66, True, False), 2890, ("satin", "smooth"), ("colour block", "camouflage")),
    _coat("trench coat", _trench, 3690, ("canvas", "cotton"), ("houndstooth",)),
    _coat(
        "cardigan",
        _cardigan(62, "v"),
        1390,
        ("knit", "wool"),
        ("wide stripe", "argyle", "breton stripe", "heart"),
        gender="female",
    ),
    _coat("bomber jacket", _bomber, 2190, ("satin", "smooth", "canvas"), ("camouflage", "floral", "leopard")),
    _coat("biker jacket", _biker, 3990, ("leather",), ("leopard",)),
    _coat("parka", _parka, 3290, ("canvas",), ("camouflage",)),
    _coat("double-breasted coat", _double_breasted, 3990, ("wool",), _SUITING),
    _coat("varsity jacket", _varsity, 2290, ("wool",), (), contrast=1.0),
    _coat("quilted gilet", _puffer(62, False, False), 1790, ("smooth", "satin"), ("tartan",)),
    _coat("hooded raincoat", _raincoat, 1990, ("smooth", "patent"), ("polka dot", "wide stripe", "daisy")),
    _coat("fleece jacket", _fleece, 1490, ("wool",), ("zebra", "checkerboard", "colour block"), contrast=1.0),
    _coat("wrap coat", _wrap_coat, 4290, ("wool",), ("tartan", "houndstooth"), gender="female"),
    _coat(
        "round-neck cardigan",
        _cardigan(56, "crew"),
        1290,
        ("knit",),
        ("breton stripe", "polka dot", "double stripe"),
        gender="female",
    ),
    _coat("waistcoat", _waistcoat, 1490, ("wool", "linen"), _SUITING, gender="male"),
    _coat("hooded puffer coat", _puffer(92, True, True), 3890, ("smooth", "satin"), ()),
    _coat("cape", _cape, 2990, ("wool",), ("tartan", "houndstooth", "leopard"), gender="female"),
    _coat(
        "long cardigan",
        _cardigan(88, "v"),
        1690,
        ("knit", "wool"),
        ("colour block", "vertical stripe"),
        gender="female",
    ),
)
