"""What covers shoulders and chest: the part that tops, coats and dresses have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from clothing_retrieval.catalog.drawing.geometry import Point, Points, curve, ellipse, mirror, points, symmetric
from clothing_retrieval.catalog.drawing.marks import Mark, Part, Relief, band, buttons, seam, stitches
from clothing_retrieval.catalog.drawing.stance import Stance

# The neckline's half width, its depth, and its form.
NECKS: dict[str, tuple[float, float, str]] = {
    "crew": (8.6, 8.0, "round"),
    "v": (8.8, 18.0, "v"),
    "wrap": (9.5, 27.0, "v"),
    "scoop": (11.5, 15.0, "round"),
    "boat": (14.5, 5.0, "round"),
    "square": (12.0, 13.0, "square"),
    "turtle": (7.6, 3.0, "round"),
    "shirt": (7.8, 8.0, "v"),
    "hood": (9.5, 9.0, "round"),
    "lapel": (8.0, 38.0, "v"),
    "stand": (7.8, 4.0, "v"),
    "strap": (11.0, 17.0, "heart"),
    "tank": (9.8, 16.0, "round"),
    "halter": (6.5, 7.0, "v"),
    "off": (20.5, 12.0, "round"),
}


@dataclass(frozen=True)
class Sleeve:
    """length along the arm; cuff: half the width at the end; fullness: how far it billows."""

    length: float
    cuff: float
    fullness: float = 0.0
    finish: str = "hem"  # hem | rib | button | turnup | plain
    cloth: str = "main"


SLEEVES: dict[str, Sleeve] = {
    "cap": Sleeve(10, 8.5),
    "short": Sleeve(21, 8.8),
    "elbow": Sleeve(33, 7.8),
    "three-quarter": Sleeve(43, 6.6),
    "long": Sleeve(58, 5.2),
    "shirt": Sleeve(59, 5.0, finish="button"),
    "rib": Sleeve(58, 5.4, 0.8, finish="rib"),
    "puff": Sleeve(22, 6.0, 4.5, finish="rib"),
    "bishop": Sleeve(57, 4.4, 4.0, finish="rib"),
    "bell": Sleeve(50, 12.0, 0.5),
    "coat": Sleeve(60, 6.6, finish="plain"),
}


@dataclass(frozen=True)
class Bodice:
    neck: str = "crew"
    sleeve: str | None = "short"
    length: float = 64.0  # where the hem lies
    chest: float = 25.0  # half widths
    waist: float = 24.0
    hem: float = 25.0
    shoulder: float = 20.0
    hem_shape: str = "straight"  # straight | shirt | rib | seam | raw
    sleeve_cloth: str = "main"
    relief: Relief | None = None
    sleeve_relief: Relief | None = None
    waist_at: float = 41.0


def half_neckline(bodice: Bodice) -> list[Point]:
    """From the centre front up to where the neck meets the shoulder."""
    width, depth, form = NECKS[bodice.neck]
    top = (width, -0.6 + 0.18 * max(0.0, width - 8))
    if bodice.neck == "off":
        return curve((0, depth), (11, depth - 0.8), (width, depth - 3))
    if form == "v":
        return curve((0, depth), (width * 0.5, depth * 0.45), top)
    if form == "square":
        return [(0, depth), (width - 1, depth - 0.4), top]
    if form == "heart":
        return curve((0, depth + 2), (5, depth - 1.5), (width + 1.2, depth - 3.5))
    return curve((0, depth), (width * 0.55, depth * 0.88), (width * 0.92, depth * 0.45), top)


def _side(bodice: Bodice) -> list[Point]:
    """From the shoulder down the armhole and the side to the hem."""
    b = bodice
    hip = b.hem if b.length < 55 else b.waist + (b.hem - b.waist) * 0.62
    down = [(b.chest, 22.0), (b.waist, b.waist_at)]
    if b.length > 55:
        down.append((hip, b.waist_at + (b.length - b.waist_at) * 0.45))
    if b.length > b.waist_at + 4:
        down.append((b.hem, b.length))
    else:
        down = [(b.chest, 22.0), (b.waist + 0.5, (22 + b.length) / 2), (b.waist, b.length)]
    side = curve(*down)
    if b.neck == "off":
        return [(b.shoulder + 1.5, 9.5), *side]
    if b.neck in ("strap", "halter"):
        start = (12.2, 13.5) if b.neck == "strap" else (7.5, 0.5)
        return [*curve(start, (start[0] + 4.0, 18.0), (b.chest, 23.0)), *side[1:]]
    inset = 2.2 if b.sleeve else 3.6
    return [
        *curve((b.shoulder, 3.2), (b.shoulder - inset, 11.0), (b.shoulder - inset * 0.3, 17.5), (b.chest, 22.5)),
        *side[1:],
    ]


def _hem(bodice: Bodice) -> list[Point]:
    b = bodice
    if b.hem_shape == "shirt":
        return curve(
            (b.hem - 0.5, b.length - 5),
            (b.hem * 0.72, b.length + 0.5),
            (b.hem * 0.35, b.length + 3.5),
            (0, b.length + 4),
        )
    return curve(
        (b.hem if b.length > b.waist_at + 4 else b.waist, b.length), (b.hem * 0.5, b.length + 0.9), (0, b.length + 1.1)
    )


def body(bodice: Bodice) -> Part:
    outline = symmetric([*half_neckline(bodice), *_side(bodice), *_hem(bodice)])
    return Part(outline, "main", relief=bodice.relief, lift=0.9)


def back_of_neck(bodice: Bodice) -> list[Mark]:
    """The inside of the back, seen through the neckline."""
    width, _, form = NECKS[bodice.neck]
    if form == "heart" or bodice.neck == "off":
        return []
    front = half_neckline(bodice)
    back = curve((width, -0.6), (width * 0.6, 1.2), (0, 1.9))
    inside = symmetric([*reversed(back), *reversed(front)])
    parts: list[Mark] = [Part(inside, "lining", shade=0.72, lift=0.0, behind=True)]
    rim = [*back, *reversed(mirror(back))]
    parts.append(replace(band(rim, 1.8), shade=0.84, behind=True))
    if bodice.neck in ("crew", "v", "scoop", "hood"):
        parts.append(Part(points([(-1.6, 3.4), (1.6, 3.4)]), "label", width=1.8, lift=0.1, behind=True))
    return parts


def neckband(bodice: Bodice, width: float = 2.0, cloth: str = "trim") -> list[Mark]:
    half = half_neckline(bodice)
    path = [*reversed(mirror(half)), *half[1:]]
    return [band(path, width, cloth), seam([(x * 1.04, y + width * 0.62) for x, y in path])]


def sleeve_marks(bodice: Bodice, stance: Stance, sleeve: Sleeve | None = None) -> list[Mark]:
    if bodice.sleeve is None:
        return []
    cut = sleeve or SLEEVES[bodice.sleeve]
    right = _right_sleeve(bodice, cut, stance.right_arm, stance.bend)
    left = [_mirrored(mark) for mark in _right_sleeve(bodice, cut, stance.left_arm, stance.bend)]
    return [*left, *right]


def _mirrored(mark: Part) -> Part:
    return replace(mark, outline=mark.outline * np.array([-1.0, 1.0]), angle=-mark.angle)


def _right_sleeve(bodice: Bodice, cut: Sleeve, arm: float, bend: float) -> list[Part]:
    start, pit = np.array([bodice.shoulder - 0.6, 3.0]), np.array([bodice.chest - 1.0, 22.5])
    if bodice.neck == "off":
        start = np.array([bodice.shoulder + 0.5, 9.0])
    upper, fore = _direction(arm), _direction(arm - bend)
    across, across_fore = np.array([upper[1], -upper[0]]), np.array([fore[1], -fore[0]])
    elbow_at = 0.5 * cut.length
    base = 9.3
    elbow_half = base + (cut.cuff - base) * 0.55 + cut.fullness
    elbow = start + upper * elbow_at + across * (0.4 + 0.35 * cut.fullness)
    outer = elbow + fore * (cut.length - elbow_at) - across_fore * (0.35 * cut.fullness + 0.8)
    inner = outer - across_fore * 2 * cut.cuff
    elbow_inner = elbow - across * 2 * elbow_half
    rise = start + upper * cut.length * 0.16 + across * (0.6 + 0.5 * cut.fullness)
    outline = [
        *curve(
            _pair(start),
            _pair(rise),
            _pair(elbow),
            _pair(outer + fore * -1.5 + across_fore * 0.4 * cut.fullness),
            _pair(outer),
        ),
        *curve(
            _pair(inner), _pair(inner - fore * 2 - across_fore * 0.5 * cut.fullness), _pair(elbow_inner), _pair(pit)
        ),
        (bodice.shoulder - 6.0, 14.0),
    ]
    grain = -(arm - bend * 0.5)
    parts = [Part(points(outline), bodice.sleeve_cloth, angle=grain, relief=bodice.sleeve_relief, lift=0.9)]
    edge = [_pair(outer - fore * 0.1), _pair(inner - fore * 0.1)]
    if cut.finish == "hem":
        parts.append(stitches([_pair(outer - fore * 2), _pair(inner - fore * 2)]))
    elif cut.finish == "rib":
        parts.append(_cuff(outer, inner, fore, 4.4 if cut.length > 30 else 2.2, "trim", grain))
    elif cut.finish == "button":
        parts.append(_cuff(outer, inner, fore, 5.5, "main", grain))
        parts.append(Part(points([_pair(inner * 0.75 + outer * 0.25 - fore * 3)] * 2), "button", width=1.3, depth=0.5))
    else:
        parts.append(seam(edge, 0.5, 0.25))
    return parts


def _cuff(outer: Points, inner: Points, along: Points, depth: float, cloth: str, grain: float) -> Part:
    drawn_in = (inner - outer) * 0.06
    corners = [
        outer - along * depth * 0.5,
        outer + drawn_in + along * depth * 0.5,
        inner - drawn_in + along * depth * 0.5,
    ]
    return Part(points([_pair(p) for p in (*corners, inner - along * depth * 0.5)]), cloth, angle=grain, shade=0.97)


def _direction(degrees: float) -> Points:
    return np.array([np.sin(np.radians(degrees)), np.cos(np.radians(degrees))])


def _pair(point: Points) -> Point:
    return float(point[0]), float(point[1])


def hem_marks(bodice: Bodice) -> list[Mark]:
    b = bodice
    width = b.hem if b.length > b.waist_at + 4 else b.waist
    if b.hem_shape == "rib":
        outline = symmetric(
            [(0, b.length - 3), (width - 0.2, b.length - 4), (width - 1.6, b.length + 2), (0, b.length + 3)]
        )
        return [Part(outline, "trim", shade=0.97, relief=Relief("rib", 26, 0, 1, width, width))]
    if b.hem_shape == "straight":
        return [stitches(curve((-width + 0.5, b.length - 2.2), (0, b.length - 1.2), (width - 0.5, b.length - 2.2)))]
    if b.hem_shape == "shirt":
        half = [(x * 0.985, y - 1.1) for x, y in _hem(b)]
        return [stitches(half), stitches(mirror(half))]
    return []


def armhole_seams(bodice: Bodice) -> list[Mark]:
    if bodice.sleeve is None or bodice.neck in ("off", "strap", "halter"):
        return []
    s = bodice.shoulder
    hole = curve((s, 3.2), (s - 2.2, 11.0), (s - 0.7, 17.5), (bodice.chest - 0.3, 22.5))
    return [seam(hole), seam(mirror(hole))]


def straps(reach: float = 12.0, width: float = 1.3) -> list[Mark]:
    right = curve((reach, 14.5), (reach - 0.3, 7.0), (reach - 1.5, -0.5))
    return [band(right, width, "main"), band(mirror(right), width, "main")]


def shirt_collar(cloth: str = "main", spread: float = 8.0, drop: float = 11.5) -> list[Mark]:
    stand = Part(symmetric([(0, -3.4), (6.4, -2.8), (7.4, 1.0), (0, 1.6)]), cloth, shade=0.86, behind=True)
    leaf = points(
        [*curve((5.2, -3.4), (8.6, -1.2), (10.6, 3.6)), (spread, drop), *curve((0.5, 7.6), (3.2, 3.4), (5.2, -3.4))]
    )
    right = Part(leaf, cloth, angle=-18, lift=0.8)
    edge = stitches([(9.8, 3.8), (spread - 0.3, drop - 1.2), (1.2, 7.4)])
    return [stand, right, _mirrored(right), edge, _mirrored(edge)]


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
        return [right, _mirrored(right)]
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
    return [lower, _mirrored(lower), upper, _mirrored(upper)]


def opening(bodice: Bodice, bottom_gap: float = 3.0) -> list[Mark]:
    """An open front: the inside shows between the two edges."""
    _, depth, _ = NECKS[bodice.neck]
    gap = symmetric([(0, depth - 6), (1.2, depth), (bottom_gap, bodice.length + 1), (0, bodice.length + 1.2)])
    return [Part(gap, "lining", shade=0.62, lift=0.0)]


def motif_place(bodice: Bodice) -> Point:
    return 0.0, NECKS[bodice.neck][1] + 15.0


def badge(x: float, y: float, size: float = 1.6, cloth: str = "second") -> list[Mark]:
    return [Part(ellipse((x, y), size, size), cloth, lift=0.2, folds=0.3, depth=0.3)]
