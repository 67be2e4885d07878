"""What covers shoulders and chest: the part that tops, coats and dresses have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from clothing_retrieval.catalog.drawing.geometry import Point, Points, curve, mirror, points, symmetric
from clothing_retrieval.catalog.drawing.marks import Mark, Part, Relief, band, mirrored, seam, stitches
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
        down.append((b.hem, b.length - 5 if b.hem_shape == "shirt" else b.length))
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
    return Part(outline, "main", relief=bodice.relief, lift=0.5)


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
    left = [mirrored(mark) for mark in _right_sleeve(bodice, cut, stance.left_arm, stance.bend)]
    return [*left, *right]


def _right_sleeve(bodice: Bodice, cut: Sleeve, arm: float, bend: float) -> list[Part]:
    start, pit = np.array([bodice.shoulder + 0.3, 2.7]), np.array([bodice.chest - 1.0, 22.5])
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
    rise = start + upper * cut.length * 0.16 + across * (1.9 + 0.5 * cut.fullness)
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
