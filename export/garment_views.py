"""Pictures of single garments, several of each, as the embed service gets them: cut out on white, or whole photos."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator, default_rng

from export.labels import GARMENTS, LABELS, SHOP
from export.parsing import Parser
from export.photos import Labelled, read_photo, shop_photos, street_photos
from export.scenes import Bools, Scene, any_turn, clothed_person, pasted, photo_size, relit, shrink
from segment_service.garments import Garment, Rules
from segment_service.look import Box
from serving.images import Raster, fit_square

SIDE = 224
FOLDERS = tuple(sorted(SHOP))
NO_FOLDER = -1
RULES = Rules()
PHOTO_SIDE = 512
_FIRST_STREET_GARMENT = 1_000_000
_MIN_AREA = 0.01
_MIN_OVERLAP = 0.5
"""Least IoU at which the parser's garment is taken for the true one."""


@dataclass(frozen=True)
class View:
    picture: Raster  # (224, 224, 3)
    garment: int
    """The same for all views of one garment."""
    folder: int
    """Index of FOLDERS, or NO_FOLDER."""


def cut_out(photo: Raster, mask: Bools) -> Raster:
    """What the mask shows, as the segment service would cut it out: (224, 224, 3)."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = Box(int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
    support = np.where(mask, 1, -1).astype(np.float32)
    return Garment("", 1.0, float(mask.mean()), box, support, 1.0).cutout(photo, SIDE, RULES.margin)


def shop_cutout(parser: Parser, photo: Raster) -> Raster:
    """The largest garment, or the whole photo where none is found: what the gateway embeds for an item."""
    garments = parser.garments(photo, RULES)
    return garments[0].cutout(photo, SIDE, RULES.margin) if garments else fit_square(photo, SIDE)


def training_views(parser: Parser, street: Path, shop: Path, seed: int = 0) -> Iterator[View]:
    """Of all shop photos in a folder and of all street photos that are not held out."""
    rng = default_rng(seed)
    yield from shop_views(parser, shop, rng, disturbed_count=1)
    yield from street_views(parser, street_photos(street, held_out=False), rng, pasted_count=1)


def shop_views(parser: Parser, shop: Path, rng: Generator, disturbed_count: int) -> Iterator[View]:
    """Each photo whole, its largest garment cut out, and that garment disturbed."""
    for index, (file, name) in enumerate(shop_photos(shop)):
        photo = read_photo(file)
        folder = FOLDERS.index(name)
        yield View(fit_square(photo, SIDE), index, folder)
        garments = parser.garments(photo, RULES)
        if garments:
            yield View(garments[0].cutout(photo, SIDE, RULES.margin), index, folder)
            mask = garments[0].mask(*photo.shape[:2])
            for _ in range(disturbed_count):
                yield View(_disturbed(rng, photo, mask), index, folder)


def street_views(parser: Parser, photos: list[Labelled], rng: Generator, pasted_count: int) -> Iterator[View]:
    """Each garment cut out by its true mask, the same disturbed, and as the parser cuts it out on other streets."""
    for index, labelled in enumerate(photos):
        scene = shrink(Scene(*labelled.read()), PHOTO_SIDE)
        ids = {label: _FIRST_STREET_GARMENT + index * len(LABELS) + label for label in true_garments(scene)}
        for label, garment in ids.items():
            mask = scene.labels == label
            yield View(cut_out(scene.photo, mask), garment, NO_FOLDER)
            yield View(_disturbed(rng, scene.photo, mask), garment, NO_FOLDER)
        for _ in range(pasted_count):
            other = shrink(Scene(*photos[int(rng.integers(len(photos)))].read()), PHOTO_SIDE)
            moved = on_another_street(rng, scene, other)
            for found, label in parsed_garments(parser, moved):
                if label in ids:
                    yield View(found.cutout(moved.photo, SIDE, RULES.margin), ids[label], NO_FOLDER)


def on_another_street(rng: Generator, scene: Scene, other: Scene) -> Scene:
    """The person in another place, slightly turned, in other light, compressed again."""
    size = photo_size(rng, scene.labels, PHOTO_SIDE, PHOTO_SIDE)
    moved = pasted(rng, scene, clothed_person(scene.labels), other, size, float(rng.normal(0, 6)))
    return Scene(relit(rng, moved.photo), moved.labels)


def parsed_garments(parser: Parser, scene: Scene) -> list[tuple[Garment, int]]:
    """The garments that the parser finds, each with the true label that it covers, or 0."""
    pairs = []
    for found in parser.garments(scene.photo, RULES):
        mask = found.mask(*scene.labels.shape)
        overlaps = {label: _iou(mask, scene.labels == label) for label in true_garments(scene)}
        best = max(overlaps, key=overlaps.__getitem__, default=0)
        pairs.append((found, best if overlaps.get(best, 0) >= _MIN_OVERLAP else 0))
    return pairs


def true_garments(scene: Scene) -> list[int]:
    areas = np.bincount(scene.labels.ravel(), minlength=256) / scene.labels.size
    return [label for label, name in enumerate(LABELS) if name in GARMENTS and areas[label] >= _MIN_AREA]


def _iou(a: Bools, b: Bools) -> float:
    return float((a & b).sum() / max(1, (a | b).sum()))


def _disturbed(rng: Generator, photo: Raster, mask: Bools) -> Raster:
    """The garment turned, mirrored, relit, cut out too wide or too narrow, partly hidden."""
    scene = shrink(Scene(photo, mask.astype(np.uint8)), PHOTO_SIDE // 2)
    height, width = scene.labels.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), any_turn(rng), rng.uniform(0.6, 0.75))
    matrix[:, :2] *= np.exp(rng.normal(0, 0.08, (2, 1)))
    if rng.random() < 0.5:
        matrix[0] *= -1
        matrix[0, 2] += width
    photo = relit(rng, cv2.warpAffine(scene.photo, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE))
    moved = cv2.warpAffine(scene.labels, matrix, (width, height), flags=cv2.INTER_NEAREST)
    radius = int(rng.integers(0, 5))
    change = cv2.dilate if rng.random() < 0.5 else cv2.erode
    changed = change(moved, np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)).astype(bool)
    if rng.random() < 0.4:
        y, x = rng.uniform(0.1, 0.9, 2) * (height, width)
        half = rng.uniform(0.04, 0.15, 2) * (height, width)
        changed[max(0, int(y - half[0])) : int(y + half[0]), max(0, int(x - half[1])) : int(x + half[1])] = False
    return cut_out(photo, changed if changed.mean() > 0.005 else moved.astype(bool))
