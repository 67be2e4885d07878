from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from export.labels import LABELS
from export.photos import Labelled, repeated, street_photos


def test_one_photo_in_seven_is_held_out(street: Path) -> None:
    held_out = {labelled.photo.stem for labelled in street_photos(street, held_out=True)}
    trained = {labelled.photo.stem for labelled in street_photos(street, held_out=False)}
    assert held_out == {"0002", "0009"}
    assert len(trained) == 12
    assert not held_out & trained


def test_photos_with_rare_labels_come_more_often(tmp_path: Path) -> None:
    photos = [Labelled(tmp_path / f"{name}.jpg", tmp_path / f"{name}.png") for name in "abcd"]
    for photo, labels in zip(photos, ([0, 9], [0], [0], [0]), strict=True):
        Image.fromarray(np.array([labels], np.uint8)).save(photo.labels)
    counts = Counter(photo.photo.stem for photo in repeated(photos, times=10, frequent=0.5))
    assert counts == {"a": 14, "b": 10, "c": 10, "d": 10}  # one in four has label 9: 10 · √(½ / ¼) = 14.1


def test_a_label_map_is_read_in_our_labels(street: Path) -> None:
    photo, labels = street_photos(street, held_out=True)[0].read()
    assert photo.shape == (*labels.shape, 3)
    assert {LABELS[index] for index in np.unique(labels)} == {"background", "top", "pants", "skin"}
