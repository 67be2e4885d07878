"""What evaluate's figures mean."""

from pathlib import Path

import pytest

from clothing_retrieval.evaluation import Evaluation, Judged, LabelledPhoto

_DRESS = LabelledPhoto(Path("a.jpg"), "dress")


def judged(right: int, wrong: int, seconds: float = 0.0) -> Judged:
    return Judged(_DRESS, ("dress",) * right + ("bag",) * wrong, seconds=seconds)


def test_interval_is_that_of_a_share_of_photos() -> None:
    evaluation = Evaluation([judged(1, 0)] * 50 + [judged(0, 1)] * 50)
    low, high = evaluation.precision_interval(1)
    assert low == pytest.approx(0.5 - 1.96 * 0.05, abs=0.02)  # the normal approximation: √(½ · ½ / 100) = 0.05
    assert high == pytest.approx(0.5 + 1.96 * 0.05, abs=0.02)
    assert evaluation.precision_interval(1) == (low, high)


def test_interval_has_no_width_where_all_photos_are_alike() -> None:
    assert Evaluation([judged(2, 2)] * 5).precision_interval(4) == (0.5, 0.5)
    assert Evaluation([]).precision_interval(4) == (0.0, 0.0)


def test_time_is_that_of_answers_alone() -> None:
    unanswered = Judged(_DRESS, problem="the gateway is away", seconds=60.0)
    assert Evaluation([judged(1, 0, 0.1), judged(1, 0, 0.2), judged(1, 0, 0.9), unanswered]).median_seconds() == 0.2
    assert Evaluation([unanswered]).median_seconds() == 0.0
