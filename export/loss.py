"""The parser's loss."""

from collections.abc import Sequence
from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional


@MODELS.register_module()
class ParsingLoss(nn.Module):
    """Weighted cross entropy, so that each pixel is right, and Dice, so that small labels count as large ones do.

    Dice: Milletari et al., "V-Net", 3DV 2016; over the batch, averaged over the labels in it. mmsegmentation's own
    cross entropy fails where pixels are ignored and labels are weighted.

    Args:
        weights: of cross entropy, one for each label.
        dice: the weight of Dice.
    """

    loss_name = "loss_parsing"

    def __init__(self, weights: Sequence[float], dice: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("weights", torch.tensor(weights), persistent=False)
        self._dice = dice

    def forward(self, logits: Tensor, labels: Tensor, ignore_index: int = 255, **_: Any) -> Tensor:
        """(n, labels, h, w) and (n, h, w) → a scalar."""
        logits = logits.float()
        loss = functional.cross_entropy(logits, labels, self.weights, ignore_index=ignore_index)
        return loss + self._dice * _dice(logits, labels, ignore_index) if self._dice else loss


def _dice(logits: Tensor, labels: Tensor, ignore_index: int) -> Tensor:
    known = (labels != ignore_index)[:, None]
    shares = logits.softmax(dim=1) * known
    truth = torch.zeros_like(shares).scatter_(1, labels[:, None] * known, known.to(shares.dtype))
    overlap = (shares * truth).sum(dim=(0, 2, 3))
    sizes = (shares + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return (1 - 2 * overlap / (sizes + 1))[present].mean()
