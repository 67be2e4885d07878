"""Which colours go together on a garment."""

from __future__ import annotations

import numpy as np

from clothing_retrieval.catalog.palette import COLORS, DENIMS, LEATHERS, NEUTRALS, difference

_ANY = tuple(COLORS)
_MUTED = (
    "olive",
    "khaki",
    "sage",
    "forest green",
    "teal",
    "rust",
    "mustard",
    "burgundy",
    "plum",
    "taupe",
    "tan",
    "cognac",
    "denim blue",
    "sky blue",
    "ice blue",
    "blush",
    "lilac",
    "ivory",
    "sand",
    "chocolate",
    "crimson",
    "peach",
)
_PELTS = ("camel", "tan", "sand", "cream", "cognac", "silver", "blush", "beige", "white", "rust")
_SPOTS = ("black", "chocolate", "charcoal", "brown", "burgundy", "navy")
_FIELD = (
    "olive",
    "khaki",
    "sand",
    "forest green",
    "brown",
    "charcoal",
    "grey",
    "black",
    "sage",
    "taupe",
    "navy",
    "silver",
)
_STRAWS = ("sand", "beige", "cream", "camel", "tan", "black", "chocolate", "navy", "blush")
_NATURAL = 0.8  # how often an animal's or a soldier's pattern keeps its own colours


def choose(count: int, pattern: str, finish: str, rng: np.random.Generator) -> tuple[str, ...]:
    """So many colour names, the ground first, that can be told apart on the cloth."""
    natural = rng.random() < _NATURAL
    chosen = [_pick(_grounds(pattern, finish, natural, rng), rng)]
    apart = 0.16 if natural and pattern in ("camouflage", "leopard", "zebra") else 0.3
    while len(chosen) < count:
        name = _pick(_overs(pattern, natural, rng), rng)
        if min(difference(COLORS[name], COLORS[other]) for other in chosen) > apart:
            chosen.append(name)
            apart *= 0.6
    return tuple(chosen)


def _grounds(pattern: str, finish: str, natural: bool, rng: np.random.Generator) -> tuple[str, ...]:
    if finish == "denim":
        return DENIMS
    if finish == "straw":
        return _STRAWS
    if natural and pattern in ("leopard", "zebra"):
        return _PELTS
    if natural and pattern == "camouflage":
        return _FIELD
    if finish == "leather" and rng.random() < 0.75:
        return LEATHERS
    return _weighted(0.33, 0.36, rng)


def _overs(pattern: str, natural: bool, rng: np.random.Generator) -> tuple[str, ...]:
    if natural and pattern in ("leopard", "zebra"):
        return _SPOTS
    if natural and pattern == "camouflage":
        return _FIELD
    if pattern in ("herringbone", "houndstooth", "pinstripe", "windowpane"):
        return (*NEUTRALS, "burgundy", "forest green", "denim blue")
    return _weighted(0.5, 0.2, rng)


def _weighted(neutral: float, muted: float, rng: np.random.Generator) -> tuple[str, ...]:
    draw = rng.random()
    return NEUTRALS if draw < neutral else _MUTED if draw < neutral + muted else _ANY


def _pick(names: tuple[str, ...], rng: np.random.Generator) -> str:
    return names[int(rng.integers(len(names)))]
