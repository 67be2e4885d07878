"""The garment embedder: EfficientNet-Lite0 whose last block is tuned to garments, and two heads.

One head tells the kind of garment, the other tells garments of a kind apart. Their unit vectors, joined with fixed
weights, are the embedding: neither signal has to give way to the other in the same numbers, and the Euclidean distance
between embeddings is the weighted mean of the two.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.backbone import FEATURES, LITE0, MEAN, STD, load_lite
from export.graphs import Normalise

KIND_DIMENSION = 64
INSTANCE_DIMENSION = 192
_FROZEN_BLOCKS = 15


class GarmentEmbedder(nn.Module):
    """
    Args:
        kind_share: of the squared distance between two embeddings, what the kinds contribute, in [0, 1].
    """

    def __init__(self, kind_share: float, pretrained: bool = True) -> None:
        super().__init__()
        network = load_lite(LITE0, pretrained)
        self.normalise = Normalise([MEAN] * 3, [STD] * 3)
        self.stem = nn.Sequential(network._conv_stem, network._bn0, nn.ReLU6())
        self.frozen = nn.Sequential(*network._blocks[:_FROZEN_BLOCKS])
        self.tuned = nn.Sequential(*network._blocks[_FROZEN_BLOCKS:], network._conv_head, network._bn1, nn.ReLU6())
        self.kind = nn.Linear(FEATURES, KIND_DIMENSION)
        self.instance = nn.Linear(FEATURES, INSTANCE_DIMENSION)
        self.register_buffer("kind_share", torch.tensor(kind_share))
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("spread", torch.ones(FEATURES))

    def standardise(self, features: Tensor) -> None:
        """From now on the heads see features with mean 0 and spread 1 over these, (n, 1280)."""
        self.mean.copy_(features.mean(dim=0))
        self.spread.copy_(features.std(dim=0) + 1e-3)

    def maps(self, image: Tensor) -> Tensor:
        """(n, 224, 224, 3) uint8 RGB → (n, 192, 7, 7), by the frozen part."""
        return self.frozen(self.stem(self.normalise(image)))

    def features(self, maps: Tensor) -> Tensor:
        """(n, 192, 7, 7) → (n, 1280), by the tuned part."""
        return self.tuned(maps).mean(dim=(2, 3))

    def parts(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 1280) → kind (n, 64) and instance (n, 192), each of unit length."""
        standard = (features - self.mean) / self.spread
        return functional.normalize(self.kind(standard), dim=1), functional.normalize(self.instance(standard), dim=1)

    def forward(self, image: Tensor) -> Tensor:
        """(n, 224, 224, 3) uint8 RGB → (n, 256), unit length."""
        kind, instance = self.parts(self.features(self.maps(image)))
        share = self.kind_share
        return torch.cat([kind * share.sqrt(), instance * (1 - share).sqrt()], dim=1)
