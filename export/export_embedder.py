"""A trained embedder → its model folder."""

from pathlib import Path

import numpy as np
import torch

from export.calibration import evenly
from export.embedder import GarmentEmbedder
from export.garment_views import PHOTO_SIDE, SIDE, cut_out, shop_cutout, true_garments
from export.model_folder import OUR_EMBEDDER, write_manifest
from export.onnx_files import Pictures
from export.parsing import Parser
from export.photos import read_photo, shop_photos, street_photos
from export.precisions import write_precisions
from export.scenes import Scene, shrink
from serving.images import fit_square

HEADS = "/heads/"
INT8_IN_FLOAT = (HEADS, "/stem/", "/frozen/frozen.0/")
"""The first layers' ranges are wide, and rounding there is felt in all that follows; float costs hardly more time."""


def load_embedder(file: Path) -> GarmentEmbedder:
    """What ``train-embedder`` or ``refine-embedder`` wrote."""
    embedder = GarmentEmbedder(pretrained=False)
    embedder.load_state_dict(torch.load(file, weights_only=True))
    return embedder


def export_embedder(embedder: GarmentEmbedder, calibration: Pictures, folder: Path) -> None:
    """Writes the ONNX files and a manifest without figures; prints how the files agree.

    Raises:
        ValueError: they do not agree; see ``write_precisions``.
    """
    write_precisions(embedder, folder, "embedding", calibration, INT8_IN_FLOAT, (HEADS,))
    write_manifest(folder, OUR_EMBEDDER)


def calibration_pictures(parser: Parser, street: Path, shop: Path, count: int = 256) -> Pictures:
    """Half street garments by their true masks, half shop photos, every fourth of these whole: (count, 224, 224, 3)."""
    pictures = []
    for index, (file, _) in enumerate(evenly(shop_photos(shop), count // 2)):
        photo = read_photo(file)
        pictures.append(fit_square(photo, SIDE) if index % 4 == 0 else shop_cutout(parser, photo))
    for labelled in evenly(street_photos(street, held_out=False), count - count // 2):
        scene = shrink(Scene(*labelled.read()), PHOTO_SIDE)
        pictures += [cut_out(scene.photo, scene.labels == label) for label in true_garments(scene)[:1]]
    return np.stack(pictures)
