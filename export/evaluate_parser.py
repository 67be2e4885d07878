"""How good an exported parser is, through the code that serves it."""

from pathlib import Path

import numpy as np

from export.garment_views import RULES
from export.labels import LABELS, SHOP
from export.parsing import Parser
from export.parsing_scores import Confusion, confusion
from export.photos import read_photo, shop_photos, street_photos


def street_confusion(parser: Parser, street: Path) -> Confusion:
    """Over the held-out photos, at their full size."""
    counts = np.zeros((len(LABELS), len(LABELS)), np.int64)
    for labelled in street_photos(street, held_out=True):
        photo, truth = labelled.read()
        counts += confusion(truth, parser.probabilities(photo).argmax(axis=2))
    return counts


def shop_scores(parser: Parser, shop: Path) -> dict[str, float]:
    """Shares of all photos: in which a garment is found, and whose largest one is what the folder says."""
    photos = shop_photos(shop)
    found = agrees = 0
    for file, name in photos:
        garments = parser.garments(read_photo(file), RULES)
        found += bool(garments)
        agrees += bool(garments) and garments[0].category == SHOP[name]
    return {"shop_found": found / len(photos), "shop_label_agrees": agrees / len(photos)}
