"""Intervals of known width."""

import math

import numpy as np
import pytest

from clothing_retrieval.evaluation.bootstrap import Scores, difference, estimate


def scores(*sums: float, weights: tuple[float, ...] | None = None) -> Scores:
    return Scores(np.array(sums, float), np.array(weights or (1.0,) * len(sums), float))


def test_an_interval_is_that_of_a_share_of_photos() -> None:
    found = estimate(scores(*[1.0] * 50, *[0.0] * 50))
    assert found.value == 0.5
    assert found.low == pytest.approx(0.5 - 1.96 * 0.05, abs=0.02)  # the normal approximation: √(½ · ½ / 100) = 0.05
    assert found.high == pytest.approx(0.5 + 1.96 * 0.05, abs=0.02)
    assert estimate(scores(*[1.0] * 50, *[0.0] * 50)) == found


def test_an_interval_has_no_width_where_all_photos_are_alike() -> None:
    found = estimate(scores(*[0.5] * 5))
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("nothing", [scores(), scores(0.0, 0.0, weights=(0.0, 0.0))])
def test_nothing_is_known_of_no_photos(nothing: Scores) -> None:
    found = estimate(nothing)
    assert not found.known
    assert math.isnan(found.low)
    assert not found.excludes_zero


def test_photos_without_weight_are_left_out() -> None:
    found = estimate(scores(1.0, 0.0, 0.0, weights=(1.0, 1.0, 0.0)))
    assert found.value == 0.5
    assert (found.low, found.high) == (0.0, 1.0)


def test_photos_are_drawn_with_all_their_pairs() -> None:
    # 25 photos of four pairs that all hit or all miss tell no more than 25 pairs do: the interval is twice as wide.
    apart = estimate(scores(*[1.0] * 52, *[0.0] * 48))
    together = estimate(scores(*[4.0] * 13, *[0.0] * 12, weights=(4.0,) * 25))
    assert together.value == apart.value == 0.52
    assert together.high - together.low == pytest.approx(2 * (apart.high - apart.low), rel=0.15)


def test_a_difference_is_taken_within_each_draw() -> None:
    base = scores(*np.linspace(0, 0.9, 40))
    better = Scores(base.sums + 0.1, base.weights)
    found = difference(better, base)
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
    assert found.excludes_zero
    assert difference(base, better).excludes_zero
    assert not difference(base, base).excludes_zero


def test_a_difference_that_a_few_photos_make_may_be_chance() -> None:
    base = scores(*[0.0] * 20)
    found = difference(scores(1.0, -1.0, 1.0, *[0.0] * 17), base)
    assert found.value == pytest.approx(0.05)
    assert found.low < 0 < found.high


def test_other_photos_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="3 photos cannot be paired with 2"):
        difference(scores(1, 1, 1), scores(1, 1))
