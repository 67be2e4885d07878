"""Drawn photos with perfect masks: the boutique of another seed than the one that is served and tested with."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from clothing_retrieval.catalog.boutique import draw_masked, item
from export.labels import IGNORED, LABELS
from export.photos import Labelled, LabelMap
from serving.images import Raster

SEED = 1009
_QUALITY = 88
_INSIDE = 128


def write_drawn_photos(out: Path, count: int) -> None:
    """Draws ``out/photos/<n>.jpg`` and ``out/masks/<n>.png``; every other one is a second shot."""
    for folder in ("photos", "masks"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        photo, labels = drawn_photo(number, probe=number % 2 == 1)
        Image.fromarray(photo).save(out / "photos" / f"{number:05d}.jpg", quality=_QUALITY)
        Image.fromarray(labels).save(out / "masks" / f"{number:05d}.png")


def drawn_photo(number: int, *, probe: bool) -> tuple[Raster, LabelMap]:
    """A picture, (h, w, 3), and its label map, (h, w). A second shot may show a wearer: ignored."""
    picture, mask = draw_masked(number, SEED, probe=probe)
    labels = np.full((picture.height, picture.width), IGNORED if probe else LABELS.index("background"), np.uint8)
    labels[np.asarray(mask) >= _INSIDE] = LABELS.index(item(number, SEED).category)
    return np.asarray(picture), labels


def drawn_photos(folder: Path) -> Iterator[Labelled]:
    for photo in sorted((folder / "photos").glob("*.jpg")):
        yield Labelled(photo, folder / "masks" / f"{photo.stem}.png")
