"""The parser's loss."""

from collections.abc import Sequence
from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional


@MODELS.register_module()
class ParsingLoss(nn.Module):
    """Weighted cross entropy in float32. mmsegmentation's own fails where pixels are ignored and labels are weighted.

    Args:
        weights: one for each label.
    """

    loss_name = "loss_parsing"

    def __init__(self, weights: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("weights", torch.tensor(weights), persistent=False)

    def forward(self, logits: Tensor, labels: Tensor, ignore_index: int = 255, **_: Any) -> Tensor:
        """(n, labels, h, w) and (n, h, w) → a scalar."""
        return functional.cross_entropy(logits.float(), labels, self.weights, ignore_index=ignore_index)
