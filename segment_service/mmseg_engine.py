"""Any EncoderDecoder of mmsegmentation, by its config and checkpoint. The one place in the services for torch."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from numpy.typing import NDArray
from torch.nn import functional

from segment_service.mmseg_loading import trusted_checkpoints
from segment_service.parser import choose_garments
from segment_service.settings import Settings
from serving.cpus import available_cpus
from serving.engine import Loaded
from serving.images import Raster
from serving.models import InputSize, Manifest, ModelError, ModelFile, ServedModel

_STRIDE = 4


class MmsegEngine:
    """A network that only computes, and so may be shared: pictures in, its decode head's logits out."""

    def __init__(self, network: Any, device: str, labels: int, bgr: bool) -> None:
        self._network = network.to(device).eval()
        self._labels = labels
        self._bgr = bgr

    def run(self, pictures: Raster) -> NDArray[np.float32]:
        """(n, height, width, 3) uint8 RGB → (n, labels, height / 4, width / 4) float32.

        Raises:
            ModelError: the decode head gives something else than a score for each label.
        """
        size = [pictures.shape[1] // _STRIDE, pictures.shape[2] // _STRIDE]
        given = pictures[..., ::-1] if self._bgr else pictures
        with torch.inference_mode():
            planes = torch.from_numpy(np.ascontiguousarray(given.transpose(0, 3, 1, 2)))
            inputs = self._network.data_preprocessor({"inputs": list(planes)})["inputs"]
            logits = self._network(inputs, mode="tensor")
            if not isinstance(logits, torch.Tensor) or logits.ndim != 4 or logits.shape[1] != self._labels:
                raise ModelError(
                    f"SEGMENT_CONFIG: its decode head gives no score for each of the checkpoint's {self._labels} "
                    "classes: an EncoderDecoder with as many num_classes is needed"
                )
            if list(logits.shape[2:]) != size:  # many heads stop at 1/8
                logits = functional.interpolate(logits, size=size, mode="bilinear")
            output: NDArray[np.float32] = logits.float().cpu().numpy()
        return output


def load_mmseg(settings: Settings) -> Loaded:
    """One network for all engines. On a CPU one engine has all cores, unless the settings name a number of engines.

    Raises:
        ModelError: the device is not there, or the files are not what they must be.
    """
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise ModelError("SEGMENT_DEVICE=cuda: torch finds no CUDA device here: set it to cpu, or install the driver")
    config = _read_config(settings.config)
    size = _input_size(config)
    checkpoint = _read_checkpoint(settings.checkpoint)
    labels = _classes(checkpoint, settings.checkpoint)
    garments = choose_garments(labels, settings.garments)
    network = _build(config, checkpoint, settings)
    instances = settings.instances or 1
    torch.set_num_threads(max(1, available_cpus() // instances))  # for the whole process, each engine as many
    engine = MmsegEngine(network, settings.device, len(labels), takes_bgr(config))
    return Loaded(_describe(settings, config, size, labels, garments), [engine] * instances)


def _describe(
    settings: Settings, config: Config, size: InputSize, labels: list[str], garments: list[str]
) -> ServedModel:
    file = Path(settings.checkpoint)
    with file.open("rb") as stream:
        weights = hashlib.file_digest(stream, "sha256").hexdigest()
        stream.seek(0)
        # The config by its values: its text, as mmengine joins it, holds the paths of this machine.
        whole = hashlib.sha256(json.dumps(config.to_dict(), default=str).encode())
        while block := stream.read(1 << 20):
            whole.update(block)
    manifest = Manifest(
        name=Path(settings.config).stem,
        version=file.stem,
        kind="segment",
        input=size,
        files={"fp32": ModelFile(path=file.name, sha256=weights)},
        license="",
        data=[],
        quality={},
        labels=labels,
        garments=garments,
    )
    return ServedModel(manifest=manifest, file=file, digest=whole.hexdigest(), precision="fp32")


def _read_config(file: str) -> Config:
    try:
        return Config.fromfile(file)
    except Exception as error:  # a config is Python: it may raise anything
        raise ModelError(f"SEGMENT_CONFIG: {file} cannot be read: {error!r}") from error


def _input_size(config: Config) -> InputSize:
    match (config.get("model") or {}).get("data_preprocessor", {}).get("size"):
        case (int(height), int(width)):
            return InputSize(height=height, width=width)
        case other:
            raise ModelError(
                f"SEGMENT_CONFIG: model.data_preprocessor.size is {other!r}: set it to (height, width) in the config, "
                "the size of the pictures that the model was trained on"
            )


def _read_checkpoint(file: str) -> dict[str, Any]:
    try:
        with trusted_checkpoints():
            checkpoint = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch, pickle and zip each have their own
        # torch goes on to advise weights_only=False, which would run what the file says
        why = str(error).rpartition("WeightsUnpickler error:")[2].strip().split("\n")[0]
        raise ModelError(
            f"SEGMENT_CHECKPOINT: {file} cannot be read, or holds more than mmengine stores: {why}"
        ) from error
    if not isinstance(checkpoint, dict) or "state_dict" not in checkpoint:
        raise ModelError(f"SEGMENT_CHECKPOINT: {file} has no state_dict: a checkpoint that mmengine wrote is needed")
    return checkpoint


def _classes(checkpoint: dict[str, Any], file: str) -> list[str]:
    classes = (checkpoint.get("meta", {}).get("dataset_meta") or {}).get("classes")
    if not classes:
        raise ModelError(
            f"SEGMENT_CHECKPOINT: {file} does not name its classes in meta.dataset_meta.classes: "
            "add them there, or train with a data set whose METAINFO has them"
        )
    return [str(name) for name in classes]


def _build(config: Config, checkpoint: dict[str, Any], settings: Settings) -> Any:
    init_default_scope(config.get("default_scope") or "mmseg")
    config.model.data_preprocessor.pop("test_cfg", None)  # it pads; pictures come at the full size
    try:
        network = MODELS.build(config.model)
    except Exception as error:  # the config's classes may raise anything
        raise ModelError(f"SEGMENT_CONFIG: its model cannot be built: {error}") from error
    weights = {name.removeprefix("module."): value for name, value in checkpoint["state_dict"].items()}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelError(
            f"SEGMENT_CHECKPOINT: {settings.checkpoint} is not of the model in {settings.config}: {error}"
        ) from error
    return network


def takes_bgr(config: Config) -> bool:
    """Whether the config's pipeline feeds its data_preprocessor BGR, as mmcv's own loader does."""
    preprocessor = config.model.data_preprocessor
    if preprocessor.get("bgr_to_rgb") or preprocessor.get("rgb_to_bgr"):
        return bool(preprocessor.get("bgr_to_rgb"))
    return "LoadImageFromFile" in json.dumps(config.to_dict(), default=str)
