"""Parsers as they are exported: uint8 pictures in, logits out."""

import torch
from mmseg.models import EncoderDecoder
from mmseg.models.decode_heads import SegformerHead
from torch import Tensor, nn
from torch.nn import functional

from export.graphs import Normalise
from export.head import StepwiseSegformerHead, direct_sum, stepwise_sum


class WholeParserGraph(nn.Module):
    """Any trained EncoderDecoder as it is, run on the whole picture."""

    in_float = ("/model/decode_head/conv_seg/",)
    """How the names of nodes begin that int8 leaves in float: near ties between labels decide an outline."""

    def __init__(self, model: EncoderDecoder, bgr: bool = False) -> None:
        super().__init__()
        self.normalise = _normalise(model, bgr)
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        """(n, h, w, 3) uint8 RGB → (n, labels, rows, columns) logits at the decode head's size."""
        return self.model(self.normalise(image), mode="tensor")


class ParserGraph(nn.Module):
    """A trained EncoderDecoder with a SegformerHead, for inference.

    Each map is mixed at its own size (see ``StepwiseSegformerHead``) also where the head is mmsegmentation's own; the
    mixing's batch norm is folded into its weights.
    """

    # In EfficientNet-Lite0's first layers rounding is felt in all that follows, and they are no slower in float.
    in_float = ("/classifier/", "/backbone/stem/", "/backbone/blocks.0/")

    def __init__(self, model: EncoderDecoder, bgr: bool = False) -> None:
        super().__init__()
        head = model.decode_head
        if not fits_lean_graph(model):
            raise TypeError(f"a SegformerHead with bilinear resizing is needed, not {type(head).__name__}")
        self.normalise = _normalise(model, bgr)
        self.backbone = model.backbone
        self.projections = head.convs
        self.mixers = _split_mixing(head)
        self.classifier = head.conv_seg
        self.sum = stepwise_sum if isinstance(head, StepwiseSegformerHead) else direct_sum

    def forward(self, image: Tensor) -> Tensor:
        """(n, h, w, 3) uint8 RGB → (n, labels, h / 4, w / 4) logits."""
        features = self.backbone(self.normalise(image))
        maps = [
            mix(project(feature)) for feature, project, mix in zip(features, self.projections, self.mixers, strict=True)
        ]
        return self.classifier(functional.relu(self.sum(maps)))


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


def fits_lean_graph(model: EncoderDecoder) -> bool:
    """Whether ``ParserGraph`` computes the same as the network: its head is the usual SegformerHead."""
    head = model.decode_head
    if type(head) not in (SegformerHead, StepwiseSegformerHead) or model.with_neck:
        return False
    usual = head.interpolate_mode == "bilinear" and not head.align_corners
    mixing = head.fusion_conv
    usual = usual and isinstance(mixing.norm, nn.modules.batchnorm._BatchNorm) and isinstance(mixing.activate, nn.ReLU)
    return usual and list(head.in_index) == list(range(len(head.convs)))


def _normalise(model: EncoderDecoder, bgr: bool) -> Normalise:
    """As the model's data_preprocessor does.

    Args:
        bgr: the data_preprocessor is fed blue first.
    """
    preprocessor = model.data_preprocessor
    turned = bgr != getattr(preprocessor, "channel_conversion", False)
    if not getattr(preprocessor, "_enable_normalize", False):
        return Normalise([0.0] * 3, [1.0] * 3, turned)
    return Normalise(preprocessor.mean.flatten().tolist(), preprocessor.std.flatten().tolist(), turned)
