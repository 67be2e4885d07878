"""From an item's attributes to the cloths that its pieces are cut from."""

from __future__ import annotations

import numpy as np

from clothing_retrieval.catalog.drawing.fabric import TILED, Cloth
from clothing_retrieval.catalog.item import Item
from clothing_retrieval.catalog.palette import COLORS, Color, lightness, mix

_PERIODS = {
    "fine": 4.2,
    "medium": 7.5,
    "bold": 13.0,
}
_RELATIVE: dict[str, float] = {
    "pinstripe": 0.5,
    "breton stripe": 0.75,
    "vertical stripe": 0.75,
    "tartan": 1.8,
    "windowpane": 1.2,
    "herringbone": 0.7,
    "houndstooth": 0.75,
    "argyle": 1.3,
    "polka dot": 0.9,
    "pin dot": 0.6,
    "checkerboard": 1.1,
    "gingham": 0.8,
    "colour block": 1000.0,
    "ombre": 7.0,
    "camouflage": 2.2,
    "marble": 3.2,
    "washed": 1.0,
}
_METALS: tuple[Color, ...] = ((0.78, 0.79, 0.80), (0.83, 0.68, 0.38), (0.42, 0.41, 0.40))
SKINS: tuple[Color, ...] = (
    (0.93, 0.76, 0.65),
    (0.84, 0.64, 0.50),
    (0.66, 0.46, 0.34),
    (0.43, 0.29, 0.21),
    (0.96, 0.82, 0.73),
)
HAIRS: tuple[Color, ...] = ((0.12, 0.10, 0.10), (0.28, 0.18, 0.12), (0.50, 0.34, 0.19), (0.72, 0.56, 0.34))
DRESS_FORMS: tuple[Color, ...] = ((0.78, 0.74, 0.68), (0.58, 0.58, 0.59))


def period(pattern: str, scale: str) -> float:
    relative = _RELATIVE.get(pattern, 1.25 if pattern in TILED else 1.0)
    if pattern in ("colour block", "ombre", "washed"):
        return _PERIODS["medium"] * relative
    return _PERIODS[scale] * relative


def cloths(item: Item) -> dict[str, Cloth]:
    """The cloth for each role that marks name, and for the things that garments hang on."""
    colors = tuple(COLORS[name] for name in item.colors)
    ground = colors[0]
    main = Cloth(item.pattern, _dyes(item, colors), period(item.pattern, item.pattern_scale), item.finish, item.seed)
    over = colors[1] if item.contrast and len(colors) > 1 else mix(ground, (0.1, 0.1, 0.1), 0.18)
    trim = over if item.contrast and len(colors) > 1 else mix(ground, (0.05, 0.05, 0.06), 0.08)
    rng = np.random.default_rng([item.seed, 5])
    metal = _METALS[int(rng.integers(len(_METALS)))]
    dark = lightness(ground) < 0.3
    second_finish = "leather" if item.category in ("bag", "footwear") and item.finish != "canvas" else item.finish
    ink = colors[1] if len(colors) > 1 else over
    sole = ((0.20, 0.16, 0.14), (0.93, 0.92, 0.88), (0.55, 0.38, 0.24))[int(rng.integers(3))]
    seam = mix(ground, (0.0, 0.0, 0.0), 0.62) if not dark else mix(ground, (0.0, 0.0, 0.0), 0.75)
    stitch = (
        (0.80, 0.60, 0.32)
        if item.finish == "denim"
        else mix(ground, (0.0, 0.0, 0.0) if not dark else (1.0, 1.0, 1.0), 0.3)
    )
    return {
        "main": main,
        "collar": main if item.pattern != "plain" else _plain(mix(ground, (0.0, 0.0, 0.0), 0.06), item.finish),
        "second": _plain(over, second_finish),
        "trim": _plain(trim, item.finish),
        "print": _plain(ink, "smooth"),
        "lining": _plain(mix(ground, (0.35, 0.33, 0.31), 0.35), "smooth"),
        "insole": _plain(mix((0.80, 0.70, 0.56), ground, 0.1), "smooth"),
        "seam": _plain(seam, "smooth"),
        "stitch": _plain(stitch, "smooth"),
        "sole": _plain(sole, "smooth"),
        "heel": _plain(mix(ground, (0.1, 0.08, 0.07), 0.2), item.finish),
        "button": _plain(_button(ground, rng), "smooth"),
        "fur": _plain((0.62, 0.52, 0.41), "wool"),
        "pompom": _plain(over if item.contrast else mix(ground, (1, 1, 1), 0.25), "wool"),
        "cord": _plain(over if item.contrast else mix(ground, (1, 1, 1), 0.55 if dark else 0.3), "smooth"),
        "lace": _plain((0.95, 0.94, 0.91) if lightness(ground) < 0.7 else (0.35, 0.34, 0.34), "smooth"),
        "turnup": _plain(
            mix(ground, (0.85, 0.88, 0.92), 0.42) if item.finish == "denim" else mix(ground, (0, 0, 0), 0.1),
            item.finish,
        ),
        "zip": _plain(mix(ground, (0.05, 0.05, 0.05), 0.5), "smooth"),
        "elastic": _plain(mix(ground, (0.06, 0.06, 0.06), 0.55), "smooth"),
        "metal": _plain(metal, "metal"),
        "fastener": _plain(metal, "metal") if item.finish == "denim" else _plain(_button(ground, rng), "smooth"),
        "hardware": _plain(mix(metal, (0, 0, 0), 0.5), "metal"),
        **_FIXED,
    }


