"""The photos that are trained and measured on, and their label maps."""

import functools
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from export.labels import LABELS, SHOP, street_table
from serving.images import Raster

LabelMap = NDArray[np.uint8]  # (h, w), indices of LABELS or IGNORED
HELD_OUT = (7, 2)
"""Street photos whose number divided by the first leaves the second are never trained on."""
UNLABELLED = frozenset({536})
"""Street photos whose label maps are empty though people stand in them."""


@dataclass(frozen=True)
class Labelled:
    """A photo and its label map. ``street`` maps hold the data set's own indices, shop maps ours."""

    photo: Path
    labels: Path
    street: Path | None = None

    def read(self) -> tuple[Raster, LabelMap]:
        return read_photo(self.photo), self.read_labels()

    def read_labels(self) -> LabelMap:
        with Image.open(self.labels) as file:  # a palette's indices, which OpenCV would turn into colours
            labels = np.asarray(file)
        if self.street is not None:
            return _street_table(self.street)[labels]
        return labels


def read_photo(file: Path) -> Raster:
    """(h, w, 3) RGB, upright."""
    pixels = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if pixels is None:
        raise FileNotFoundError(f"{file}: no readable photo")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]


def street_photos(folder: Path, held_out: bool) -> list[Labelled]:
    """Clothing Co-Parsing: what ``HELD_OUT`` names, or the rest."""
    divisor, remainder = HELD_OUT
    found = [
        Labelled(file, folder / "labels" / f"{file.stem}.png", street=folder)
        for file in sorted((folder / "photos").glob("*.jpg"))
        if (int(file.stem) % divisor == remainder) == held_out and int(file.stem) not in UNLABELLED
    ]
    if not found:
        raise FileNotFoundError(f"{folder}/photos: no photos there")
    return found


def repeated(photos: list[Labelled], times: int, frequent: float) -> list[Labelled]:
    """Each photo so many times, and more often where it has a label that few have.

    The factor of a label is max(1, √(frequent / its share of the photos)); a photo takes the largest of its labels'
    factors (repeat factor sampling: Gupta et al., "LVIS", CVPR 2019).
    """
    present = np.array([np.bincount(photo.read_labels().ravel(), minlength=256)[: len(LABELS)] > 0 for photo in photos])
    factors = np.sqrt(np.maximum(1, frequent / np.maximum(present.mean(axis=0), 1 / len(photos))))
    return [
        photo
        for photo, labels in zip(photos, present, strict=True)
        for _ in range(round(times * factors[labels].max(initial=1)))
    ]


def shop_photos(folder: Path) -> list[tuple[Path, str]]:
    """Photos with the names of their folders, which are those of ``SHOP``."""
    found = [(file, name) for name in sorted(SHOP) for file in sorted((folder / name).glob("*.jpg"))]
    if not found:
        raise FileNotFoundError(f"{folder}: no folder of it is one of {', '.join(SHOP)}, or they hold no .jpg files")
    return found


def masked_shop_photos(folder: Path, masks: Path, balance: int = 0) -> list[Labelled]:
    """Those shop photos for which ``pseudo-masks`` made a mask.

    Args:
        balance: photos of a folder with few come several times, until there are about so many.
    """
    by_name: dict[str, list[Labelled]] = {}
    for file, name in shop_photos(folder):
        mask = masks / name / f"{file.stem}.png"
        if mask.exists():
            by_name.setdefault(name, []).append(Labelled(file, mask))
    return [pair for pairs in by_name.values() for pair in pairs * max(1, round(balance / len(pairs)))]


@functools.cache
def _street_table(folder: Path) -> LabelMap:
    return street_table((folder / "labels.txt").read_text().split())
