"""Shoes. Their coordinates are their own: a shoe is 28 cm long, its sole ends at y = 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from clothing_retrieval.catalog.drawing.cut import Cut
from clothing_retrieval.catalog.drawing.geometry import Point, curve, ellipse, moved, points
from clothing_retrieval.catalog.drawing.marks import Mark, Part, Print, Relief, buttons, seam, stitches
from clothing_retrieval.catalog.drawing.stance import Stance

Shoe = Callable[[], list[Mark]]


def _pair(shoe: Shoe, dx: float = -5.0, dy: float = -8.5) -> Callable[[Stance], list[Mark]]:
    """Two shoes seen from the side, one behind the other."""
    return lambda stance: [*(_shifted(mark, dx, dy, 0.97) for mark in shoe()), *shoe()]


def _from_above(shoe: Shoe) -> Callable[[Stance], list[Mark]]:
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


def _sole(thickness: float, toe_up: float = 0.8, cloth: str = "sole", length: float = 29.0) -> Part:
    top = curve((-0.6, -thickness), (9, -thickness + 0.2), (20, -thickness), (length, -thickness - toe_up))
    bottom = curve((length + 0.5, -toe_up), (22, 0.0), (10, 0.2), (0.4, 0.0), (-0.7, -thickness * 0.6))
    return Part(points([*top, *bottom]), cloth, lift=0.4, folds=0.2, depth=0.6)


def _laces(start: Point, end: Point, rows: int, spread: float = 3.6) -> list[Mark]:
    marks: list[Mark] = []
    for t in np.linspace(0, 1, rows):
        x, y = start[0] + (end[0] - start[0]) * float(t), start[1] + (end[1] - start[1]) * float(t)
        marks.append(
            Part(
                points(curve((x - spread * 0.5, y + 1.7), (x, y), (x + spread * 0.55, y - 0.7))),
                "lace",
                width=0.75,
                lift=0.35,
                folds=0.2,
                depth=0.5,
            )
        )
    return marks


def _low_upper(height: float = 8.6, opening: float = 8.4) -> list[Point]:
    return [
        *curve((0.2, -2.4), (-0.6, -6.0), (0.6, -height - 0.8)),
        *curve((0.6, -height - 0.8), (opening * 0.6, -height + 0.9), (opening + 2.2, -height - 1.2)),
        *curve((opening + 2.2, -height - 1.2), (17.0, -7.0), (23.5, -5.6), (28.0, -4.0), (28.6, -2.2)),
    ]


def _sneaker() -> list[Mark]:
    toe = points([*curve((21.5, -2.2), (22.5, -4.6), (24.5, -5.4)), *curve((24.5, -5.4), (27.6, -4.4), (28.6, -2.2))])
    heel = points(
        [*curve((0.2, -2.2), (-0.6, -6.0), (0.6, -9.2)), (4.0, -8.4), *curve((4.0, -8.4), (4.6, -5), (5.2, -2.2))]
    )
    tongue = points(curve((9.5, -8.6), (11.0, -12.0), (14.4, -11.4), (14.6, -8.0)))
    swoosh = points(curve((7.0, -4.0), (11, -4.6), (17.5, -6.2)))
    return [
        Part(tongue, "second", lift=0.3),
        Part(points(_low_upper()), "main"),
        Part(toe, "second", lift=0.2, shade=0.98),
        Part(heel, "second", lift=0.2),
        Part(swoosh, "second", width=1.7, lift=0.15),
        *_laces((12.2, -9.0), (19.4, -6.2), 5),
        _sole(2.8),
        seam([(0, -1.6), (28.5, -1.7)], 0.35, 0.3),
    ]


def _canvas_shoe(high: bool) -> Shoe:
    def shoe() -> list[Mark]:
        if high:
            shape = [
                *curve((0.2, -2.4), (-0.2, -8), (0.8, -16.5)),
                (10.6, -17.2),
                *curve((10.6, -17.2), (13.2, -10.5), (20, -6.8), (25, -5.4)),
            ]
        else:
            shape = _low_upper(7.6, 8.0)[:-9]
        cap = points(
            [*curve((21.6, -2.0), (22.0, -5.0), (24.5, -5.9)), *curve((24.5, -5.9), (28.4, -5.2), (29.2, -2.0))]
        )
        marks: list[Mark] = [
            Part(points([*shape, (27.5, -4.5), (28.6, -2.2)]), "main"),
            stitches([(0.8, -5), (6, -5.2), (18, -2.6)]),
        ]
        if high:
            marks += [
                Part(ellipse((5.6, -11.2), 2.3, 2.3), "second", lift=0.1, depth=0.3),
                *_laces((11.2, -15.4), (19.2, -7.2), 7),
            ]
        else:
            marks += _laces((12.0, -8.2), (19.0, -6.0), 5)
        stripe = Part(
            points(curve((-0.6, -2.0), (9, -1.8), (20, -2.0), (29, -2.8))), "second", width=0.5, lift=0.0, depth=0.0
        )
        return [*marks, _sole(2.7, 0.7, "rubber"), Part(cap, "rubber", lift=0.3), stripe]

    return shoe


def _runner() -> list[Mark]:
    wedge = Part(
        points(
            [
                *curve((-1.6, -4.8), (9, -4.0), (20, -3.2), (29.6, -3.4)),
                *curve((30.0, -1.6), (22, 0.2), (10, 0.0), (-0.8, -0.6), (-1.6, -4.8)),
            ]
        ),
        "rubber",
        lift=0.4,
        depth=0.8,
    )
    bands = [
        Part(
            points(curve((6.0 + 3 * k, -3.8), (9.5 + 2.6 * k, -7.2), (11.8 + 2.4 * k, -9.6 + k))),
            "second",
            width=1.2,
            lift=0.1,
        )
        for k in range(3)
    ]
    collar = Part(points(curve((0.6, -9.6), (5.0, -7.8), (10.4, -10.0))), "second", width=1.6, lift=0.2)
    outsole = Part(points(curve((-0.8, -0.6), (10, -0.1), (22, 0.1), (29.8, -1.5))), "second", width=0.9, lift=0.0)
    return [
        Part(points(_low_upper(9.0, 8.2)), "main"),
        *bands,
        collar,
        *_laces((12.2, -9.4), (19.6, -6.2), 5),
        wedge,
        outsole,
    ]


def _boot(height: float, heel: float, front: str) -> Shoe:
    lift = heel

    def shoe() -> list[Mark]:
        back = curve(
            (0.6, -2.2 - lift), (0.2, -8 - lift), (1.0, -height * 0.6), (0.4 if height < 22 else -1.2, -height)
        )
        width = 11.0 if height < 22 else 13.2
        front_line = curve(
            (width, -height + 0.3),
            (11.2, -height * 0.62),
            (12.4, -10.5 - lift * 0.8),
            (18, -7.6 - lift * 0.45),
            (25.4, -5.0),
            (28.4, -1.8),
        )
        low = curve((28.4, -1.8), (21.0, -1.6), (13.0, -2.6 - lift * 0.6), (0.6, -2.2 - lift))
        marks: list[Mark] = [Part(points([*back, *front_line, *low]), "main")]
        if front == "elastic":
            marks.append(
                Part(
                    points([(4.4, -height + 0.4), (9.2, -height + 0.4), (8.2, -8.2 - lift), (5.8, -8.2 - lift)]),
                    "elastic",
                    lift=0.0,
                    relief=Relief("rib", 20, 0, 1, 10, 10),
                )
            )
        elif front == "laces":
            marks += [
                seam(curve((9.0, -height), (10.0, -11), (14, -7.5)), 0.5),
                *_laces((11.0, -height + 2), (18.6, -8.2), 8, 4.0),
            ]
        elif front == "zip":
            marks.append(
                Part(
                    points([(4.6, -height + 1), (5.4, -5 - lift)]), "metal", width=0.6, dashes=0.5, lift=0.0, depth=0.0
                )
            )
        elif front == "buckle":
            marks += [
                Part(
                    points(curve((0.2, -11 - lift), (6, -9.4 - lift), (12.6, -11.4 - lift))),
                    "second",
                    width=1.6,
                    lift=0.3,
                ),
                *buttons([(8.4, -10 - lift)], 1.2, "metal"),
            ]
        if heel > 3:
            block = points([(-0.2, -3.0 - lift), (6.4, -3.6 - lift), (5.2, 0), (0.8, 0)])
            platform = Part(
                points(
                    [
                        *curve((5.4, -2.8 - lift), (14, -2.4 - lift * 0.55), (21, -1.2), (28.8, -1.4)),
                        *curve((28.8, -0.3), (21, 0), (14, -1.2 - lift * 0.5), (5.2, -1.6 - lift)),
                    ]
                ),
                "sole",
                depth=0.4,
                lift=0.2,
            )
            return [*marks, Part(block, "sole", lift=0.3), platform]
        return [
            *marks,
            _sole(2.2 + (0.8 if front == "laces" else 0), 0.5),
            Part(points([(0, -1.6), (7, -1.6), (7, 0.2), (0, 0.2)]), "sole", shade=0.8, lift=0.0, depth=0.3),
        ]

    return shoe


def _pump(strap: bool, heel: float = 8.0) -> Shoe:
    def shoe() -> list[Mark]:
        upper = [
            *curve((0.4, -heel - 1.0), (-0.6, -heel - 4.0), (0.6, -heel - 6.4)),
            *curve((0.6, -heel - 6.4), (6.0, -heel - 3.2), (13.0, -heel + 0.6), (18.5, -5.2), (20.0, -5.4)),
            *curve((20.0, -5.4), (25.0, -4.0), (28.8, -1.2)),
            *curve((28.8, -0.5), (21, -0.6), (14.5, -3.4), (7.0, -heel + 0.2), (0.4, -heel - 1.0)),
        ]
        lining = points(
            curve((0.9, -heel - 6.2), (7.0, -heel - 4.6), (14.0, -heel - 0.6), (19.6, -5.4))
            + curve((18.5, -5.0), (6.0, -heel - 2.8), (0.9, -heel - 6.2))
        )
        post = points(
            [
                *curve((0.2, -heel - 0.6), (0.8, -heel * 0.5), (1.2, 0)),
                (2.5, 0),
                *curve((2.8, -heel * 0.45), (4.2, -heel + 0.3), (5.6, -heel - 0.2)),
            ]
        )
        marks: list[Mark] = [
            Part(lining, "insole", lift=0.0, shade=0.9),
            Part(post, "heel", lift=0.2),
            Part(points(upper), "main", folds=0.6),
        ]
        if strap:
            loop = curve((1.0, -heel - 5.6), (4.5, -heel - 8.6), (9.0, -heel - 8.0), (11.0, -heel - 2.0))
            marks += [Part(points(loop), "main", width=1.2, lift=0.3), *buttons([(9.6, -heel - 6.6)], 0.7, "metal")]
        return [
            *marks,
            Part(points(curve((13.5, -2.9), (20.5, -0.4), (28.6, -0.3))), "sole", width=0.7, lift=0.0, depth=0.2),
        ]

    return shoe


def _wedge() -> list[Mark]:
    base = points(
        [
            *curve((-0.2, -8.2), (10, -6.8), (20, -3.0), (28.6, -2.2)),
            *curve((29.0, -0.6), (18, 0.0), (0.6, 0.0), (-0.2, -8.2)),
        ]
    )
    vamp = points([*curve((17.0, -4.2), (19.0, -8.4), (23.5, -7.0), (27.5, -3.2)), (28.0, -2.3), (17.0, -4.0)])
    strap = points(curve((0.8, -8.4), (0.6, -14.0), (6.5, -13.4), (9.6, -12.2)))
    lace = points(curve((9.6, -12.2), (13.5, -9.8), (18.5, -6.5)))
    counter = points(curve((0.0, -8.0), (0.2, -12.0), (2.5, -12.5), (5.6, -7.6)))
    return [
        Part(base, "rope", relief=Relief("quilt", 9, -8, 0), lift=0.4),
        Part(counter, "main"),
        Part(vamp, "main"),
        Part(strap, "main", width=1.5),
        Part(lace, "main", width=1.3),
        *buttons([(9.0, -12.4)], 0.8, "metal"),
    ]


def _foot(width: float = 5.2) -> list[Point]:
    """The right sole from above, toe up, about 28 cm long around (0, 0)."""
    return curve(
        (0.4, -14.2),
        (3.6, -12.4),
        (width, -6.5),
        (4.4, 0.0),
        (3.7, 7.0),
        (2.6, 12.8),
        (0, 13.8),
        (-2.7, 12.8),
        (-3.4, 6.5),
        (-3.6, 0.0),
        (-4.3, -6.5),
        (-3.0, -12.6),
        (0.4, -14.2),
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
    return Cut(name, draw, gender, price, finishes, patterns, None, 10, (), contrast, hung=False)


FOOTWEAR = (
    _shoe("trainers", _pair(_sneaker), 1890, ("leather", "canvas"), contrast=1.0),
    _shoe(
        "court heels",
        _pair(_pump(False), -4.5, -9),
        1690,
        ("leather", "patent", "satin"),
        "female",
        ("leopard", "polka dot", "tartan"),
    ),
    _shoe("Chelsea boots", _pair(_boot(19, 0, "elastic"), -6, -7), 2290, ("leather",)),
    _shoe("sandals", _from_above(_sandal), 990, ("leather",), "female", ("leopard", "zebra")),
    _shoe(
        "high-top canvas shoes",
        _pair(_canvas_shoe(True), -6, -8),
        1490,
        ("canvas",),
        "unisex",
        ("checkerboard", "tartan", "star", "floral", "camouflage"),
        0.6,
    ),
    _shoe("loafers", _from_above(_loafer), 1790, ("leather", "patent"), "male", (), 0.4),
    _shoe("knee boots", _pair(_boot(36, 5, "zip"), -8, -4), 2990, ("leather", "patent"), "female"),
    _shoe("running shoes", _pair(_runner), 2190, ("canvas", "smooth"), "unisex", (), 1.0),
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
        _pair(_canvas_shoe(False)),
        990,
        ("canvas",),
        "unisex",
        ("checkerboard", "breton stripe", "leaf", "polka dot"),
        0.5,
    ),
    _shoe("lace-up boots", _pair(_boot(20, 0, "laces"), -6, -7), 2490, ("leather", "canvas")),
    _shoe("slides", _from_above(_slide), 590, ("smooth", "leather"), "unisex", (), 1.0),
    _shoe(
        "strappy heels", _pair(_pump(True, 7.0), -4.5, -9), 1590, ("satin", "leather"), "female", ("zebra", "floral")
    ),
    _shoe("heeled ankle boots", _pair(_boot(18, 6, "buckle"), -6, -7), 2290, ("leather",), "female", ("leopard",), 0.5),
    _shoe(
        "espadrille wedges", _pair(_wedge, -5, -9), 1290, ("canvas",), "female", ("breton stripe", "gingham", "floral")
    ),
    _shoe("flip-flops", _from_above(_flip_flop), 390, ("smooth",), "unisex", (), 1.0),
)
