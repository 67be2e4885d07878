"""What a parser's manifest says, read from an mmsegmentation config and checkpoint."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config
from mmseg.registry import DATASETS

from export.model_folder import PARSER_DATA, PARSER_LICENSE, Description
from segment_service.parser import choose_garments

_LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")
_OUR_DATASET = "ParserDataset"


def describe_parser(
    config: Config,
    dataset_meta: Mapping[str, Any],
    size: tuple[int, int],
    garments: str = "",
    license: str = "",
    data: Sequence[str] = (),
) -> Description:
    """A manifest's words for a checkpoint.

    Args:
        dataset_meta: of the checkpoint.
        garments: as ``choose_garments`` takes them.
        license, data: empty: those of this project's parser, where the config is one of its own.

    Raises:
        ValueError: the classes, the licence or the data are not known.
        ModelError: none of the classes is a garment; see ``choose_garments``.
    """
    labels = class_names(config, dataset_meta)
    if not (license and data):
        if _OUR_DATASET not in _datasets(config):
            raise ValueError("say what the checkpoint's licence is and which data it was trained on: --license, --data")
        license, data = license or PARSER_LICENSE, data or PARSER_DATA
    return Description("segment", size, license, tuple(data), labels, choose_garments(labels, garments))


def class_names(config: Config, dataset_meta: Mapping[str, Any]) -> list[str]:
    """The checkpoint's, else those of the config's data sets, else those that a data set of mmsegmentation has.

    Raises:
        ValueError: none of them names its classes.
    """
    found = [dataset_meta.get("classes")]
    for name, dataset in _datasets(config).items():
        found.append((dataset.get("metainfo") or {}).get("classes"))
        found.append(getattr(DATASETS.get(name), "METAINFO", {}).get("classes"))
    for classes in found:
        if classes:
            return [str(name) for name in classes]
    raise ValueError("neither the checkpoint's meta.dataset_meta nor the config's data sets name their classes")


def input_size(config: Config, height: int = 0, width: int = 0) -> tuple[int, int]:
    """(height, width): those given, else the data_preprocessor's size, else the config's ``crop_size``.

    Raises:
        ValueError: neither the config nor the caller says it.
    """
    if height and width:
        return height, width
    for size in (config.model.get("data_preprocessor", {}).get("size"), config.get("crop_size")):
        match size:
            case (int(rows), int(columns)):
                return rows, columns
            case int(side):
                return side, side
    raise ValueError(
        "the config has neither model.data_preprocessor.size nor crop_size: say the size that the model was trained "
        "on: --height, --width"
    )


def _datasets(config: Config) -> dict[str, Mapping[str, Any]]:
    """By their type, those inside of others too."""
    waiting = [(config.get(loader) or {}).get("dataset") for loader in _LOADERS]
    found: dict[str, Mapping[str, Any]] = {}
    while waiting:
        dataset = waiting.pop(0)
        if isinstance(dataset, Mapping):
            found.setdefault(str(dataset.get("type")), dataset)
            inner = dataset.get("datasets") or [dataset.get("dataset")]
            waiting.extend(inner)
    return found
