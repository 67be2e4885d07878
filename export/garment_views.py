"""Pictures of single garments, several of each, as the embed service gets them: cut out on white, or whole photos."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator, default_rng

from export import kinds
from export.labels import GARMENTS, LABELS
from export.parsing import Parser
from export.photos import Labelled, LabelMap, read_photo, shop_photos, street_photos
from export.scenes import Bools, Scene, any_turn, clothed_person, emptied, laid, pasted, photo_size, relit, shrink
from segment_service.garments import Garment, Rules
from segment_service.look import Box, iou
from serving.images import Raster, fit_square

SIDE = 224
RULES = Rules()
PHOTO_SIDE = 512
_FIRST_STREET_GARMENT = 1_000_000
_MIN_AREA = 0.01
_MIN_OVERLAP = 0.5
"""Least IoU at which the parser's garment is taken for the true one."""
_POOR_OVERLAP = 0.25
"""Least IoU at which it is taken for a view of the true one: much of what is searched for is cut out no better."""
_WAVERING = (0.1, 0.15, 0.15, 0.3)
"""``Rules.wavering`` that such views are cut out by, one at a time."""
_DISTURBED = 2
_MOVED = 10
"""So many views of each of these sorts are made of a garment or of a street photo."""


@dataclass(frozen=True)
class View:
    picture: Raster  # (224, 224, 3)
    garment: int
    """The same for all views of one garment."""
    kind: int
    """Row of ``kinds.covered()``."""


