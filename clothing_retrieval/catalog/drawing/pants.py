"""Trousers, jeans, shorts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from clothing_retrieval.catalog.drawing.cut import Cut
from clothing_retrieval.catalog.drawing.geometry import Point, curve, points
from clothing_retrieval.catalog.drawing.marks import Mark, Part, Relief, buttons, mirrored, seam, stitches
from clothing_retrieval.catalog.drawing.skirts import waistband
from clothing_retrieval.catalog.drawing.stance import Stance

WAIST, CROTCH = 41.0, 72.0
SUITING = ("pinstripe", "windowpane", "herringbone", "houndstooth", "tartan", "vertical stripe")
LEISURE = ("camouflage", "wide stripe", "tartan", "marble", "checkerboard", "star", "vertical stripe", "floral", "leaf")


@dataclass(frozen=True)
class Legs:
    """length: where they end; knee and hem: half widths; top: how the waist is made."""

    length: float = 140.0
    knee: float = 8.5
    hem: float = 7.5
    thigh: float = 10.6
    top: str = "fly"  # fly | elastic | drawstring | side
    details: tuple[str, ...] = ()
    relief: str | None = None


def _centre(y: float, stance: Stance) -> float:
    return 9.8 + max(0.0, y - 60.0) * float(np.tan(np.radians(stance.legs)))


def _outline(legs: Legs, stance: Stance) -> tuple[list[Point], list[Point]]:
    """The outer and the inner edge of the right leg, from top to bottom."""
    widths = [(WAIST, 15.2, 0.0), (54.0, 19.0, 0.0)]
    thigh, knee = 80.0, 104.0
    outer = [(w, y) for y, w, _ in widths]
    inner: list[Point] = [(0.2, CROTCH)]
    stations = [
        (thigh, legs.thigh),
        (knee, legs.knee),
        (126.0, (legs.knee + 2 * legs.hem) / 3),
        (legs.length, legs.hem),
    ]
    for y, half in stations:
        if y < legs.length or y == legs.length:
            outer.append((_centre(y, stance) + half, y))
            inner.append((_centre(y, stance) - half, y + (1.2 if y == legs.length else 0)))
        else:
            break
    if legs.length < thigh or outer[-1][1] < legs.length:
        outer.append((_centre(legs.length, stance) + legs.hem, legs.length))
        inner.append((_centre(legs.length, stance) - legs.hem, legs.length + 1.2))
    return curve(*outer), curve(*inner)


def _leg(legs: Legs, stance: Stance) -> list[Part]:
    outer, inner = _outline(legs, stance)
    relief = None
    if legs.relief:
        relief = Relief(legs.relief, 3, WAIST, legs.length, 16, legs.hem + 14)
    shape = points([(-0.6, WAIST), *outer, *reversed(inner), (-0.6, CROTCH - 3)])
    parts = [Part(shape, "main", angle=-stance.legs, relief=relief, lift=0.7)]
    hem_out, hem_in = outer[-1], inner[-1]
    for detail in legs.details:
        parts += _detail(detail, legs, stance, outer, hem_out, hem_in)
    return parts


def _detail(detail: str, legs: Legs, stance: Stance, outer: list[Point], hem_out: Point, hem_in: Point) -> list[Part]:
    match detail:
        case "hem":
            return [stitches([(hem_out[0] - 0.3, hem_out[1] - 1.8), (hem_in[0] + 0.3, hem_in[1] - 1.8)])]
        case "cuff":
            path = points([(hem_out[0] + 0.3, hem_out[1] - 1.8), (hem_in[0] - 0.3, hem_in[1] - 1.8)])
            return [Part(path, "turnup", width=4.0, lift=0.5, shade=1.06)]
        case "rib":
            path = points([(hem_out[0] - 0.9, hem_out[1]), (hem_in[0] + 0.9, hem_in[1])])
            return [Part(path, "trim", width=5.0, lift=0.3, shade=0.94)]
        case "crease":
            middle = [(_centre(y, stance), y) for y in (60.0, legs.length - 1)]
            return [seam([(8.8, 46), *middle], 0.5, 0.45)]
        case "stripe":
            inset = [(x - 1.6, y) for x, y in outer[1:]]
            return [Part(points(inset), "second", width=2.4, lift=0.0, depth=0.0)]
        case "cargo":
            y = 90.0 if legs.length > 100 else legs.length - 20
            x = _centre(y, stance) + (legs.thigh + legs.knee) / 2 - 4.5
            pocket = points([(x - 5, y), (x + 5.4, y), (x + 5.4, y + 14), (x - 5, y + 14)])
            flap = points([(x - 5.5, y - 1.5), (x + 5.8, y - 1.5), (x + 5.8, y + 3), (x - 5.5, y + 3)])
            return [
                Part(pocket, "main", lift=0.6, depth=0.6),
                Part(flap, "main", lift=0.6, depth=0.6),
                stitches([(x - 5, y + 2.4), (x + 5.2, y + 2.4)]),
            ]
        case "patch":
            y = 98.0
            x = _centre(y, stance)
            rip = points(curve((x - 5, y), (x, y + 1.6), (x + 5, y), (x + 1, y - 1.4), (x - 5, y)))
            return [
                Part(rip, "frayed", lift=0.0, depth=0.0),
                Part(rip + np.array([0.6, -13.0]), "frayed", lift=0.0, depth=0.0),
            ]
        case "fray":
            return [Part(points([hem_out, hem_in]), "frayed", width=1.4, dashes=0.35, lift=0.0, depth=0.0)]
        case "pocket":
            return [
                stitches(curve((15.8, 50.5), (10.5, 49.0), (8.2, 42.0))),
                seam(curve((15.9, 50.0), (10.9, 48.5), (8.7, 42.0)), 0.4),
            ]
        case "slant":
            return [seam([(11.0, 41.5), (17.2, 56)], 0.7, 0.5)]
        case "pleat":
            return [seam([(7.2, 41.5), (8.2, 58)], 0.6, 0.4), seam([(4.6, 41.5), (5.0, 52)], 0.5, 0.3)]
    raise ValueError(f"no detail is called {detail!r}")


def _top(legs: Legs) -> list[Mark]:
    if legs.top in ("elastic", "drawstring"):
        marks = waistband(15.2, 4.4, "trim", True)
        if legs.top == "drawstring":
            marks += [
                Part(points(curve((1, 40), (3.4, 48), (2.6, 56))), "cord", width=0.9),
                Part(points(curve((-1, 40), (-2.6, 47), (-3.6, 54))), "cord", width=0.9),
            ]
        return marks
    marks = waistband(15.2, 4.2, "main")
    if legs.top == "side":
        return marks
    fly = [stitches(curve((3.6, 41.5), (3.4, 56), (0.4, 62))), seam([(0, 41), (0, CROTCH)], 0.5, 0.5)]
    loops = [
        Part(points([(x, 37.2), (x, 42.4)]), "main", width=1.1, lift=0.3, depth=0.5) for x in (-10.5, -4.8, 4.8, 10.5)
    ]
    return [*marks, *fly, *loops, *buttons([(0, 39.4)], 0.85, "fastener")]


def trousers(legs: Legs) -> Callable[[Stance], list[Mark]]:
    def draw(stance: Stance) -> list[Mark]:
        right = _leg(legs, stance)
        return [*(mirrored(part) for part in right), *right, *_top(legs)]

    return draw


def _cut(
    name: str,
    legs: Legs,
    price: int,
    finishes: tuple[str, ...],
    patterns: tuple[str, ...] = (),
    gender: str = "unisex",
    wash: str = "",
) -> Cut:
    contrast = 1.0 if "stripe" in legs.details else 0.0
    return Cut(name, trousers(legs), gender, price, finishes, patterns, None, 20, contrast, worn="lower", wash=wash)


_JEANS = ("pocket", "hem")
_DENIM = ("denim",)
PANTS = (
    _cut("skinny jeans", Legs(141, 6.8, 5.2, 9.8, details=_JEANS), 1290, _DENIM, wash="denim"),
    _cut(
        "chinos",
        Legs(141, 8.2, 7.0, details=("slant", "hem")),
        1190,
        ("cotton", "canvas"),
        ("vertical stripe", "windowpane"),
    ),
    _cut(
        "wide-leg trousers",
        Legs(143, 12.5, 14.0, 12.0, "side", ("crease",), "drape"),
        1390,
        ("linen", "satin", "smooth"),
        (*SUITING, "floral", "leopard", "ombre"),
        "female",
    ),
    _cut("joggers", Legs(138, 8.6, 6.0, 10.8, "drawstring", ("rib", "slant")), 990, ("cotton", "knit"), LEISURE),
    _cut("denim shorts", Legs(86, 12, 11.8, 11.4, details=("pocket", "fray")), 790, _DENIM, (), "female", "denim"),
    _cut(
        "cargo trousers",
        Legs(141, 10.2, 8.8, 11.2, details=("cargo", "pocket", "hem")),
        1390,
        ("canvas",),
        ("camouflage",),
    ),
    _cut("flared jeans", Legs(144, 7.6, 13.0, 9.8, details=_JEANS), 1390, _DENIM, (), "female", "denim"),
    _cut(
        "suit trousers",
        Legs(142, 8.4, 7.4, details=("crease", "slant", "pleat")),
        1490,
        ("wool", "smooth"),
        SUITING,
        "male",
    ),
    _cut(
        "bermuda shorts",
        Legs(104, 10.4, 10.2, 11.2, details=("slant", "hem")),
        890,
        ("cotton", "linen", "canvas"),
        (*LEISURE, "gingham"),
        "male",
    ),
    _cut("track pants", Legs(140, 9.0, 7.2, 10.8, "drawstring", ("stripe",)), 990, ("smooth", "satin"), ("plain",)),
    _cut(
        "culottes",
        Legs(118, 14.0, 15.5, 12.5, "side", ("pleat",), "drape"),
        1190,
        ("linen", "cotton", "satin"),
        ("polka dot", "floral", "vertical stripe", "gingham", "leaf"),
        "female",
    ),
    _cut("straight jeans", Legs(141, 9.0, 8.8, 10.6, details=("pocket", "cuff")), 1290, _DENIM, wash="denim"),
    _cut(
        "swim shorts",
        Legs(92, 11.2, 11.8, 11.4, "drawstring", ("hem",)),
        690,
        ("smooth",),
        ("leaf", "fish", "wide stripe", "colour block", "sun", "wave", "floral"),
        "male",
    ),
    _cut(
        "cropped trousers",
        Legs(126, 8.2, 7.0, 10.2, "side", ("crease", "slant")),
        1090,
        ("cotton", "smooth"),
        (*SUITING, "polka dot", "houndstooth", "gingham"),
        "female",
    ),
    _cut("ripped jeans", Legs(141, 8.6, 7.0, 10.4, details=("pocket", "hem", "patch")), 1390, _DENIM, wash="denim"),
    _cut("corduroy trousers", Legs(141, 9.4, 9.0, 10.8, details=("pocket", "hem")), 1290, ("cord",), ("plain",)),
    _cut(
        "harem trousers",
        Legs(136, 12.5, 5.5, 13.0, "elastic", ("rib",), "drape"),
        890,
        ("linen", "cotton"),
        ("marble", "leaf", "diamond", "daisy", "zebra"),
        "female",
    ),
    _cut(
        "leather trousers",
        Legs(141, 7.4, 6.2, 10.0, details=("slant",)),
        1890,
        ("leather", "patent"),
        ("plain",),
        "female",
    ),
    _cut(
        "pyjama trousers",
        Legs(141, 10.6, 10.8, 11.4, "drawstring", ("hem",)),
        690,
        ("cotton",),
        ("tartan", "star", "vertical stripe", "cat", "moon", "gingham", "heart"),
    ),
    _cut(
        "tailored shorts",
        Legs(90, 12.2, 12.6, 11.6, "side", ("pleat", "cuff")),
        890,
        ("linen", "wool"),
        (*SUITING, "floral"),
        "female",
    ),
)
