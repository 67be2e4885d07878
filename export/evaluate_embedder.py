"""How good an exported embedder is, behind an exported parser."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from export.garment_views import PHOTO_SIDE, RULES, cut_out, query_photo, shop_cutout, true_garments
from export.onnx_files import Floats, Pictures, open_session, run
from export.parsing import Parser
from export.photos import Labelled, read_photo, shop_photos, street_photos
from export.scenes import Scene, shrink
from segment_service.garments import Garment
from serving.images import Raster, fit_square

Names = NDArray[np.str_]


def picture_side(embedder: Path) -> int:
    """Of the square pictures that an embedder's file takes, in pixels."""
    side: int = open_session(embedder).get_inputs()[0].shape[1]
    return side


def shop_pictures(parser: Parser, shop: Path, side: int, whole: bool = False) -> tuple[Pictures, Names]:
    """Cutouts of the largest garments, or whole photos; and the names of their folders."""
    photos = shop_photos(shop)
    pictures = [
        fit_square(read_photo(file), side) if whole else shop_cutout(parser, read_photo(file), side)
        for file, _ in photos
    ]
    return np.stack(pictures), np.array([name for _, name in photos])


def folder_scores(queries: Floats, wanted: Names, gallery: Floats, names: Names) -> dict[str, float]:
    """Precision of the first 1 and 5, and mean average precision over the whole gallery."""
    order = np.argsort(-queries @ gallery.T, axis=1, kind="stable")
    right = names[order] == wanted[:, None]
    hits = right.cumsum(axis=1) / np.arange(1, right.shape[1] + 1)
    average = (hits * right).sum(axis=1) / right.sum(axis=1).clip(min=1)
    return {
        "precision_at_1": float(right[:, 0].mean()),
        "precision_at_5": float(right[:, :5].mean()),
        "mean_average_precision": float(average.mean()),
    }


def street_scores(parser: Parser, embedder: Path, street: Path, seed: int = 0) -> dict[str, float]:
    """People put on other streets, parsed, and searched among all garments cut out by their true masks.

    Returns:
        The shares of the held-out photos' garments that are first, and among the first 5, for any garment found; the
        same with alternatives.
    """
    rng = default_rng(seed)
    held_out = street_photos(street, held_out=True)
    side = picture_side(embedder)
    gallery, owners = _true_cutouts([*held_out, *street_photos(street, held_out=False)], side)
    gallery_vectors = run(embedder, np.stack(gallery))
    total = 0
    hits = Counter[str]()
    for index, labelled in enumerate(held_out):
        scene = _scene(labelled)
        other = _scene(held_out[int(rng.integers(len(held_out)))])
        moved = query_photo(rng, scene, other)
        garments = parser.garments(moved.photo, RULES, alternatives=True)
        wanted = {position for position, owner in enumerate(owners) if owner == index}
        total += len(wanted)
        if not garments:
            continue
        cutouts = np.stack([garment.cutout(moved.photo, side, RULES) for garment in garments])
        similarity = run(embedder, cutouts) @ gallery_vectors.T
        wholes = similarity[[not garment.alternative for garment in garments]]
        for what, found in (("", wholes), ("_with_alternatives", by_category(garments, similarity))):
            nearest = np.argsort(-found, axis=1)
            for depth in (1, 5):
                hits[f"street_hit_at_{depth}{what}"] += len(wanted & set(nearest[:, :depth].ravel().tolist()))
    return {figure: count / total for figure, count in hits.items()}


def by_category(garments: Sequence[Garment], similarity: Floats) -> Floats:
    """Joins what the cutouts of one category find, as the gateway does where alternatives are asked for.

    Args:
        similarity: (garments, gallery).

    Returns:
        (categories, gallery): the largest of each category; categories in the order in which they come.
    """
    categories = np.array([garment.category for garment in garments])
    return np.stack([similarity[categories == category].max(axis=0) for category in dict.fromkeys(categories)])


def _true_cutouts(photos: Sequence[Labelled], side: int) -> tuple[list[Raster], list[int]]:
    pictures, owners = [], []
    for index, labelled in enumerate(photos):
        scene = _scene(labelled)
        for label in true_garments(scene):
            pictures.append(cut_out(scene.photo, scene.labels == label, side))
            owners.append(index)
    return pictures, owners


def _scene(labelled: Labelled) -> Scene:
    return shrink(Scene(*labelled.read()), PHOTO_SIDE)
