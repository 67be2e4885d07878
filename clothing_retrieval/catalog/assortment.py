"""Which items the boutique sells: as different from each other as they can be made."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from clothing_retrieval.catalog import dyes
from clothing_retrieval.catalog.drawing.bags import BAGS
from clothing_retrieval.catalog.drawing.cut import Cut
from clothing_retrieval.catalog.drawing.dresses import DRESSES
from clothing_retrieval.catalog.drawing.footwear import FOOTWEAR
from clothing_retrieval.catalog.drawing.headwear import HEADWEAR
from clothing_retrieval.catalog.drawing.motifs import MOTIFS, WORDS
from clothing_retrieval.catalog.drawing.outers import OUTERS
from clothing_retrieval.catalog.drawing.pants import PANTS
from clothing_retrieval.catalog.drawing.skirts import SKIRTS
from clothing_retrieval.catalog.drawing.tops import TOPS
from clothing_retrieval.catalog.item import Item
from clothing_retrieval.catalog.palette import COLORS

CUTS: dict[str, tuple[Cut, ...]] = {
    "top": TOPS,
    "outer": OUTERS,
    "dress": DRESSES,
    "pants": PANTS,
    "skirt": SKIRTS,
    "footwear": FOOTWEAR,
    "bag": BAGS,
    "headwear": HEADWEAR,
}
CATEGORIES = tuple(CUTS)
# Of each twenty items in a row: every category early, tops most often.
_CYCLE = (
    "top",
    "outer",
    "dress",
    "pants",
    "skirt",
    "footwear",
    "bag",
    "headwear",
    "top",
    "dress",
    "pants",
    "top",
    "skirt",
    "outer",
    "footwear",
    "bag",
    "top",
    "dress",
    "pants",
    "top",
)
_CANDIDATES = 10
_THREE_COLORED = frozenset(("tartan", "floral", "camouflage", "daisy", "terrazzo"))
_UNSCALED = frozenset(("plain", "colour block", "ombre", "washed", "camouflage", "marble", "pinstripe"))
# Numbered so far apart, items are no longer compared with each other.
_SEASON = 1000


def category_of(number: int) -> str:
    return _CYCLE[number % len(_CYCLE)]


def cut_of(item: Item) -> Cut:
    return next(cut for cut in CUTS[item.category] if cut.name == item.cut)


def item(number: int, seed: int) -> Item:
    """The item of a number; the same for the same seed, however many others are drawn."""
    if number < 0:
        raise ValueError(f"items are numbered from 0, not {number}")
    season = _season(number // _SEASON, seed)
    season.grow(number % _SEASON)
    return season.items[number % _SEASON]


@lru_cache(maxsize=4)
def _season(index: int, seed: int) -> _Season:
    return _Season(index * _SEASON, seed)


class _Season:
    """Grows item by item; each is the candidate farthest from all earlier ones of its category."""

    def __init__(self, first: int, seed: int) -> None:
        self._first = first
        self._seed = seed
        self.items: list[Item] = []

    def grow(self, last: int) -> None:
        while len(self.items) <= last:
            self.items.append(self._next(self._first + len(self.items)))

    def _next(self, number: int) -> Item:
        rng = np.random.default_rng([self._seed, number, 1])
        category = category_of(number)
        earlier = [item for item in self.items if item.category == category]
        cut = _cut_in_turn(category, len(earlier), self._seed)
        rivals = [_look(item) for item in earlier if item.cut == cut.name]
        others = [_look(item) for item in earlier[-40:] if item.cut != cut.name]
        candidates = [_candidate(number, category, cut, self._seed, rng) for _ in range(_CANDIDATES)]
        return max(candidates, key=lambda candidate: _distance(_look(candidate), rivals, others))


def _cut_in_turn(category: str, turn: int, seed: int) -> Cut:
    """All cuts of a category once, in the order given, then again in another order."""
    cuts = CUTS[category]
    lap, place = divmod(turn, len(cuts))
    if lap == 0:
        return cuts[place]
    order = np.random.default_rng([seed, lap, CATEGORIES.index(category), 4]).permutation(len(cuts))
    return cuts[int(order[place])]


def _look(item: Item) -> tuple[str, str, str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    ground = np.array(COLORS[item.colors[0]])
    over = np.array(COLORS[item.colors[1]]) if len(item.colors) > 1 else ground
    return item.pattern, item.pattern_scale, item.print, np.concatenate([1.4 * ground, 0.7 * over])


_Look = tuple[str, str, str, np.ndarray[tuple[int], np.dtype[np.float64]]]


def _distance(look: _Look, rivals: list[_Look], others: list[_Look]) -> float:
    near = min((_apart(look, rival) for rival in rivals), default=3.0)
    far = min((_apart(look, other) for other in others), default=3.0)
    return near + 0.25 * far


def _apart(a: _Look, b: _Look) -> float:
    same = a[:3] == b[:3]
    pattern = 0.0 if a[0] == b[0] else 0.55
    scale = 0.0 if a[1] == b[1] else 0.1
    motif = 0.0 if a[2] == b[2] else 0.35
    color = float(np.linalg.norm(a[3] - b[3]))
    return color - 9.0 if same and color < 1e-6 else color + pattern + scale + motif


def _candidate(number: int, category: str, cut: Cut, seed: int, rng: np.random.Generator) -> Item:
    finish = _pick(cut.finishes, rng)
    pattern = _pattern(cut, finish, rng)
    contrast = bool(rng.random() < cut.contrast)
    motif = ""
    if cut.chest is not None and pattern == "plain" and rng.random() < 0.65:
        motif = _pick((*MOTIFS, *WORDS), rng)
    count = 3 if pattern in _THREE_COLORED else 2 if pattern not in ("plain", "washed") or contrast or motif else 1
    price = round(cut.price * float(rng.uniform(0.8, 1.45)) / 10) * 10
    on_sale = rng.random() < 0.22
    return Item(
        number=number,
        category=category,
        cut=cut.name,
        finish=finish,
        pattern=pattern,
        pattern_scale="medium" if pattern in _UNSCALED else _pick(("fine", "medium", "bold"), rng),
        colors=dyes.choose(count, pattern, finish, rng),
        print=motif,
        contrast=contrast,
        gender=cut.gender if cut.gender != "unisex" else _pick(("unisex", "unisex", "female", "male"), rng),
        price=price,
        sale_price=round(price * float(rng.uniform(0.6, 0.9)) / 10) * 10 if on_sale else None,
        in_stock=bool(rng.random() > 0.08),
        seed=int(rng.integers(2**31)),
    )


def _pick(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _pattern(cut: Cut, finish: str, rng: np.random.Generator) -> str:
    if cut.wash:
        return _pick(("plain", "washed"), rng)
    if not cut.patterns or (finish in ("leather", "patent") and rng.random() < 0.7):
        return "plain"
    return _pick(cut.patterns, rng) if rng.random() < 0.56 else "plain"
