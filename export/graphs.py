"""What is exported: networks that take uint8 pictures and give what the services use."""

import torch
from mmseg.models import EncoderDecoder
from mmseg.models.decode_heads import SegformerHead
from torch import Tensor, nn
from torch.nn import functional

from export.backbone import MEAN, STD, Backbone

UNIT_LENGTH = "/unit_length/"
"""How the names of the nodes begin that scale vectors to unit length."""


def normalised(image: Tensor, mean: Tensor | float = MEAN, std: Tensor | float = STD) -> Tensor:
    """(n, h, w, 3) uint8 RGB → (n, 3, h, w) float32, by default in about [-1, 1].

    Args:
        mean, std: one for all channels, or (3, 1, 1).
    """
    return (image.permute(0, 3, 1, 2).float() - mean) / std


class UnitLength(nn.Module):
    """As a module, so that its nodes bear its name."""

    def forward(self, vectors: Tensor) -> Tensor:
        """(n, d) → (n, d), each of length 1."""
        return functional.normalize(vectors, dim=1)


class ParserGraph(nn.Module):
    """A trained EncoderDecoder with a SegformerHead, for inference.

    The head projects each feature map, enlarges all to 1/4 of the picture, joins them and mixes them by a 1×1
    convolution. Mixing by 1×1 and enlarging commute, so each map is mixed at its own small size and the results are
    added: the same logits for a third of the head's work. The mixing's batch norm is folded into its weights.
    """

    def __init__(self, model: EncoderDecoder) -> None:
        super().__init__()
        head = model.decode_head
        if not isinstance(head, SegformerHead) or head.interpolate_mode != "bilinear" or head.align_corners:
            raise TypeError(f"a SegformerHead with bilinear resizing is needed, not {type(head).__name__}")
        self.backbone = model.backbone
        self.projections = head.convs
        self.mixers = _split_mixing(head)
        self.classifier = head.conv_seg

    def forward(self, image: Tensor) -> Tensor:
        """(n, h, w, 3) uint8 RGB → (n, labels, h / 4, w / 4) logits."""
        features = self.backbone(normalised(image))
        size = features[0].shape[2:]
        mixed = None
        for feature, project, mix in zip(features, self.projections, self.mixers, strict=True):
            part = mix(project(feature))
            mixed = part if mixed is None else mixed + functional.interpolate(part, size=size, mode="bilinear")
        return self.classifier(functional.relu(mixed))


def _split_mixing(head: SegformerHead) -> nn.ModuleList:
    mixing, norm = head.fusion_conv.conv, head.fusion_conv.bn
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weights = (mixing.weight * scale[:, None, None, None]).split(head.channels, dim=1)
    parts = nn.ModuleList()
    for index, weight in enumerate(weights):
        part = nn.Conv2d(head.channels, head.channels, 1, bias=index == 0)
        part.weight = nn.Parameter(weight.detach().clone())
        if index == 0:
            part.bias = nn.Parameter((norm.bias - norm.running_mean * scale).detach())
        parts.append(part)
    return parts


class FeaturesGraph(nn.Module):
    """A backbone's pooled features, scaled to unit length."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(backbone.mean).reshape(3, 1, 1))
        self.register_buffer("std", torch.tensor(backbone.std).reshape(3, 1, 1))
        self.backbone = backbone.network
        self.unit_length = UnitLength()

    def forward(self, image: Tensor) -> Tensor:
        """(n, side, side, 3) uint8 RGB → (n, features), unit length."""
        return self.unit_length(self.backbone(normalised(image, self.mean, self.std)))
