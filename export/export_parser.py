"""A checkpoint of mmsegmentation → a parser's model folder."""

from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from mmengine.utils import import_modules_from_strings
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS
from torch import nn

from export.calibration import evenly, photos_below
from export.model_folder import Description, write_manifest
from export.onnx_files import Pictures
from export.parser_graphs import ParserGraph, WholeParserGraph, fits_lean_graph
from export.photos import read_photo, shop_photos, street_photos
from export.pooling import with_exportable_pools
from export.precisions import write_precisions
from segment_service.mmseg_loading import trusted_checkpoints
from serving.images import letterbox


def load_parser(config: Config, checkpoint: Path) -> EncoderDecoder:
    """The network with a checkpoint's averaged weights; its ``dataset_meta`` is what the checkpoint tells of its data.

    Changes the config: nothing is fetched that the checkpoint replaces.
    """
    init_default_scope(config.get("default_scope") or "mmseg")
    import_modules_from_strings(**config.get("custom_imports", {"imports": []}))
    if config.model.backbone.type == "EfficientNetLite0":
        config.model.backbone.pretrained = False
    elif config.model.get("pretrained"):
        config.model.pretrained = None
    model = MODELS.build(config.model)
    with trusted_checkpoints():
        meta = load_checkpoint(model, str(checkpoint), map_location="cpu", strict=True).get("meta", {})
    model.dataset_meta = meta.get("dataset_meta") or {"classes": meta.get("CLASSES")}
    return model.eval()


def export_parser(
    model: EncoderDecoder, bgr: bool, description: Description, calibration: Pictures, folder: Path
) -> None:
    """Writes the ONNX files and a manifest without figures; prints how the files agree.

    Args:
        bgr: the model's data_preprocessor is fed blue first.

    Raises:
        ValueError: the decode head gives other logits than are served, or the files do not agree.
    """
    whole = WholeParserGraph(model, bgr).eval()
    _check_logits(whole, len(description.labels), description.size)
    graph = ParserGraph(model, bgr) if fits_lean_graph(model) else WholeParserGraph(with_exportable_pools(model), bgr)
    write_precisions(graph, folder, "logits", calibration, int8_in_float=graph.in_float, reference=whole)
    write_manifest(folder, description)


def calibration_pictures(street: Path | None, shop: Path, size: tuple[int, int], count: int = 128) -> Pictures:
    """Half street, half shop, none of them held out, or any photos of one folder: (count, height, width, 3)."""
    if street is None:
        files = evenly(photos_below(shop), count)
    else:
        files = [labelled.photo for labelled in evenly(street_photos(street, held_out=False), count // 2)]
        files += [file for file, _ in evenly(shop_photos(shop), count - count // 2)]
    return np.stack([letterbox(read_photo(file), *size)[0] for file in files])


def _check_logits(graph: nn.Module, labels: int, size: tuple[int, int]) -> None:
    """The services take a score for each label on a grid of square cells."""
    with torch.no_grad():
        logits = graph(torch.zeros(1, *size, 3, dtype=torch.uint8))
    if not isinstance(logits, torch.Tensor) or logits.ndim != 4 or logits.shape[1] != labels:
        given = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise ValueError(
            f"the decode head gives {given}, scores for {labels} classes are needed: (1, {labels}, rows, columns)"
        )
    rows, columns = logits.shape[2:]
    if size[0] * columns != size[1] * rows:
        raise ValueError(
            f"the decode head gives {rows} × {columns} logits for {size[0]} × {size[1]} pixels, whose cells are no "
            "squares: choose a height and a width that its stride divides, mostly multiples of 32"
        )
