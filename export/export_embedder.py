"""A learned projection → the embedder's model folder."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from export.calibration import evenly
from export.garment_views import SIDE, shop_cutout
from export.graphs import EmbedderGraph
from export.model_folder import DIMENSION, FP32, INT8, write_embedder_manifest
from export.onnx_files import Pictures, cosine, parity, run, write_int8, write_onnx
from export.parsing import Parser
from export.photos import read_photo, shop_photos
from serving.images import fit_square

MAX_DIFFERENCE = 1e-4
IN_FLOAT = ("/projection/",)


def load_projection(file: Path) -> nn.Linear:
    state = torch.load(file, weights_only=True)
    projection = nn.Linear(state["weight"].shape[1], state["weight"].shape[0])
    projection.load_state_dict(state)
    return projection


def export_embedder(projection: nn.Linear, calibration: Pictures, folder: Path) -> None:
    """Writes both ONNX files and a manifest without figures; prints how far they are from PyTorch.

    Raises:
        ValueError: the file's outputs differ from PyTorch's by more than ``MAX_DIFFERENCE``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    graph = EmbedderGraph(DIMENSION)
    graph.projection = projection
    write_onnx(graph, folder / FP32, "embedding", SIDE, SIDE)
    difference = parity(graph, folder / FP32, calibration[:8])
    print(f"largest difference between PyTorch and {FP32}: {difference:.2e}")
    if difference > MAX_DIFFERENCE:
        raise ValueError(f"{folder / FP32}: differs from PyTorch by {difference:.2e}, more than {MAX_DIFFERENCE}")
    write_int8(folder / FP32, folder / INT8, calibration, IN_FLOAT)
    pictures = calibration[:32]
    print(f"cosine of {INT8} to {FP32}: {cosine(run(folder / FP32, pictures), run(folder / INT8, pictures)):.4f}")
    write_embedder_manifest(folder, {})


def calibration_pictures(parser: Parser, shop: Path, count: int = 128) -> Pictures:
    """Three quarters cutouts, a quarter whole photos: (count, 224, 224, 3)."""
    photos = [read_photo(file) for file, _ in evenly(shop_photos(shop), count)]
    return np.stack(
        [
            fit_square(photo, SIDE) if index % 4 == 0 else shop_cutout(parser, photo)
            for index, photo in enumerate(photos)
        ]
    )
