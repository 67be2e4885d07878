"""Shoes seen from the side, toe to the right: 28 cm long, the sole ends at y = 0."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from clothing_retrieval.catalog.drawing.geometry import Point, curve, ellipse, points
from clothing_retrieval.catalog.drawing.marks import Mark, Part, Relief, buttons, seam, stitches

Shoe = Callable[[], list[Mark]]


def sole(thickness: float, toe_up: float = 0.8, cloth: str = "sole", length: float = 29.0) -> Part:
    top = curve((-0.6, -thickness), (9, -thickness + 0.2), (20, -thickness), (length, -thickness - toe_up))
    bottom = curve((length + 0.5, -toe_up), (22, 0.0), (10, 0.2), (0.4, 0.0), (-0.7, -thickness * 0.6))
    return Part(points([*top, *bottom]), cloth, lift=0.4, folds=0.2, depth=0.6)


def laces(start: Point, end: Point, rows: int, spread: float = 3.6) -> list[Mark]:
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


def low_upper(height: float = 8.6, opening: float = 8.4) -> list[Point]:
    return [
        *curve((0.2, -2.4), (-0.6, -6.0), (0.6, -height - 0.8)),
        *curve((0.6, -height - 0.8), (opening * 0.6, -height + 0.9), (opening + 2.2, -height - 1.2)),
        *curve((opening + 2.2, -height - 1.2), (17.0, -7.0), (23.5, -5.6), (28.0, -4.0), (28.6, -2.2)),
    ]


def sneaker() -> list[Mark]:
    toe = points([*curve((21.5, -2.2), (22.5, -4.6), (24.5, -5.4)), *curve((24.5, -5.4), (27.6, -4.4), (28.6, -2.2))])
    heel = points(
        [*curve((0.2, -2.2), (-0.6, -6.0), (0.6, -9.2)), (4.0, -8.4), *curve((4.0, -8.4), (4.6, -5), (5.2, -2.2))]
    )
    tongue = points(curve((9.5, -8.6), (11.0, -12.0), (14.4, -11.4), (14.6, -8.0)))
    swoosh = points(curve((7.0, -4.0), (11, -4.6), (17.5, -6.2)))
    return [
        Part(tongue, "second", lift=0.3),
        Part(points(low_upper()), "main"),
        Part(toe, "second", lift=0.2, shade=0.98),
        Part(heel, "second", lift=0.2),
        Part(swoosh, "second", width=1.7, lift=0.15),
        *laces((12.2, -9.0), (19.4, -6.2), 5),
        sole(2.8),
        seam([(0, -1.6), (28.5, -1.7)], 0.35, 0.3),
    ]


def canvas_shoe(high: bool) -> Shoe:
    def shoe() -> list[Mark]:
        if high:
            shape = [
                *curve((0.2, -2.4), (-0.2, -8), (0.8, -16.5)),
                (10.6, -17.2),
                *curve((10.6, -17.2), (13.2, -10.5), (20, -6.8), (25, -5.4)),
            ]
        else:
            shape = low_upper(7.6, 8.0)[:-9]
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
                *laces((11.2, -15.4), (19.2, -7.2), 7),
            ]
        else:
            marks += laces((12.0, -8.2), (19.0, -6.0), 5)
        stripe = Part(
            points(curve((-0.6, -2.0), (9, -1.8), (20, -2.0), (29, -2.8))), "second", width=0.5, lift=0.0, depth=0.0
        )
        return [*marks, sole(2.7, 0.7, "rubber"), Part(cap, "rubber", lift=0.3), stripe]

    return shoe


def runner() -> list[Mark]:
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
        Part(points(low_upper(9.0, 8.2)), "main"),
        *bands,
        collar,
        *laces((12.2, -9.4), (19.6, -6.2), 5),
        wedge,
        outsole,
    ]


def boot(height: float, heel: float, front: str) -> Shoe:
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
                *laces((11.0, -height + 2), (18.6, -8.2), 8, 4.0),
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
            sole(2.2 + (0.8 if front == "laces" else 0), 0.5),
            Part(points([(0, -1.6), (7, -1.6), (7, 0.2), (0, 0.2)]), "sole", shade=0.8, lift=0.0, depth=0.3),
        ]

    return shoe


def pump(strap: bool, heel: float = 8.0) -> Shoe:
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


def wedge() -> list[Mark]:
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
