"""A trained embedder → its model folder."""

from pathlib import Path

import numpy as np
import torch

from export.calibration import evenly
from export.embedder import GarmentEmbedder
from export.garment_views import SIDE, shop_cutout
from export.model_folder import OUR_EMBEDDER, write_manifest
from export.onnx_files import Pictures
from export.parsing import Parser
from export.photos import read_photo, shop_photos
from export.precisions import write_precisions
from serving.images import fit_square

IN_FLOAT = ("/heads/",)


def load_embedder(file: Path) -> GarmentEmbedder:
    """What ``train-embedder`` wrote."""
    embedder = GarmentEmbedder(pretrained=False)
    embedder.load_state_dict(torch.load(file, weights_only=True))
    return embedder


def export_embedder(embedder: GarmentEmbedder, calibration: Pictures, folder: Path) -> None:
    """Writes the ONNX files and a manifest without figures; prints how the files agree.

    Raises:
        ValueError: they do not agree; see ``write_precisions``.
    """
    write_precisions(embedder, folder, "embedding", calibration, IN_FLOAT, IN_FLOAT)
    write_manifest(folder, OUR_EMBEDDER)


def calibration_pictures(parser: Parser, shop: Path, count: int = 128) -> Pictures:
    """Three quarters cutouts, a quarter whole photos: (count, 224, 224, 3)."""
    photos = [read_photo(file) for file, _ in evenly(shop_photos(shop), count)]
    return np.stack(
        [
            fit_square(photo, SIDE) if index % 4 == 0 else shop_cutout(parser, photo)
            for index, photo in enumerate(photos)
        ]
    )
