"""Scores on drawn photos, by a parser with known answers."""

from pathlib import Path

import numpy as np
import pytest

from export.evaluate_parser import garment_scores
from export.garment_views import RULES
from export.labels import LABELS
from segment_service.garments import Garment, Rules
from segment_service.look import Box
from serving.images import Raster


class Scripted:
    """Finds what it is told in every photo: bands of rows, each as wide as the drawn people."""

    def __init__(self, *bands: tuple[int, int]) -> None:
        self._bands = bands

    def garments(self, photo: Raster, rules: Rules, *, alternatives: bool = False) -> list[Garment]:
        assert rules is RULES
        assert not alternatives
        return [self._garment(photo.shape[:2], slice(*band)) for band in self._bands]

    def _garment(self, size: tuple[int, int], rows: slice) -> Garment:
        support = np.full(size, -1, np.float32)
        support[rows, 25:55] = 1
        return Garment(LABELS[1], 1.0, 0.1, Box(25, rows.start, 30, rows.stop - rows.start), support, 1.0)


@pytest.mark.parametrize(
    ("bands", "precision", "recall"),
    [
        (((30, 65), (65, 110)), 1.0, 1.0),  # the top, the pants
        (((30, 65),), 1.0, 0.5),
        (((30, 65), (0, 10)), 0.5, 0.5),  # the top, and nothing's place
        (((30, 65), (32, 65)), 0.5, 0.5),  # the top twice counts once
        (((30, 45), (65, 110)), 0.5, 0.5),  # less than half of the top, the pants
        ((), 0.0, 0.0),
    ],
)
def test_a_garment_is_found_where_a_mask_covers_half_of_it_and_it_counts_once(
    street: Path, bands: tuple[tuple[int, int], ...], precision: float, recall: float
) -> None:
    scores = garment_scores(Scripted(*bands), street)  # type: ignore[arg-type]
    assert scores["garment_precision"] == pytest.approx(precision)
    assert scores["garment_recall"] == pytest.approx(recall)
    f1 = 2 * precision * recall / (precision + recall) if precision else 0
    assert scores["garment_f1"] == pytest.approx(f1)
