"""What is set on a garment: collars, hoods, lapels, pockets, buttons, zips."""

from __future__ import annotations

import numpy as np

from clothing_retrieval.catalog.drawing.geometry import curve, mirror, points, symmetric
from clothing_retrieval.catalog.drawing.marks import Mark, Part, band, buttons, mirrored, seam, stitches


def shirt_collar(cloth: str = "main", spread: float = 8.0, drop: float = 11.5) -> list[Mark]:
    stand = Part(symmetric([(0, -3.4), (6.4, -2.8), (7.4, 1.0), (0, 1.6)]), cloth, shade=0.86, behind=True)
    leaf = points(
        [*curve((5.2, -3.4), (8.6, -1.2), (10.6, 3.6)), (spread, drop), *curve((0.5, 7.6), (3.2, 3.4), (5.2, -3.4))]
    )
    right = Part(leaf, cloth, angle=-18, lift=0.8)
    edge = stitches([(9.8, 3.8), (spread - 0.3, drop - 1.2), (1.2, 7.4)])
    return [stand, right, mirrored(right), edge, mirrored(edge)]


def button_front(top: float, bottom: float, count: int, cloth: str = "button", x: float = 0.0) -> list[Mark]:
    lines = [
        seam([(x - 1.8, top), (x - 1.8, bottom)], 0.3, 0.3),
        seam([(x + 1.8, top), (x + 1.8, bottom + 0.6)], 0.45, 0.45),
    ]
    return [*lines, *buttons([(x, float(y)) for y in np.linspace(top + 3, bottom - 6, count)], cloth=cloth)]


def zip_front(top: float, bottom: float, width: float = 0.9) -> list[Mark]:
    tape = Part(points([(0, top), (0, bottom)]), "zip", width=width * 1.9, shade=0.9, lift=0.1, folds=0.2)
    teeth = Part(
        points([(0, top), (0, bottom)]), "metal", width=width * 0.7, dashes=0.55, lift=0.0, folds=0.2, depth=0.0
    )
    pull = Part(points([(0, top + 2), (0.2, top + 5)]), "metal", width=1.0, lift=0.3, folds=0.0)
    return [seam([(-2.2, top), (-2.2, bottom)]), seam([(2.2, top), (2.2, bottom)]), tape, teeth, pull]


def hood(lining: str = "lining", fur: bool = False) -> list[Mark]:
    shell = symmetric(curve((0, -25), (10, -23), (15.5, -12), (14.5, 0), (11.5, 6), (4, 9.5), (0, 10)))
    inside = symmetric(curve((0, -19.5), (7.5, -17), (10.5, -8), (8.6, 2), (4, 7.5), (0, 9)))
    parts: list[Mark] = [Part(shell, "main", lift=0.8), Part(inside, lining, shade=0.68, lift=0.0, depth=1.6)]
    rim = curve((0, -19.5), (7.5, -17), (10.5, -8), (8.6, 2), (3.4, 8))
    whole = [*reversed(mirror(rim)), *rim[1:]]
    parts.append(band(whole, 5.5 if fur else 2.0, "fur" if fur else "main"))
    return parts


def drawstrings(top: float = 8.0, length: float = 16.0) -> list[Mark]:
    right = curve((3.2, top), (3.8, top + length * 0.5), (3.0, top + length))
    left = curve((-3.2, top), (-3.4, top + length * 0.5), (-4.2, top + length * 0.92))
    return [band(right, 0.8, "cord", lift=0.4), band(left, 0.8, "cord", lift=0.4)]


def patch_pocket(x: float, y: float, width: float, height: float, flap: bool = False) -> list[Mark]:
    half = width / 2
    outline = points(
        [(x - half, y), (x + half, y), (x + half, y + height * 0.82), (x, y + height), (x - half, y + height * 0.82)]
    )
    parts: list[Mark] = [Part(outline, "main", shade=0.985, lift=0.25, depth=0.4)]
    parts.append(stitches([(x - half + 0.5, y + 1), (x - half + 0.5, y + height * 0.8), (x, y + height - 0.6)]))
    parts.append(stitches([(x + half - 0.5, y + 1), (x + half - 0.5, y + height * 0.8), (x, y + height - 0.6)]))
    if flap:
        tip = points(
            [
                (x - half - 0.4, y - 1),
                (x + half + 0.4, y - 1),
                (x + half + 0.4, y + 3),
                (x, y + 4.6),
                (x - half - 0.4, y + 3),
            ]
        )
        parts += [Part(tip, "main", lift=0.5, depth=0.5), *buttons([(x, y + 3)], 0.6)]
    return parts


def welt_pocket(x: float, y: float, width: float, slope: float) -> list[Mark]:
    return [Part(points([(x - width / 2, y), (x + width / 2, y + slope)]), "main", width=1.5, shade=0.88, lift=0.4)]


def kangaroo_pocket(top: float, bottom: float) -> list[Mark]:
    outline = symmetric([(0, top), (9, top), (15.5, bottom - 5), (15.5, bottom), (0, bottom + 0.5)])
    edge = [(9.0, top + 0.6), (15.0, bottom - 5)]
    return [Part(outline, "main", lift=0.3, depth=0.5), stitches(edge), stitches(mirror(edge))]


def lapels(bottom: float = 38.0, width: float = 8.5, shawl: bool = False) -> list[Mark]:
    if shawl:
        leaf = points(
            curve((6.0, -2.5), (10.5, 4), (width + 4.0, 16), (7.5, 28), (0.2, bottom))
            + curve((0.2, bottom), (4.4, 18), (6.0, -2.5))
        )
        right = Part(leaf, "main", angle=-8, lift=0.7)
        return [right, mirrored(right)]
    lower = Part(
        points([(8.2, 5.5), (width + 7.5, 13.0), *curve((width + 6.5, 15.5), (7.5, 27), (0.3, bottom)), (4.0, 18.0)]),
        "main",
        angle=-10,
        lift=0.8,
    )
    upper = Part(
        points(
            [
                *curve((4.8, -3.0), (9.4, 0.0), (12.2, 6.5)),
                (13.2, 11.6),
                (8.4, 9.8),
                *curve((7.4, 9.0), (6.4, 4.0), (4.8, -3.0)),
            ]
        ),
        "collar",
        angle=-14,
        lift=0.8,
    )
    return [lower, mirrored(lower), upper, mirrored(upper)]
