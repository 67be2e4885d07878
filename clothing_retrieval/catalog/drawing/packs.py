"""Bags for the back, the hand and the belt, in centimetres around their own middle."""

from __future__ import annotations

from clothing_retrieval.catalog.drawing.geometry import Point, curve, mirror, points, rectangle, symmetric
from clothing_retrieval.catalog.drawing.marks import Mark, Part, band
from clothing_retrieval.catalog.drawing.stance import Stance


def handle(
    x: float, top: float, height: float, width: float = 1.6, cloth: str = "second", behind: bool = False
) -> Mark:
    path = curve(
        (-x, top + 2), (-x * 0.92, top - height * 0.6), (0, top - height), (x * 0.92, top - height * 0.6), (x, top + 2)
    )
    return Part(points(path), cloth, width=width, lift=0.5, shade=0.82 if behind else 1.0)


def backpack(stance: Stance) -> list[Mark]:
    shell = symmetric(
        [
            *curve((0, -21), (8, -20.6), (13.5, -16), (15, -6)),
            *curve((15, -6), (15.8, 8), (14.6, 19), (12, 21)),
            (0, 21.4),
        ]
    )
    straps = [
        Part(points(curve((x * 0.4, -19), (x * 1.25, -10), (x * 1.25, 8), (x, 18))), "main", width=3.0, shade=0.8)
        for x in (-15.0, 15.0)
    ]
    pocket = Part(rectangle(-10.5, 2.5, 10.5, 18.5, 3.0), "second", lift=0.8)
    zips = [
        Part(
            points(curve((-12.5, -2), (-11, -13), (0, -17), (11, -13), (12.5, -2))),
            "metal",
            width=0.7,
            dashes=0.6,
            lift=0.0,
            depth=0.0,
        ),
        Part(points([(-9, 6), (9, 6)]), "metal", width=0.7, dashes=0.6, lift=0.0, depth=0.0),
    ]
    return [
        *straps,
        handle(4, -20, 5, 1.5, "main"),
        Part(shell, "main", depth=1.8),
        pocket,
        *zips,
        Part(rectangle(-3.5, -10, 3.5, -6, 0.8), "second", lift=0.3),
    ]


def flap_backpack(stance: Stance) -> list[Mark]:
    straps = [
        Part(points(curve((x * 0.4, -17), (x * 1.3, -8), (x * 1.25, 9), (x, 18))), "main", width=3.0, shade=0.8)
        for x in (-14.0, 14.0)
    ]
    shell = Part(rectangle(-14.5, -16, 14.5, 20, 4.0), "main", depth=1.6)
    flap = Part(
        symmetric([(0, -19.5), *curve((9, -19.2), (14.5, -16.5), (15.2, -8), (14.6, 1)), (0, 2)]), "main", lift=1.2
    )
    belts = [Part(rectangle(x - 1.3, -8, x + 1.3, 10, 0.5), "second", lift=0.5) for x in (-7.0, 7.0)]
    buckles = [Part(rectangle(x - 1.9, 3.5, x + 1.9, 6.5, 0.5), "metal", lift=0.3) for x in (-7.0, 7.0)]
    return [
        *straps,
        handle(4, -19, 5, 1.6, "second"),
        shell,
        Part(rectangle(-10, 6, 10, 18, 1.5), "main", lift=0.5),
        flap,
        *belts,
        *buckles,
    ]


def duffel(stance: Stance) -> list[Mark]:
    body = Part(rectangle(-23, -12, 23, 13, 7.0), "main", depth=2.2)
    caps = [Part(rectangle(x, -11.6, x + 6.5, 12.6, 3.0), "second", lift=0.3) for x in (-22.6, 16.1)]
    straps = [Part(points([(x, -11.5), (x, 12.5)]), "second", width=2.6, lift=0.4) for x in (-9.0, 9.0)]
    return [
        handle(9, -12, 12, 2.2),
        body,
        *caps,
        *straps,
        Part(points([(-15, -9), (15, -9)]), "metal", width=0.8, dashes=0.6, lift=0.0, depth=0.0),
    ]


def belt_bag(stance: Stance) -> list[Mark]:
    body = symmetric(
        [*curve((0, -7.0), (9, -6.6), (14.5, -3.5)), *curve((14.5, -3.5), (13, 3.5), (7.5, 7.8), (0, 8.4))]
    )
    belts: list[Point] = [(13.5, -2.5), (24, -4.0), (32, -8.5)]
    path = curve(*belts)
    return [
        band(path, 3.0, "second"),
        band(mirror(path), 3.0, "second"),
        Part(body, "main", depth=1.8),
        Part(
            points(curve((-11.5, -2.4), (0, -3.6), (11.5, -2.4))), "metal", width=0.8, dashes=0.6, lift=0.0, depth=0.0
        ),
        Part(rectangle(27, -9, 31, -4.5, 0.8), "hardware", lift=0.4),
    ]
