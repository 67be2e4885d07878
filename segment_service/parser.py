"""The parser that the settings name, loaded by its engine."""

from collections.abc import Sequence
from pathlib import Path

from segment_service.labels import GARMENTS
from segment_service.mmseg_loading import stand_in
from segment_service.settings import Settings
from serving.engine import Loaded
from serving.models import ModelError
from serving.onnx_engine import load_onnx

_FILES = {"SEGMENT_CONFIG": "config", "SEGMENT_CHECKPOINT": "checkpoint"}


def load_parser(settings: Settings) -> Loaded:
    """Raises:
    ModelError: the settings do not fit each other, or the model cannot be loaded by them.
    """
    return _load_mmseg(settings) if settings.engine == "mmseg" else _load_onnx(settings)


def choose_garments(classes: Sequence[str], asked: str) -> list[str]:
    """Those of a checkpoint's classes that are garments, in the classes' order.

    Args:
        asked: names separated by commas; empty: those in ``GARMENTS``.
    """
    names = {name.strip() for name in asked.split(",") if name.strip()}
    if unknown := sorted(names - set(classes)):
        raise ModelError(
            f"SEGMENT_GARMENTS: {', '.join(unknown)}: not among the checkpoint's classes {', '.join(classes)}"
        )
    garments = [name for name in classes if name in (names or GARMENTS)]
    if not garments:
        raise ModelError(
            f"none of the checkpoint's classes {', '.join(classes)} is a garment by its name: "
            "set SEGMENT_GARMENTS to those that are, separated by commas"
        )
    return garments


def _load_onnx(settings: Settings) -> Loaded:
    for variable in (*_FILES, "SEGMENT_GARMENTS"):
        if getattr(settings, _FILES.get(variable, "garments")):
            raise ModelError(f"{variable} is for the mmseg engine only: set SEGMENT_ENGINE=mmseg, or leave it empty")
    return load_onnx(settings, kind="segment", model=settings.model, output="logits")


def _load_mmseg(settings: Settings) -> Loaded:
    for variable, field in _FILES.items():
        file = getattr(settings, field)
        if not file:
            raise ModelError(f"{variable} is empty: SEGMENT_ENGINE=mmseg needs the path of the model's {field} file")
        if not Path(file).is_file():
            raise ModelError(f"{variable}: there is no file {file}: set it to the model's {field} file")
    if settings.device == "tensorrt":
        raise ModelError("SEGMENT_DEVICE=tensorrt: the mmseg engine runs on cpu or cuda: set it to one of these")
    if settings.precision not in ("auto", "fp32"):
        raise ModelError(
            f"SEGMENT_PRECISION={settings.precision}: the mmseg engine computes in fp32: set it to auto or fp32"
        )
    try:
        stand_in()
        from segment_service.mmseg_engine import load_mmseg
    except ImportError as error:
        raise ModelError(
            f"SEGMENT_ENGINE=mmseg needs torch and mmsegmentation ({error}): install the `mmseg` extra, "
            "or set SEGMENT_ENGINE=onnx"
        ) from error
    return load_mmseg(settings)