def flesh(rng: np.random.Generator, dress_form: bool) -> dict[str, Cloth]:
    """The colours of whoever wears a garment."""
    under = ((0.88, 0.88, 0.87), (0.55, 0.56, 0.58), (0.20, 0.21, 0.23), (0.38, 0.42, 0.50))[int(rng.integers(4))]
    if dress_form:
        body = DRESS_FORMS[int(rng.integers(len(DRESS_FORMS)))]
        return {
            "skin": _plain(body, "canvas"),
            "under": _plain(mix(body, (0, 0, 0), 0.1), "canvas"),
            "hair": _plain(body, "canvas"),
        }
    skin = SKINS[int(rng.integers(len(SKINS)))]
    hair = HAIRS[int(rng.integers(len(HAIRS)))]
    return {
        "skin": _plain(skin, "skin"),
        "lips": _plain(mix(skin, (0.72, 0.25, 0.27), 0.5), "skin"),
        "hair": _plain(hair, "knit"),
        "under": _plain(under, "cotton"),
        "shoe": _plain(((0.15, 0.15, 0.16), (0.9, 0.9, 0.88), (0.45, 0.33, 0.24))[int(rng.integers(3))], "leather"),
    }


def _plain(color: Color, finish: str) -> Cloth:
    return Cloth("plain", (color,), finish=finish)


def _dyes(item: Item, colors: tuple[Color, ...]) -> tuple[Color, ...]:
    if item.pattern == "washed":
        return colors[0], mix(colors[0], (0.90, 0.92, 0.94), 0.55)
    return colors


def _button(ground: Color, rng: np.random.Generator) -> Color:
    choices: tuple[Color, ...] = ((0.93, 0.91, 0.86), (0.25, 0.18, 0.13), (0.12, 0.12, 0.13))
    seen = [color for color in choices if abs(lightness(color) - lightness(ground)) > 0.2] or list(choices)
    return seen[int(rng.integers(len(seen)))]


_FIXED: dict[str, Cloth] = {
    "label": _plain((0.95, 0.95, 0.93), "smooth"),
    "buckle": _plain((0.30, 0.20, 0.13), "leather"),
    "frayed": _plain((0.88, 0.89, 0.90), "wool"),
    "rubber": _plain((0.95, 0.94, 0.91), "smooth"),
    "rope": _plain((0.80, 0.66, 0.46), "straw"),
    "wood": _plain((0.55, 0.38, 0.24), "smooth"),
    "clip": _plain((0.14, 0.14, 0.15), "smooth"),
    "features": _plain((0.16, 0.12, 0.11), "smooth"),
    "lips": _plain((0.72, 0.42, 0.40), "skin"),
    "skin": _plain(SKINS[0], "skin"),
    "hair": _plain(HAIRS[0], "knit"),
    "under": _plain((0.6, 0.6, 0.6), "cotton"),
    "shoe": _plain((0.2, 0.2, 0.2), "leather"),
}
