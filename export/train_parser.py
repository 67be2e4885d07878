"""Trains the parser with mmsegmentation's Runner."""

from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.utils import import_modules_from_strings
from mmseg.registry import DATASETS, MODELS

from export.calibration import evenly
from export.curves import draw_curves, read_curves
from export.model_folder import FP32
from export.released_weights import load_released_parser
from segment_service.mmseg_loading import trusted_checkpoints

_PICTURES = 256
"""So many training pictures tell what the batch norms of a released network meet."""


def load_config(
    file: Path,
    work_dir: Path,
    street: Path,
    shop: Path | None = None,
    masks: Path | None = None,
    drawn: Path | None = None,
) -> Config:
    """A config with its folders filled in.

    Args:
        street: Clothing Co-Parsing; its held-out part validates.
        shop, masks: shop photos and their pseudo-masks, to train on as well.
        drawn: drawn photos with their masks, likewise.
    """
    config = Config.fromfile(file)
    config.work_dir = str(work_dir)
    training = config.train_dataloader.dataset
    training.street = config.val_dataloader.dataset.street = str(street)
    if masks is not None:
        training.shop, training.masks = str(shop), str(masks)
    if drawn is not None:
        training.drawn = str(drawn)
    return config


def train(config: Config, start_from: Path | None = None, resume: bool = False) -> Path:
    """Runs a config to its end, and draws how it went into the work_dir: ``curves.png``.

    Args:
        start_from: a checkpoint of an earlier stage, or a model folder that such a network was exported to.
        resume: go on from the newest checkpoint in the config's work_dir, if there is one.

    Returns:
        The last checkpoint. Its ``state_dict`` holds the averaged weights.
    """
    if start_from is not None:
        config.load_from = str(_released(config, start_from) if start_from.is_dir() else start_from)
    config.resume = resume
    with trusted_checkpoints():
        Runner.from_cfg(config).train()
    work_dir = Path(config.work_dir)
    draw_curves(read_curves(work_dir), work_dir / "curves.png")
    return Path((work_dir / "last_checkpoint").read_text().strip())


def _released(config: Config, folder: Path) -> Path:
    """A checkpoint of a model folder's weights, in the config's work_dir."""
    init_default_scope(config.default_scope)
    import_modules_from_strings(**config.custom_imports)
    network = MODELS.build(config.model)
    scenes = DATASETS.build(config.train_dataloader.dataset)
    pictures = [scenes[index]["inputs"].permute(1, 2, 0).numpy() for index in evenly(range(len(scenes)), _PICTURES)]
    load_released_parser(network, folder / FP32, np.stack(pictures))
    checkpoint = Path(config.work_dir) / "released.pth"
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"state_dict": network.state_dict()}, checkpoint)
    return checkpoint
