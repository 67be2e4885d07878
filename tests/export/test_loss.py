"""The parser's loss against its definition."""

import pytest
import torch

from export.loss import ParsingLoss

_CERTAIN = 50.0


def logits_of(labels: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.one_hot(labels, 3).permute(0, 3, 1, 2) * _CERTAIN


def test_a_right_map_costs_nothing() -> None:
    labels = torch.tensor([[[0, 0, 1], [0, 1, 1]]])
    assert ParsingLoss([1.0, 1.0, 1.0], dice=1.0)(logits_of(labels), labels) == pytest.approx(1 / 7, abs=1e-3)
    # Of Dice, its smoothing alone: 1 - 2 · 3 / (3 + 3 + 1).


def test_dice_counts_a_small_label_as_a_large_one() -> None:
    truth = torch.zeros(1, 10, 10, dtype=torch.long)
    truth[0, 0, :2] = 1
    missed = logits_of(torch.zeros_like(truth))
    dice = ParsingLoss([1.0] * 3, dice=1.0)(missed, truth) - ParsingLoss([1.0] * 3)(missed, truth)
    assert dice == pytest.approx((1 - 2 * 98 / 199 + 1) / 2, abs=1e-3)


def test_pixels_without_label_cost_nothing() -> None:
    truth = torch.tensor([[[0, 1, 255]]])
    one, other = logits_of(torch.tensor([[[0, 1, 0]]])), logits_of(torch.tensor([[[0, 1, 2]]]))
    loss = ParsingLoss([1.0] * 3, dice=1.0, lovasz=1.0)
    assert loss(one, truth) == loss(other, truth)


def test_lovasz_of_certain_maps_is_the_mean_jaccard_loss() -> None:
    truth = torch.zeros(1, 20, 20, dtype=torch.long)
    truth[0, :10] = 1
    found = truth.clone()
    found[0, 8:10] = 0
    plain, both = ParsingLoss([1.0] * 3), ParsingLoss([1.0] * 3, lovasz=1.0)
    lovasz = both(logits_of(found), truth) - plain(logits_of(found), truth)
    # On every second row and column: label 1 keeps 40 of 50 pixels, label 0 has 50 and 10 too many.
    assert lovasz == pytest.approx(((1 - 40 / 50) + (1 - 50 / 60)) / 2, abs=1e-3)
