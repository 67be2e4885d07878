"""The parser's loss."""

from collections.abc import Sequence
from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional


@MODELS.register_module()
class ParsingLoss(nn.Module):
    """Weighted cross entropy, so that each pixel is right, and a loss in which small labels count as large ones do.

    Dice: Milletari et al., "V-Net", 3DV 2016. Lovász-Softmax: Berman et al., "The Lovász-Softmax loss", CVPR 2018; it
    follows the IoU itself. Both over the batch, averaged over the labels in it. mmsegmentation's own cross entropy
    fails where pixels are ignored and labels are weighted.

    Args:
        weights: of cross entropy, one for each label.
        dice: the weight of Dice.
        lovasz: the weight of Lovász-Softmax; on every second row and column, since it sorts the pixels for each label.
    """

    loss_name = "loss_parsing"

    def __init__(self, weights: Sequence[float], dice: float = 0.0, lovasz: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("weights", torch.tensor(weights), persistent=False)
        self._dice = dice
        self._lovasz = lovasz

    def forward(self, logits: Tensor, labels: Tensor, ignore_index: int = 255, **_: Any) -> Tensor:
        """(n, labels, h, w) and (n, h, w) → a scalar."""
        logits = logits.float()
        loss = functional.cross_entropy(logits, labels, self.weights, ignore_index=ignore_index)
        if self._dice:
            loss = loss + self._dice * _dice(logits, labels, ignore_index)
        if self._lovasz:
            loss = loss + self._lovasz * _lovasz(logits[:, :, ::2, ::2], labels[:, ::2, ::2], ignore_index)
        return loss


def _dice(logits: Tensor, labels: Tensor, ignore_index: int) -> Tensor:
    known = (labels != ignore_index)[:, None]
    shares = logits.softmax(dim=1) * known
    truth = torch.zeros_like(shares).scatter_(1, labels[:, None] * known, known.to(shares.dtype))
    overlap = (shares * truth).sum(dim=(0, 2, 3))
    sizes = (shares + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return (1 - 2 * overlap / (sizes + 1))[present].mean()


def _lovasz(logits: Tensor, labels: Tensor, ignore_index: int) -> Tensor:
    known = labels != ignore_index
    shares = logits.softmax(dim=1).movedim(1, -1)[known]
    labels = labels[known]
    return torch.stack([_lovasz_of_one(shares[:, label], labels == label) for label in labels.unique()]).mean()


def _lovasz_of_one(shares: Tensor, truth: Tensor) -> Tensor:
    """The errors from the largest to the smallest, each times the Jaccard loss that it adds to those before."""
    errors, order = (truth.to(shares.dtype) - shares).abs().sort(descending=True)
    truth = truth[order]
    jaccard = 1 - (truth.sum() - truth.cumsum(0)) / (truth.sum() + (~truth).cumsum(0))
    return (errors * jaccard.diff(prepend=jaccard.new_zeros(1))).sum()
