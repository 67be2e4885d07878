import numpy as np
import pytest

from export.evaluate_embedder import by_category, folder_scores
from segment_service.garments import Garment
from segment_service.look import Box


def garment(category: str, *, alternative: bool = False) -> Garment:
    box = Box(0, 0, 10, 10)
    return Garment(category, 1.0, 0.1, box, np.ones((10, 10), np.float32), 1.0, alternative=alternative)


def test_precision_counts_the_first_five() -> None:
    gallery = np.eye(6, dtype=np.float32)
    names = np.array(["hat", "hat", "hat", "skirt", "skirt", "skirt"])
    query = np.array([[1, 0.9, 0.8, 0.7, 0.6, 0.1]], np.float32)
    result = folder_scores(query, np.array(["hat"]), gallery, names)
    assert result == {"precision_at_1": 1.0, "precision_at_5": pytest.approx(0.6), "mean_average_precision": 1.0}


def test_what_cutouts_of_one_category_find_is_joined() -> None:
    garments = [garment("top"), garment("bag"), garment("top", alternative=True), garment("dress", alternative=True)]
    similarity = np.array([[0.9, 0.1], [0.2, 0.3], [0.5, 0.6], [0.0, 1.0]], np.float32)
    joined = np.array([[0.9, 0.6], [0.2, 0.3], [0.0, 1.0]], np.float32)
    np.testing.assert_array_equal(by_category(garments, similarity), joined)
