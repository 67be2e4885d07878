"""A checkpoint of the parser → a model folder."""

from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from mmengine.utils import import_modules_from_strings
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS

from export.calibration import evenly
from export.graphs import ParserGraph
from export.model_folder import FP32, INT8, write_parser_manifest
from export.onnx_files import Pictures, cosine, parity, run, write_int8, write_onnx
from export.photos import read_photo, shop_photos, street_photos
from segment_service.mmseg_loading import trusted_checkpoints
from serving.images import letterbox

MAX_DIFFERENCE = 1e-3
IN_FLOAT = ("/classifier/",)
"""The last layer stays in float: near ties between labels decide a garment's outline."""


def load_parser(config: Config, checkpoint: Path) -> EncoderDecoder:
    """The network with a checkpoint's averaged weights."""
    init_default_scope(config.default_scope)
    import_modules_from_strings(**config.custom_imports)
    config.model.backbone.pretrained = False
    model = MODELS.build(config.model)
    with trusted_checkpoints():
        load_checkpoint(model, str(checkpoint), map_location="cpu", strict=True)
    return model.eval()


def export_parser(config: Config, checkpoint: Path, calibration: Pictures, folder: Path) -> None:
    """Writes both ONNX files and a manifest without figures; prints how far they are from PyTorch.

    Raises:
        ValueError: the file's outputs differ from PyTorch's by more than ``MAX_DIFFERENCE``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    graph = ParserGraph(load_parser(config, checkpoint))
    height, width = calibration.shape[1:3]
    write_onnx(graph, folder / FP32, "logits", height, width)
    difference = parity(graph, folder / FP32, calibration[:8])
    print(f"largest difference between PyTorch and {FP32}: {difference:.2e}")
    if difference > MAX_DIFFERENCE:
        raise ValueError(f"{folder / FP32}: differs from PyTorch by {difference:.2e}, more than {MAX_DIFFERENCE}")
    write_int8(folder / FP32, folder / INT8, calibration, IN_FLOAT)
    print(f"cosine of {INT8} to {FP32}: {_agreement(folder, calibration[:16]):.4f}")
    write_parser_manifest(folder, {})


def calibration_pictures(street: Path, shop: Path, size: tuple[int, int], count: int = 128) -> Pictures:
    """Half street, half shop, none of them held out: (count, height, width, 3)."""
    files = [labelled.photo for labelled in evenly(street_photos(street, held_out=False), count // 2)]
    files += [file for file, _ in evenly(shop_photos(shop), count - count // 2)]
    return np.stack([letterbox(read_photo(file), *size)[0] for file in files])


def _agreement(folder: Path, pictures: Pictures) -> float:
    with torch.no_grad():
        return cosine(run(folder / FP32, pictures), run(folder / INT8, pictures))
