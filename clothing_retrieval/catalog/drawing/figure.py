"""Who wears a garment: a plainly drawn body in plain clothes, in the garments' own coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from clothing_retrieval.catalog.drawing.geometry import Points, curve, ellipse, points, symmetric
from clothing_retrieval.catalog.drawing.marks import Mark, Part, seam
from clothing_retrieval.catalog.drawing.stance import Stance

_SIDES = (-1.0, 1.0)


def _flipped(path: Points, side: float) -> Points:
    return np.asarray(path * np.array([side, 1.0]))


def _arm(side: float, degrees: float, bend: float) -> list[Part]:
    upper = np.array([np.sin(np.radians(degrees)), np.cos(np.radians(degrees))])
    fore = np.array([np.sin(np.radians(degrees - bend)), np.cos(np.radians(degrees - bend))])
    shoulder = np.array([16.2, 7.0])
    elbow = shoulder + upper * 27
    wrist = elbow + fore * 25
    across, across_fore = np.array([upper[1], -upper[0]]), np.array([fore[1], -fore[0]])
    rows = [shoulder + across * 4.2, elbow + across * 3.6, wrist + across_fore * 2.3]
    back = [wrist - across_fore * 2.3, elbow - across * 3.6, shoulder - across * 4.4 + np.array([0, 4.0])]
    arm = points(
        [*curve(*[(float(p[0]), float(p[1])) for p in rows]), *curve(*[(float(p[0]), float(p[1])) for p in back])]
    )
    palm = ellipse((0, 0), 3.1, 6.2) @ np.array(
        [
            [np.cos(np.radians(degrees - bend)), -np.sin(np.radians(degrees - bend))],
            [np.sin(np.radians(degrees - bend)), np.cos(np.radians(degrees - bend))],
        ]
    )
    hand = palm + wrist + fore * 4.5
    return [
        Part(_flipped(hand, side), "skin", depth=1.2, lift=0.3),
        Part(_flipped(arm, side), "skin", depth=2.0, lift=0.0),
    ]


def _leg(side: float, stance: Stance, cloth: str) -> Part:
    def middle(y: float) -> float:
        return 9.6 + max(0.0, y - 60.0) * float(np.tan(np.radians(stance.legs)))

    stations = ((68.0, 9.6), (84.0, 8.6), (104.0, 6.4), (118.0, 6.0), (142.0, 4.0))
    outer = [(middle(y) + half, y) for y, half in stations]
    inner = [(middle(y) - half, y) for y, half in stations]
    path = points([(17.8, 60), *curve(*outer), *reversed(curve(*inner)), (0, 70), (0, 60)])
    return Part(_flipped(path, side), cloth, depth=2.2, lift=0.0)


def _shoe(side: float, stance: Stance) -> Part:
    x = 9.6 + 84.0 * float(np.tan(np.radians(stance.legs)))
    shape = points(
        curve(
            (x - 3.6, 141),
            (x + 3.8, 141),
            (x + 6.4, 149),
            (x + 5.0, 153.5),
            (x - 2.5, 153.5),
            (x - 4.6, 149),
            (x - 3.6, 141),
        )
    )
    return Part(_flipped(shape, side), "shoe", depth=1.4)


def _torso(cloth: str) -> Part:
    right = curve((6.2, -2), (11, 1.5), (17.4, 4.2), (19.2, 10), (16.6, 22), (14.0, 40), (17.8, 60), (16.5, 68))
    return Part(symmetric([(0, -2), *right, (0, 74)]), cloth, depth=2.4, lift=0.0)


def _head() -> list[Mark]:
    neck = Part(
        symmetric([(0, -12), *curve((5.4, -12), (5.3, -4), (8.6, 0.6)), (0, 6)]),
        "skin",
        shade=0.88,
        depth=1.5,
        lift=0.0,
    )
    face = Part(
        symmetric(curve((0, -31), (6.6, -29), (8.4, -21), (6.6, -12), (2.4, -7.6), (0, -7.2))),
        "skin",
        depth=1.8,
        lift=0.8,
    )
    back = Part(
        symmetric(curve((0, -33.5), (8.6, -31), (11.0, -20), (10.4, -8), (7.0, -5), (0, -6))),
        "hair",
        depth=1.6,
        lift=0.0,
    )
    fringe = Part(
        symmetric(curve((0, -33.2), (7.6, -31), (9.6, -20.5), (7.9, -22.5), (4.0, -27.0), (0, -27.6))),
        "hair",
        depth=1.2,
        lift=0.3,
    )
    return [back, neck, face, *_features(), fringe]


def _features() -> list[Mark]:
    marks: list[Mark] = []
    for side in _SIDES:
        marks.append(Part(ellipse((3.3 * side, -19.6), 1.25, 0.75, 16), "features", lift=0.0, depth=0.0))
        marks.append(seam(curve((1.9 * side, -22.2), (3.6 * side, -22.9), (5.2 * side, -22.1)), 0.6, 0.7))
    marks.append(seam(curve((0.5, -18.5), (1.0, -15.5), (-0.4, -14.9)), 0.4, 0.35))
    marks.append(Part(points(curve((-2.1, -11.6), (0, -11.0), (2.1, -11.6))), "lips", width=1.0, lift=0.0, depth=0.2))
    return marks


def figure(kind: str, stance: Stance) -> list[Mark]:
    """The body for a garment worn on the upper part, the lower part, in full, or on the head."""
    legs_cloth = "under" if kind == "upper" else "skin"
    body: list[Mark] = [_leg(side, stance, legs_cloth) for side in _SIDES]
    body += [_shoe(side, stance) for side in _SIDES]
    for side, arm in zip(_SIDES, (stance.left_arm, stance.right_arm), strict=True):
        body += _arm(side, arm, stance.bend)
    body.append(_torso("skin"))
    if kind == "upper":
        hips = symmetric([(0, 40), (14.4, 41), *curve((15.2, 44), (18.4, 58), (18.6, 70)), (0, 74)])
        body.append(Part(hips, "under", depth=1.6))
    if kind == "lower":
        body += _plain_top(stance)
    return [*body, *_head()]


def _plain_top(stance: Stance) -> list[Mark]:
    shape = symmetric(
        [
            *curve((0, 7.5), (5, 6.4), (8.6, -0.2)),
            *curve((20, 4.0), (19.6, 14), (18.0, 23)),
            *curve((18.0, 23), (15.6, 40), (16.0, 47)),
            (0, 48),
        ]
    )
    sleeves = []
    for side, degrees in zip(_SIDES, (stance.left_arm, stance.right_arm), strict=True):
        along = np.array([np.sin(np.radians(degrees)), np.cos(np.radians(degrees))])
        across = np.array([along[1], -along[0]])
        start, pit = np.array([19.0, 3.6]), np.array([17.6, 24.0])
        cuff_out, cuff_in = start + along * 19 + across * 1.0, start + along * 19 - across * 10
        path = points([(float(p[0]), float(p[1])) for p in (start, cuff_out, cuff_in, pit)])
        sleeves.append(Part(_flipped(path, side), "under", depth=1.4, lift=0.4))
    return [*sleeves, Part(shape, "under", depth=1.6)]


def bust() -> list[Mark]:
    """Head and shoulders, moved so that the forehead lies where hats have it."""
    shoulders = Part(
        symmetric([(0, -2), *curve((6.2, -2), (13, 2.0), (21, 6.0), (25, 18), (26, 34)), (0, 34)]),
        "under",
        depth=2.4,
        lift=0.0,
    )
    return [_lowered(mark) for mark in [shoulders, *_head()]]


def _lowered(mark: Mark) -> Mark:
    if isinstance(mark, Part):
        return replace(mark, outline=mark.outline * 1.12 + np.array([0.0, 29.0]))
    return mark


def hanger(kind: str) -> Sequence[Mark]:
    """A coat hanger, or a clip hanger for what hangs by its waist."""
    if kind == "lower":
        bar = Part(points([(-17, 31.5), (17, 31.5)]), "metal", width=1.0, lift=0.4)
        hook = Part(
            points(curve((0, 31.5), (0, 25.5), (2.6, 22.4), (0.4, 19.6), (-2.0, 21.2))), "metal", width=0.8, lift=0.5
        )
        clips = [Part(points([(x, 30.5), (x, 39.5)]), "clip", width=2.6, lift=0.6) for x in (-12.0, 12.0)]
        return [bar, hook, *clips]
    wood = Part(points(curve((-18.5, 4.6), (-9, -0.6), (0, -3.8), (9, -0.6), (18.5, 4.6))), "wood", width=2.2, lift=0.4)
    hook = Part(
        points(curve((0, -4), (0, -9.5), (3.0, -12.8), (0.6, -16.4), (-2.4, -14.4))), "metal", width=0.7, lift=0.5
    )
    return [wood, hook]
