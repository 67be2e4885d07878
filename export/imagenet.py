"""A network with ImageNet weights → an embedder's model folder: its features, not trained further."""

from pathlib import Path
from urllib.error import URLError

import numpy as np
import torchvision
from torch import nn

from export.backbone import LITES, Backbone, lite_backbone
from export.calibration import evenly, photos_below
from export.graphs import UNIT_LENGTH, FeaturesGraph
from export.imagenet_card import write_card
from export.model_folder import Description, write_manifest
from export.onnx_files import Pictures
from export.photos import read_photo
from export.precisions import write_precisions
from serving.images import fit_square

TORCHVISION = "torchvision:"
RANDOM = "none: random weights, for tests"


def load_backbone(name: str, pretrained: bool = True) -> Backbone:
    """A network whose last layer, the classifier, is taken off: what that layer was given is the features.

    Args:
        name: one of ``backbone_names``.

    Raises:
        ValueError: there is no such network.
        OSError: its weights cannot be fetched.
    """
    if name not in backbone_names():
        raise ValueError(f"{name!r} is no backbone; there are {', '.join(backbone_names())}")
    if name in LITES:
        return lite_backbone(name, pretrained)
    return _torchvision_backbone(name, pretrained)


def backbone_names() -> list[str]:
    """EfficientNet-Lites, and torchvision's classifiers that end in a linear layer: all but the SqueezeNets."""
    models = torchvision.models.list_models(module=torchvision.models, exclude="squeezenet*")
    return [*LITES, *(f"{TORCHVISION}{name}" for name in models)]


def export_backbone(backbone: Backbone, pretrained: bool, calibration: Pictures, folder: Path) -> None:
    """Writes the ONNX files, a manifest without figures and a model card; prints how the files agree.

    Raises:
        ValueError: they do not agree; see ``write_precisions``.
    """
    graph = FeaturesGraph(backbone)
    agreement = write_precisions(graph, folder, "embedding", calibration, (UNIT_LENGTH,), (UNIT_LENGTH,))
    data = backbone.data if pretrained else RANDOM
    write_card(folder, backbone, data, len(calibration), agreement)
    size = (backbone.side, backbone.side)
    write_manifest(folder, Description("embed", size, backbone.license, [data], dimension=backbone.features))


def calibration_pictures(shop: Path, side: int, count: int = 128) -> Pictures:
    """Whole photos, each fitted into a white square: (count, side, side, 3)."""
    return np.stack([fit_square(read_photo(file), side) for file in evenly(photos_below(shop), count)])


def _torchvision_backbone(name: str, pretrained: bool) -> Backbone:
    model = name.removeprefix(TORCHVISION)
    weights = torchvision.models.get_model_weights(model).DEFAULT
    try:
        network = torchvision.models.get_model(model, weights=weights if pretrained else None)
    except URLError as error:
        raise OSError(
            f"{weights.url}: {error.reason}: fetch it elsewhere, and put it into the folder hub/checkpoints of "
            "$TORCH_HOME (~/.cache/torch)"
        ) from error
    layer, classifier = [(path, part) for path, part in network.named_modules() if isinstance(part, nn.Linear)][-1]
    network.set_submodule(layer, nn.Identity())
    picture = weights.transforms()
    return Backbone(
        name=name,
        network=network,
        features=classifier.in_features,
        side=picture.crop_size[0],
        mean=[255 * value for value in picture.mean],
        std=[255 * value for value in picture.std],
        license="BSD-3-Clause",
        data=f"ImageNet-1k, through torchvision's weights {weights}",
    )
