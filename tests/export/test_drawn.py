"""Drawn photos to train on, and their masks."""

from pathlib import Path

import numpy as np

from clothing_retrieval.catalog.boutique import item
from export.drawn import SEED, drawn_photo, drawn_photos, write_drawn_photos
from export.labels import IGNORED, LABELS


def test_a_catalogue_picture_is_its_garment_on_background() -> None:
    photo, labels = drawn_photo(3, probe=False)
    assert photo.shape == (*labels.shape, 3)
    assert set(np.unique(labels)) == {LABELS.index("background"), LABELS.index(item(3, SEED).category)}
    assert 0.1 < (labels != 0).mean() < 0.9


def test_around_a_second_shot_nothing_is_taught() -> None:
    _, labels = drawn_photo(3, probe=True)
    assert set(np.unique(labels)) == {IGNORED, LABELS.index(item(3, SEED).category)}


def test_written_photos_are_read_back_with_their_label_maps(tmp_path: Path) -> None:
    write_drawn_photos(tmp_path, 2)
    first, second = drawn_photos(tmp_path)
    _, labels = first.read()
    assert np.array_equal(labels, drawn_photo(0, probe=False)[1])
    assert second.read()[0].shape == first.read()[0].shape