def cut_out(photo: Raster, mask: Bools, side: int = SIDE) -> Raster:
    """What the mask shows, as the segment service would cut it out: (side, side, 3)."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = Box(int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
    support = np.where(mask, 1, -1).astype(np.float32)
    return Garment("", 1.0, float(mask.mean()), box, support, 1.0).cutout(photo, side, RULES)


def shop_cutout(parser: Parser, photo: Raster, side: int = SIDE) -> Raster:
    """The largest garment, or the whole photo where none is found: what the gateway embeds for an item."""
    garments = parser.garments(photo, RULES)
    return garments[0].cutout(photo, side, RULES) if garments else fit_square(photo, side)


def training_views(parser: Path, street: Path, shop: Path, processes: int, seed: int = 0) -> Iterator[View]:
    """Of all shop photos in a folder and of all street photos that are not held out.

    A garment's first view is the one to be found: of a street garment its true cutout, of a shop's the parser's.

    Args:
        parser: an ONNX file.
        processes: that make them side by side; the views do not depend on it.
    """
    photos = street_photos(street, held_out=False)
    spawning = get_context("spawn")  # a fork would inherit locks that other threads hold
    with spawning.Pool(processes, _begin, (parser, photos, seed)) as pool:
        for views in pool.imap(_shop_views, list(enumerate(shop_photos(shop))), chunksize=8):
            yield from views
        for views in pool.imap(_street_views, range(len(photos)), chunksize=2):
            yield from views


def shop_views(parser: Parser, photo: Raster, garment: int, kind: int, rng: Generator) -> list[View]:
    """Its largest garment cut out, the photo whole, and that garment disturbed."""
    whole = View(fit_square(photo, SIDE), garment, kind)
    garments = parser.garments(photo, RULES)
    if not garments:
        return [whole]
    mask = garments[0].mask(*photo.shape[:2])
    disturbed = [View(_disturbed(rng, photo, mask, mask), garment, kind) for _ in range(_DISTURBED)]
    return [View(garments[0].cutout(photo, SIDE, RULES), garment, kind), whole, *disturbed]


def street_views(parser: Parser, photos: list[Labelled], index: int, rng: Generator) -> list[View]:
    """Each garment cut out by its true mask, the same disturbed, and as the parser cuts it out on other streets."""
    scene = _small_scene(photos[index])
    ids = {label: _FIRST_STREET_GARMENT + index * len(LABELS) + label for label in true_garments(scene)}
    person = clothed_person(scene.labels)
    views = []
    for label, garment in ids.items():
        mask, kind = scene.labels == label, kinds.of_label(LABELS[label])
        views.append(View(cut_out(scene.photo, mask), garment, kind))
        views += [View(_disturbed(rng, scene.photo, mask, person), garment, kind) for _ in range(_DISTURBED)]
    for number in range(_MOVED):
        other = _small_scene(photos[int(rng.integers(len(photos)))])
        moved = (on_another_street, query_photo)[number % 2](rng, scene, other)
        rules = replace(RULES, wavering=float(rng.choice(_WAVERING)))
        for found, label in parsed_garments(parser, moved, rules, _POOR_OVERLAP, alternatives=True):
            if label in ids:
                cutout = found.cutout(moved.photo, SIDE, rules)
                views.append(View(cutout, ids[label], kinds.of_label(LABELS[label])))
    return views


def on_another_street(rng: Generator, scene: Scene, other: Scene) -> Scene:
    """The person in another place, slightly turned, in other light, compressed again."""
    size = photo_size(rng, scene.labels, PHOTO_SIDE, PHOTO_SIDE)
    moved = pasted(rng, scene, clothed_person(scene.labels), other, size, float(rng.normal(0, 6)))
    return Scene(relit(rng, moved.photo), moved.labels)


def query_photo(rng: Generator, scene: Scene, other: Scene) -> Scene:
    """The person on another street, slightly turned, dimmed, compressed again: what a shopper might send."""
    turn = float(rng.normal(0, 6))
    moved = laid(rng, scene, clothed_person(scene.labels), emptied(other), (0.6, 0.95), turn)
    dim = rng.uniform(0.5, 1.0) * np.exp(rng.normal(0, 0.05, 3))
    dimmed = (moved.photo * dim).clip(0, 255).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 85))]
    return Scene(cv2.imdecode(cv2.imencode(".jpg", dimmed, quality)[1], cv2.IMREAD_COLOR), moved.labels)


def parsed_garments(
    parser: Parser,
    scene: Scene,
    rules: Rules = RULES,
    min_overlap: float = _MIN_OVERLAP,
    *,
    alternatives: bool = False,
) -> list[tuple[Garment, int]]:
    """The garments that the parser finds, each with the true label that it covers, or 0."""
    pairs = []
    for found in parser.garments(scene.photo, rules, alternatives=alternatives):
        mask = found.mask(*scene.labels.shape)
        overlaps = {label: iou(mask, scene.labels == label) for label in true_garments(scene)}
        best = max(overlaps, key=overlaps.__getitem__, default=0)
        pairs.append((found, best if overlaps.get(best, 0) >= min_overlap else 0))
    return pairs


def true_garments(scene: Scene) -> list[int]:
    areas = np.bincount(scene.labels.ravel(), minlength=256) / scene.labels.size
    return [label for label, name in enumerate(LABELS) if name in GARMENTS and areas[label] >= _MIN_AREA]


def _disturbed(rng: Generator, photo: Raster, mask: Bools, person: Bools) -> Raster:
    """The garment turned, mirrored, relit, cut out too wide or too narrow, partly hidden, with a piece of the rest."""
    regions = mask.astype(np.uint8) + (person & ~mask) * np.uint8(2)
    scene = shrink(Scene(photo, regions), PHOTO_SIDE // 2)
    height, width = scene.labels.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    scale = height / mask.shape[0]
    centre = ((columns[0] + columns[-1]) / 2 * scale, (rows[0] + rows[-1]) / 2 * scale)
    matrix = cv2.getRotationMatrix2D(centre, any_turn(rng), rng.uniform(0.6, 0.9))
    matrix[:, :2] *= np.exp(rng.normal(0, 0.08, (2, 1)))
    if rng.random() < 0.5:
        matrix[0] *= -1
        matrix[0, 2] += width
    lit = relit(rng, cv2.warpAffine(scene.photo, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE))
    moved = cv2.warpAffine(scene.labels, matrix, (width, height), flags=cv2.INTER_NEAREST)
    garment = (moved == 1).astype(np.uint8)
    if not garment.any():
        return cut_out(photo, mask)
    radius = int(rng.integers(0, 5))
    change = cv2.dilate if rng.random() < 0.5 else cv2.erode
    changed = change(garment, np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)).astype(bool)
    if rng.random() < 0.4:
        changed[_piece(rng, garment, 0.04, 0.15)] = False
    if rng.random() < 0.4:
        piece = _piece(rng, garment, 0.05, 0.2)
        changed[piece] |= moved[piece] > 0
    return cut_out(lit, changed if changed.mean() > 0.005 else garment > 0)


def _piece(rng: Generator, garment: LabelMap, least: float, most: float) -> tuple[slice, slice]:
    """A rectangle around one of the garment's pixels; half its sides are these shares of the picture's."""
    ys, xs = np.nonzero(garment)
    chosen = int(rng.integers(len(ys)))
    half = rng.uniform(least, most, 2) * garment.shape
    top, left = max(0, int(ys[chosen] - half[0])), max(0, int(xs[chosen] - half[1]))
    return slice(top, int(ys[chosen] + half[0]) + 1), slice(left, int(xs[chosen] + half[1]) + 1)


def _small_scene(labelled: Labelled) -> Scene:
    return shrink(Scene(*labelled.read()), PHOTO_SIDE)


class _Process:
    """What a process of ``training_views`` holds."""

    parser: Parser
    photos: list[Labelled]
    seed: int


def _begin(parser: Path, photos: list[Labelled], seed: int) -> None:
    _Process.parser, _Process.photos, _Process.seed = Parser(parser, threads=1), photos, seed


def _shop_views(numbered: tuple[int, tuple[Path, str]]) -> list[View]:
    index, (file, name) = numbered
    rng = default_rng([_Process.seed, index])
    return shop_views(_Process.parser, read_photo(file), index, kinds.of_folder(name), rng)


def _street_views(index: int) -> list[View]:
    rng = default_rng([_Process.seed, _FIRST_STREET_GARMENT + index])
    return street_views(_Process.parser, _Process.photos, index, rng)
