"""What is exported: networks that take uint8 pictures and give what the services use."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.backbone import Backbone

UNIT_LENGTH = "/unit_length/"
"""How the names of the nodes begin that scale vectors to unit length."""


class Normalise(nn.Module):
    """Pictures as the services send them → pictures as a network was trained on.

    Args:
        mean, std: of each channel, in 0 … 255, in the network's order.
        bgr: the network takes blue first.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float], bgr: bool = False) -> None:
        super().__init__()
        self.register_buffer("mean", _by_channel(mean), persistent=False)
        self.register_buffer("std", _by_channel(std), persistent=False)
        self.bgr = bgr

    def forward(self, image: Tensor) -> Tensor:
        """(n, h, w, 3) uint8 RGB → (n, 3, h, w) float32."""
        planes = image.permute(0, 3, 1, 2).float()
        return ((planes.flip(1) if self.bgr else planes) - self.mean) / self.std


def _by_channel(values: Sequence[float]) -> Tensor:
    """One number where all channels have the same: onnxruntime's int8 graphs spread three slowly (3 ms)."""
    distinct = values[:1] if len(set(values)) == 1 else values
    return torch.tensor(distinct, dtype=torch.float32).reshape(-1, 1, 1)


class UnitLength(nn.Module):
    """As a module, so that its nodes bear its name."""

    def forward(self, vectors: Tensor) -> Tensor:
        """(n, d) → (n, d), each of length 1."""
        return functional.normalize(vectors, dim=1)


class FeaturesGraph(nn.Module):
    """A backbone's pooled features, scaled to unit length."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.normalise = Normalise(backbone.mean, backbone.std)
        self.backbone = backbone.network
        self.unit_length = UnitLength()

    def forward(self, image: Tensor) -> Tensor:
        """(n, side, side, 3) uint8 RGB → (n, features), unit length."""
        return self.unit_length(self.backbone(self.normalise(image)))
