"""The garment embedder: EfficientNet-Lite0 tuned to garments, and two heads.

One head tells the kind of garment, the other tells garments of a kind apart. Their unit vectors, joined with fixed
weights, are the embedding: neither signal has to give way to the other in the same numbers, and the squared distance
between embeddings is the weighted mean of the two.
"""

import torch
from torch import Tensor, nn

from export.backbone import FEATURES, LITE0, MEAN, STD, load_lite
from export.graphs import Normalise, UnitLength
from export.model_folder import DIMENSION

KIND_DIMENSION = 64
_FROZEN_BLOCKS = 2
"""Edges and textures are known from ImageNet."""


class Heads(nn.Module):
    """
    Args:
        kind_share: of the squared distance between two embeddings, what their kinds contribute, in [0, 1].
    """

    mean: Tensor
    spread: Tensor
    kind_share: Tensor

    def __init__(self, kind_share: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("spread", torch.ones(FEATURES))
        self.register_buffer("kind_share", torch.tensor(kind_share))
        self.kind = nn.Linear(FEATURES, KIND_DIMENSION)
        self.instance = nn.Linear(FEATURES, DIMENSION - KIND_DIMENSION)
        self.unit_length = UnitLength()

    def standardise(self, features: Tensor) -> None:
        """From now on features are shifted and scaled to mean 0 and spread 1 over these, (n, 1280)."""
        self.mean.copy_(features.mean(dim=0))
        self.spread.copy_(features.std(dim=0) + 1e-3)

    def parts(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 1280) → kind (n, 64) and instance (n, 192), each of unit length."""
        standard = (features - self.mean) / self.spread
        return self.unit_length(self.kind(standard)), self.unit_length(self.instance(standard))

    def joined(self, kind: Tensor, instance: Tensor) -> Tensor:
        """The embedding of these parts: (n, 256), unit length."""
        return torch.cat([kind * self.kind_share.sqrt(), instance * (1 - self.kind_share).sqrt()], dim=1)

    def forward(self, features: Tensor) -> Tensor:
        """(n, 1280) → (n, 256), unit length."""
        return self.joined(*self.parts(features))


class GarmentEmbedder(nn.Module):
    """(n, 224, 224, 3) uint8 RGB → (n, 256), unit length."""

    def __init__(self, kind_share: float = 0.0, pretrained: bool = True) -> None:
        super().__init__()
        network = load_lite(LITE0, pretrained)
        self.normalise = Normalise([MEAN] * 3, [STD] * 3)
        self.stem = nn.Sequential(network._conv_stem, network._bn0, nn.ReLU6())
        self.frozen = nn.Sequential(*network._blocks[:_FROZEN_BLOCKS])
        for part in (self.stem, self.frozen):
            part.requires_grad_(False)
        self.tuned = nn.Sequential(*network._blocks[_FROZEN_BLOCKS:])
        self.last = nn.Sequential(network._conv_head, network._bn1, nn.ReLU6())
        self.heads = Heads(kind_share)

    def maps(self, image: Tensor) -> Tensor:
        """(n, 224, 224, 3) RGB in 0 … 255 → (n, 320, 7, 7)."""
        return self.tuned(self.frozen(self.stem(self.normalise(image))))

    def pooled(self, maps: Tensor) -> Tensor:
        """(n, 320, 7, 7) → (n, 1280)."""
        return self.last(maps).mean(dim=(2, 3))

    def forward(self, image: Tensor) -> Tensor:
        return self.heads(self.pooled(self.maps(image)))
