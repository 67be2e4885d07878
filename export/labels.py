"""The parser's labels, and what the data sets' own names mean among them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segment_service.labels import GARMENTS

LABELS = ("background", *GARMENTS, "skin", "hair")
IGNORED = 255
"""Marks pixels in a label map that training and evaluation leave out."""

STREET: dict[str, tuple[str, ...]] = {
    # Jewellery, watches and wallets are a few pixels each: too small to segment, so they take the label around them.
    "background": ("background", "accessories", "earrings", "wallet"),
    "top": (
        "blouse", "bodysuit", "bra", "hoodie", "intimate", "jumper", "shirt", "sweater", "sweatshirt", "swimwear",
        "t-shirt", "top",
    ),
    "outer": ("blazer", "cape", "cardigan", "coat", "jacket", "suit", "vest"),
    "dress": ("dress", "romper"),
    "pants": ("jeans", "panties", "pants", "shorts"),
    "skirt": ("skirt",),
    "leggings": ("leggings", "socks", "stockings", "tights"),
    "footwear": (
        "boots", "clogs", "flats", "heels", "loafers", "pumps", "sandals", "shoes", "sneakers", "wedges",
    ),
    "bag": ("bag", "purse"),
    "headwear": ("hat",),
    "eyewear": ("glasses", "sunglasses"),
    "neckwear": ("scarf", "tie"),
    "belt": ("belt",),
    "skin": ("bracelet", "gloves", "necklace", "ring", "skin", "watch"),
    "hair": ("hair",),
}  # fmt: skip
"""Each of our labels with the names of Clothing Co-Parsing that it covers."""

SHOP: dict[str, str] = {
    "dress": "dress",
    "hat": "headwear",
    "longsleeve": "top",
    "outwear": "outer",
    "pants": "pants",
    "shirt": "top",
    "shoes": "footwear",
    "shorts": "pants",
    "skirt": "skirt",
    "t-shirt": "top",
}
"""The label of each folder of the clothing dataset."""


def street_table(names: Sequence[str]) -> NDArray[np.uint8]:
    """Our label for each index of a street label map: (256,); indices beyond the names are ignored.

    Raises:
        KeyError: a name that no label covers.
    """
    index = {name: LABELS.index(label) for label, covered in STREET.items() for name in covered}
    table = np.full(256, IGNORED, np.uint8)
    table[: len(names)] = [index[name] for name in names]
    return table
