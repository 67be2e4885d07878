"""Label maps for shop photos: where an early parser sees clothing, sharpened by GrabCut, named by the folder."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from export.labels import GARMENTS, IGNORED, LABELS, SHOP
from export.onnx_files import Floats
from export.parsing import Parser
from export.photos import LabelMap, read_photo, shop_photos
from serving.images import Raster, resize

Bools = NDArray[np.bool_]

_SIDE = 224
"""GrabCut works on photos of this longer side."""
_CLOTHING = [LABELS.index(label) for label in GARMENTS]
_SKIN = LABELS.index("skin")
_AREAS = (0.03, 0.95)
"""Masks that cover less or more of the photo are thrown away."""
_AGREEMENT = 0.7
"""Least IoU of the parser's clothing and GrabCut's: below, GrabCut ran out into a ground like the garment."""


def write_pseudo_masks(parser: Parser, shop: Path, out: Path) -> tuple[int, int]:
    """Writes ``out/<folder>/<photo>.png``. Returns the counts of photos and of masks."""
    photos = shop_photos(shop)
    written = 0
    for file, name in photos:
        photo = read_photo(file)
        labels = pseudo_mask(parser, photo, LABELS.index(SHOP[name]))
        if labels is not None:
            target = out / name / f"{file.stem}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(target), labels)
            written += 1
    return len(photos), written


def pseudo_mask(parser: Parser, photo: Raster, label: int) -> LabelMap | None:
    """(h, w) like the photo; None where the parser sees too little, or nothing but clothing."""
    height, width = photo.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    small = resize(photo, round(height * scale), round(width * scale))
    shares = parser.probabilities(small)
    clothing = shares[..., _CLOTHING].sum(axis=2)
    seen = clothing > 0.5
    if not _AREAS[0] < seen.mean() < _AREAS[1]:
        return None
    inside = _grab_cut(small, clothing)
    if not _AREAS[0] < inside.mean() < _AREAS[1] or (inside & seen).sum() < _AGREEMENT * (inside | seen).sum():
        return None
    labels = np.full(inside.shape, IGNORED, np.uint8)
    labels[~inside & (clothing < 0.8)] = LABELS.index("background")
    labels[~inside & (shares[..., _SKIN] > 0.5)] = _SKIN
    labels[inside & (clothing > 0.2)] = label
    return cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST).astype(np.uint8)


def _grab_cut(photo: Raster, clothing: Floats) -> Bools:
    """(h, w) bool, from the probability of clothing, (h, w)."""
    guess = np.full(clothing.shape, cv2.GC_PR_BGD, np.uint8)
    guess[clothing > 0.5] = cv2.GC_PR_FGD
    guess[clothing > 0.97] = cv2.GC_FGD
    guess[clothing < 0.02] = cv2.GC_BGD
    cv2.setRNGSeed(0)
    cv2.grabCut(photo, guess, None, np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK)
    inside = ((guess == cv2.GC_FGD) | (guess == cv2.GC_PR_FGD)).astype(np.uint8)
    return cv2.morphologyEx(inside, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)).astype(bool)
