"""A learned projection → the embedder's model folder."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from export.calibration import evenly
from export.garment_views import SIDE, shop_cutout
from export.graphs import UNIT_LENGTH, EmbedderGraph
from export.model_folder import OUR_EMBEDDER, write_manifest
from export.onnx_files import Pictures
from export.parsing import Parser
from export.photos import read_photo, shop_photos
from export.precisions import write_precisions
from serving.images import fit_square

INT8_IN_FLOAT = ("/projection/", UNIT_LENGTH)
FP16_IN_FLOAT = (UNIT_LENGTH,)


def load_projection(file: Path) -> nn.Linear:
    state = torch.load(file, weights_only=True)
    projection = nn.Linear(state["weight"].shape[1], state["weight"].shape[0])
    projection.load_state_dict(state)
    return projection


def export_embedder(projection: nn.Linear, calibration: Pictures, folder: Path) -> None:
    """Writes the ONNX files and a manifest without figures; prints how the files agree.

    Raises:
        ValueError: they do not agree; see ``write_precisions``.
    """
    graph = EmbedderGraph(projection.out_features)
    graph.projection = projection
    write_precisions(graph, folder, "embedding", calibration, INT8_IN_FLOAT, FP16_IN_FLOAT)
    write_manifest(folder, replace(OUR_EMBEDDER, dimension=projection.out_features))


def calibration_pictures(parser: Parser, shop: Path, count: int = 128) -> Pictures:
    """Three quarters cutouts, a quarter whole photos: (count, 224, 224, 3)."""
    photos = [read_photo(file) for file, _ in evenly(shop_photos(shop), count)]
    return np.stack(
        [
            fit_square(photo, SIDE) if index % 4 == 0 else shop_cutout(parser, photo)
            for index, photo in enumerate(photos)
        ]
    )
