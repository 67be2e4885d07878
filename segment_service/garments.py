"""From a parser's logits to garments: each a label's region, cut out of the photo on white."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from segment_service.look import Bools, Box, Floats, Parsed, iou, without_specks
from serving.images import ImageLimits, Raster, resize

_SAME = 0.8
"""IoU from which on an alternative would mostly find what the garment finds that it covers."""
_MOST = 18
"""Garments and alternatives of one photo."""
_GRID = 128
"""So many cells has the longer side of a photo where alternatives are compared."""


@dataclass(frozen=True)
class Rules:
    """What counts as a garment. Areas are shares."""

    min_area: float = 0.004
    """Of what is looked at: what is smaller is left out."""
    min_part: float = 0.1
    """Of the garment's largest connected part: smaller parts are specks."""
    min_confidence: float = 0.2
    wavering: float = 0.15
    """Two labels are one garment where the larger one is, on average, at least this likely all over the smaller one."""
    margin: float = 0.05
    """White border of a cutout, on each side, as a share of the garment's longer side."""
    slack: float = 0.15
    """Of probability: a cutout also shows what another label leads by at most this."""
    closer_look: float = 2.0
    """The parser looks again at the clothed part of a photo where it would see it this many times larger."""


@dataclass(frozen=True)
class Garment:
    category: str
    confidence: float
    area: float
    box: Box
    support: Floats = field(repr=False)
    """(h, w) on the parser's grid: by how much the category's probability leads the best other's; positive inside."""
    cell: float
    """Side of a grid cell, in pixels of the decoded photo."""
    corner: tuple[float, float] = (0.0, 0.0)
    """Where the grid's first cell begins: x, y in pixels of the decoded photo."""
    alternative: bool = False
    """It overlaps garments: another reading of the photo."""

    def scaled(self, zoom: float, height: int, width: int) -> "Garment":
        """The same garment in the same photo at another resolution, where it is (height, width)."""
        left, top = min(width - 1, round(self.box.x * zoom)), min(height - 1, round(self.box.y * zoom))
        right = min(width, round((self.box.x + self.box.width) * zoom))
        bottom = min(height, round((self.box.y + self.box.height) * zoom))
        box = Box(left, top, max(1, right - left), max(1, bottom - top))
        corner = (self.corner[0] * zoom, self.corner[1] * zoom)
        return dataclasses.replace(self, box=box, cell=self.cell * zoom, corner=corner)

    def mask(self, height: int, width: int) -> Bools:
        """The garment's pixels in a photo of this size: (height, width)."""
        around = math.ceil(self.cell) + 1  # support is positive at most a cell beyond the box
        left, top = max(0, self.box.x - around), max(0, self.box.y - around)
        right = min(width, self.box.x + self.box.width + around)
        bottom = min(height, self.box.y + self.box.height + around)
        mask = np.zeros((height, width), np.bool_)
        mask[top:bottom, left:right] = self._support_at(left, top, 1.0, bottom - top, right - left) > 0
        return mask

    def cutout(self, photo: Raster, side: int, rules: Rules) -> Raster:
        """The garment alone in its square box on white: (side, side, 3)."""
        square = max(self.box.width, self.box.height) * (1 + 2 * rules.margin)
        left = self.box.x + self.box.width / 2 - square / 2
        top = self.box.y + self.box.height / 2 - square / 2
        step = square / side  # photo pixels for each cutout pixel
        canvas = _crop_square(photo, left, top, square, side)
        hidden = np.uint8(255) * (self._support_at(left, top, step, side, side) <= -rules.slack)
        return cv2.bitwise_or(canvas, cv2.merge((hidden, hidden, hidden)))  # type: ignore[return-value]

    def trimmed(self, cutout: Raster) -> Raster:
        """A view of its cutout without the white beside it, or above and below it: centred on white, it is as before.

        As much is left out on each side, and never so much that less is left than a picture must have.
        """
        tall = self.box.height >= self.box.width
        shown = np.flatnonzero((cutout.min(axis=0) < 255).any(axis=1) if tall else cutout.min(axis=(1, 2)) < 255)
        if not len(shown):
            return cutout
        side = len(cutout)
        border = max(0, min(shown[0], side - 1 - shown[-1], (side - ImageLimits.min_side) // 2))
        return cutout[:, border : side - border] if tall else cutout[border : side - border]

    def _support_at(self, left: float, top: float, step: float, height: int, width: int) -> Floats:
        """Support sampled at the centres of height × width pixels of size ``step`` from (left, top) on."""
        factor = step / self.cell
        offset_x = (left + step / 2 - self.corner[0]) / self.cell - 0.5
        offset_y = (top + step / 2 - self.corner[1]) / self.cell - 0.5
        matrix = np.array([[factor, 0, offset_x], [0, factor, offset_y]], np.float64)
        return cv2.warpAffine(  # type: ignore[return-value]
            self.support,
            matrix,
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )


def find_garments(
    looks: Sequence[Parsed],
    labels: Sequence[str],
    garments: frozenset[str],
    rules: Rules,
    *,
    categories: frozenset[str] = frozenset(),
    alternatives: bool = False,
) -> list[Garment]:
    """The garments in a photo, largest first; then, where asked for, alternatives, largest first: up to 18 in all.

    Args:
        looks: garments are found in the first; what the others see otherwise are alternatives.
        garments: those of the labels that are garments.
        categories: those of the garments that are asked for; empty: all.
        alternatives: of each garment that several labels stand for together, also the region of each label alone; and
            what later looks find. What covers about the same as something before it is left out.
    """
    first, *later = [_Reading(parsed, labels, garments, categories or garments, rules) for parsed in looks]
    found = first.garments()
    if not alternatives:
        return found
    others = first.by_label()
    for reading in later:
        others += [*reading.garments(), *reading.by_label()]
    return [*found, *_alternatives(found, others, looks[0].look.photo_size)]


@dataclass(frozen=True)
class _Reading:
    """What a look at a photo is taken for."""

    parsed: Parsed
    labels: Sequence[str]
    clothing: frozenset[str]
    wanted: frozenset[str]
    rules: Rules

    def garments(self) -> list[Garment]:
        """Largest first; labels between which the parser wavers are one."""
        is_garment = [label in self.clothing for label in self.labels]
        winner = self._leaders.winner
        return self._regions(_kinds(self.parsed.probabilities, winner, is_garment, self.rules.wavering))

    def by_label(self) -> list[Garment]:
        """Largest first; each label's own region."""
        return self._regions([[label] for label in range(len(self.labels))])

    @cached_property
    def _leaders(self) -> "_Leaders":
        """Of the labels."""
        return _leaders(self.parsed.probabilities)

    def _regions(self, kinds: Sequence[Sequence[int]]) -> list[Garment]:
        """Where kinds of clothing lead, each of one or several labels together."""
        probabilities, look, cell = self.parsed.probabilities, self.parsed.look, self.parsed.cell
        if len(kinds) == len(self.labels):  # each label alone
            shares, (winner, best, second) = probabilities, self._leaders
        else:
            shares = _together(probabilities, kinds)
            winner, best, second = _leaders(shares)
        found = []
        for index in np.flatnonzero(np.bincount(winner.ravel())).tolist():
            if self.labels[kinds[index][0]] not in self.clothing:
                continue
            leads = winner == index
            region = without_specks(leads, self.rules.min_part)
            means = [float(probabilities[label][region].mean()) for label in kinds[index]]
            area, confidence = np.count_nonzero(region) / region.size, max(means)
            category = self.labels[kinds[index][means.index(confidence)]]
            too_little = area < self.rules.min_area or confidence < self.rules.min_confidence
            if too_little or category not in self.wanted:
                continue
            support = shares[index] - np.where(leads, second, best)
            support[leads & ~region] = -1
            walled, corner = look.walled(support, cell)
            box = look.box(region, cell)
            found.append(Garment(category, confidence, area * look.share, box, walled, cell, corner))
        return sorted(found, key=lambda garment: -garment.area)


def _alternatives(found: Sequence[Garment], others: Sequence[Garment], photo_size: tuple[int, int]) -> list[Garment]:
    """The others that cover something else than what was found, and than the others before them; largest first."""
    zoom = _GRID / max(photo_size)
    height, width = (max(1, round(side * zoom)) for side in photo_size)
    masks = [garment.scaled(zoom, height, width).mask(height, width) for garment in found]
    different = []
    for garment in others:
        mask = garment.scaled(zoom, height, width).mask(height, width)
        if all(iou(mask, other) < _SAME for other in masks):
            masks.append(mask)
            different.append(dataclasses.replace(garment, alternative=True))
    return sorted(different, key=lambda garment: -garment.area)[: max(0, _MOST - len(found))]


def _kinds(
    probabilities: Floats, winner: NDArray[np.intp], is_garment: Sequence[bool], wavering: float
) -> list[list[int]]:
    """Labels that stand for one garment here, together; most stand alone.

    Where the parser wavers between, say, dress and top, it splits one garment in two. What tells this from a top over
    trousers: all over the smaller region the larger one's label is likely, too.
    """
    areas = np.bincount(winner.ravel(), minlength=len(is_garment))
    kinds = [[label] for label in range(len(is_garment))]
    present = sorted((label for label in range(len(is_garment)) if is_garment[label] and areas[label]), key=areas.item)
    for position, label in enumerate(present[:-1]):
        larger = present[position + 1 :]
        means = probabilities[larger][:, winner == label].mean(axis=1)
        if means.max() >= wavering:
            kinds[larger[int(means.argmax())]] += kinds[label]
            kinds[label] = []
    return [kind for kind in kinds if kind]


def _together(probabilities: Floats, kinds: Sequence[Sequence[int]]) -> Floats:
    """Of each kind, (kinds, rows, columns)."""
    shares = probabilities[[kind[0] for kind in kinds]]
    for share, kind in zip(shares, kinds, strict=True):
        for label in kind[1:]:
            share += probabilities[label]
    return shares


class _Leaders(NamedTuple):
    """Of each cell."""

    winner: NDArray[np.intp]
    """The index that leads."""
    best: Floats
    """Its share."""
    second: Floats
    """The best other's."""


def _leaders(shares: Floats) -> _Leaders:
    """``shares``: (indices, rows, columns), at least 0.

    One index after the other is several times as fast as argmax and partition across them.
    """
    winner = np.zeros(shares.shape[1:], np.intp)
    best, second = shares[0].copy(), np.zeros_like(shares[0])
    for index, share in enumerate(shares[1:], start=1):
        np.copyto(winner, index, where=share > best)
        np.maximum(second, np.minimum(best, share), out=second)
        np.maximum(best, share, out=best)
    return _Leaders(winner, best, second)


def _crop_square(photo: Raster, left: float, top: float, square: float, side: int) -> Raster:
    """The square of the photo, scaled to (side, side, 3); what lies outside the photo is white."""
    height, width = photo.shape[:2]
    x0, y0 = max(0, int(np.floor(left))), max(0, int(np.floor(top)))
    x1, y1 = min(width, int(np.ceil(left + square))), min(height, int(np.ceil(top + square)))
    scale = side / square
    to_x0, to_y0 = max(0, round((x0 - left) * scale)), max(0, round((y0 - top) * scale))
    to_x1, to_y1 = (
        min(side, max(to_x0 + 1, round((x1 - left) * scale))),
        min(side, max(to_y0 + 1, round((y1 - top) * scale))),
    )
    canvas = np.full((side, side, 3), 255, np.uint8)
    canvas[to_y0:to_y1, to_x0:to_x1] = resize(photo[y0:y1, x0:x1], to_y1 - to_y0, to_x1 - to_x0)
    return canvas
