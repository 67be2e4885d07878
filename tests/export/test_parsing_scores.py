from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from export.confusion_picture import draw_confusion
from export.figures import print_by_label
from export.labels import IGNORED, LABELS
from export.parsing_scores import actual_garments, by_label, confusion, iou_by_label, scores


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


def test_precision_is_of_what_was_found_and_recall_of_what_is_there() -> None:
    top, outer = LABELS.index("top"), LABELS.index("outer")
    columns = by_label(confusion(np.array([top, top, top, 0]), np.array([top, outer, outer, top])))
    assert columns["precision"] == {"top": 0.5, "outer": 0.0}
    assert columns["recall"] == {"background": 0.0, "top": pytest.approx(1 / 3)}


def test_what_garments_are_is_told_by_what_they_were_found_as() -> None:
    dress, top, bag, skin = (LABELS.index(label) for label in ("dress", "top", "bag", "skin"))
    truth = np.repeat([top, dress, bag, skin, 0, dress], [250, 740, 5, 900, 900, 5])
    found = np.repeat([dress, dress, dress, dress, dress, skin], [250, 740, 5, 900, 900, 5])
    assert actual_garments(confusion(truth, found)) == {"dress": {"dress": 0.7437, "top": 0.2513}}


def test_a_label_whose_pixels_are_all_no_garment_has_no_actual_garments() -> None:
    assert actual_garments(confusion(np.array([0, 1]), np.array([2, 1]))) == {"top": {"top": 1.0}}


def test_the_table_by_label_fits_80_columns_and_shows_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    print_by_label("fp32, by label", by_label(confusion(np.array([1]), np.array([1]))), LABELS)
    head, background, top, *_ = capsys.readouterr().out.splitlines()
    assert head.split() == ["fp32,", "by", "label", "IoU", "precision", "recall"]
    assert background.split() == ["background", "–", "–", "–"]
    assert top.split() == ["top", "1.0000", "1.0000", "1.0000"]
    assert len(head) <= 80


def test_a_confusion_matrix_is_drawn_though_labels_are_missing(tmp_path: Path) -> None:
    draw_confusion(confusion(np.array([1, 2]), np.array([1, 1])), tmp_path / "c.png", "two pixels")
    with Image.open(tmp_path / "c.png") as picture:
        assert min(picture.size) > 800
