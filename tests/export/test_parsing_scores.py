import numpy as np
import pytest

from export.labels import IGNORED, LABELS
from export.parsing_scores import confusion, iou_by_label, scores


def test_a_perfect_map_scores_one() -> None:
    truth = np.arange(len(LABELS))
    assert scores(confusion(truth, truth)) == {"pixel_accuracy": 1, "clothing_iou": 1, "mean_iou": 1}


def test_a_wrong_garment_is_still_clothing() -> None:
    top, outer = LABELS.index("top"), LABELS.index("outer")
    result = scores(confusion(np.array([top, top, 0, 0]), np.array([outer, top, 0, 0])))
    assert result["clothing_iou"] == 1
    assert result["pixel_accuracy"] == 0.75
    assert result["mean_iou"] == pytest.approx((1 + 0.5 + 0) / 3)


def test_pixels_without_label_do_not_count() -> None:
    counts = confusion(np.array([IGNORED, 1]), np.array([0, 1]))
    assert counts.sum() == 1
    assert iou_by_label(counts) == {"top": 1.0}
