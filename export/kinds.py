"""What kind of garment a view shows, as far as its data set says.

Shop folders are finer than the parser's labels in places (a top is a t-shirt, a shirt or a longsleeve) and absent in
others (bags): a label covers one or more of ``KINDS``, a folder exactly one.
"""

import numpy as np
from numpy.typing import NDArray

from export.labels import GARMENTS, SHOP

_FOLDERS = tuple(sorted(SHOP))
KINDS = (*_FOLDERS, *(label for label in GARMENTS if label not in SHOP.values()))
"""The folders, and the labels that no folder belongs to."""


def of_folder(name: str) -> int:
    """The row of ``covered`` for a shop folder."""
    return _FOLDERS.index(name)


def of_label(label: str) -> int:
    """The row of ``covered`` for one of the parser's labels."""
    return len(_FOLDERS) + GARMENTS.index(label)


def covered() -> NDArray[np.bool_]:
    """(folders + labels, len(KINDS)): what a garment may be."""
    folders = [[kind == folder for kind in KINDS] for folder in _FOLDERS]
    labels = [[SHOP.get(kind, kind) == label for kind in KINDS] for label in GARMENTS]
    return np.array(folders + labels)
