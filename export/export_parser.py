"""A checkpoint of the parser → a model folder."""

from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from mmengine.utils import import_modules_from_strings
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS

from export.calibration import evenly
from export.graphs import ParserGraph
from export.model_folder import OUR_PARSER, write_manifest
from export.onnx_files import Pictures
from export.photos import read_photo, shop_photos, street_photos
from export.precisions import write_precisions
from segment_service.mmseg_loading import trusted_checkpoints
from serving.images import letterbox

INT8_IN_FLOAT = ("/classifier/",)
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
    """Writes the ONNX files and a manifest without figures; prints how the files agree.

    Raises:
        ValueError: they do not agree; see ``write_precisions``.
    """
    write_precisions(ParserGraph(load_parser(config, checkpoint)), folder, "logits", calibration, INT8_IN_FLOAT)
    write_manifest(folder, OUR_PARSER)


def calibration_pictures(street: Path, shop: Path, size: tuple[int, int], count: int = 128) -> Pictures:
    """Half street, half shop, none of them held out: (count, height, width, 3)."""
    files = [labelled.photo for labelled in evenly(street_photos(street, held_out=False), count // 2)]
    files += [file for file, _ in evenly(shop_photos(shop), count - count // 2)]
    return np.stack([letterbox(read_photo(file), *size)[0] for file in files])
