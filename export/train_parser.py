"""Trains the parser with mmsegmentation's Runner."""

from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from export.curves import draw_curves, read_curves
from segment_service.mmseg_loading import trusted_checkpoints


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
        start_from: a checkpoint of an earlier stage.
        resume: go on from the newest checkpoint in the config's work_dir, if there is one.

    Returns:
        The last checkpoint. Its ``state_dict`` holds the averaged weights.
    """
    if start_from is not None:
        config.load_from = str(start_from)
    config.resume = resume
    with trusted_checkpoints():
        Runner.from_cfg(config).train()
    work_dir = Path(config.work_dir)
    draw_curves(read_curves(work_dir), work_dir / "curves.png")
    return Path((work_dir / "last_checkpoint").read_text().strip())
