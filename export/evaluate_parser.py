"""How good an exported parser is, through the code that serves it."""

from pathlib import Path

import numpy as np

from export.garment_views import PHOTO_SIDE, RULES, parsed_garments, true_garments
from export.labels import LABELS, SHOP
from export.parsing import Parser
from export.parsing_scores import Confusion, confusion
from export.photos import read_photo, shop_photos, street_photos
from export.scenes import Scene, shrink
from segment_service.garments import Rules


def street_confusion(parser: Parser, street: Path) -> Confusion:
    """Over the held-out photos, at their full size."""
    counts = np.zeros((len(LABELS), len(LABELS)), np.int64)
    for labelled in street_photos(street, held_out=True):
        photo, truth = labelled.read()
        counts += confusion(truth, parser.probabilities(photo).argmax(axis=2))
    return counts


def garment_scores(parser: Parser, street: Path, rules: Rules = RULES) -> dict[str, float]:
    """Of the held-out photos' garments: a true one is found where a mask covers it with an IoU of at least 0.5."""
    found = true = right = 0
    for labelled in street_photos(street, held_out=True):
        scene = shrink(Scene(*labelled.read()), PHOTO_SIDE)
        pairs = parsed_garments(parser, scene, rules)
        found += len(pairs)
        true += len(true_garments(scene))
        right += len({label for _, label in pairs if label})
    precision, recall = right / max(1, found), right / max(1, true)
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return {"garment_precision": precision, "garment_recall": recall, "garment_f1": f1}


def shop_scores(parser: Parser, shop: Path) -> dict[str, float]:
    """Shares of all photos: in which a garment is found, and whose largest one is what the folder says."""
    photos = shop_photos(shop)
    found = agrees = 0
    for file, name in photos:
        garments = parser.garments(read_photo(file), RULES)
        found += bool(garments)
        agrees += bool(garments) and garments[0].category == SHOP[name]
    return {"shop_found": found / len(photos), "shop_label_agrees": agrees / len(photos)}
