from pathlib import Path

import numpy as np

from export.labels import LABELS
from export.photos import street_photos


def test_every_seventh_photo_is_held_out(street: Path) -> None:
    held_out = {labelled.photo.stem for labelled in street_photos(street, held_out=True)}
    trained = {labelled.photo.stem for labelled in street_photos(street, held_out=False)}
    assert held_out == {"0007", "0014"}
    assert len(trained) == 12
    assert not held_out & trained


def test_a_label_map_is_read_in_our_labels(street: Path) -> None:
    photo, labels = street_photos(street, held_out=True)[0].read()
    assert photo.shape == (*labels.shape, 3)
    assert {LABELS[index] for index in np.unique(labels)} == {"background", "top", "pants", "skin"}
