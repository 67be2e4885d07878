"""An exported parser, run on photos as the segment service runs it."""

from pathlib import Path

import cv2
import numpy as np

from export.labels import GARMENTS, LABELS
from export.onnx_files import INPUT, Floats, open_session
from segment_service.garments import Garment, Rules, find_garments
from segment_service.look import Look
from segment_service.looks import looks, take
from serving.images import Raster

_IS_GARMENT = [label in GARMENTS for label in LABELS]


class Parser:
    """One ONNX file; its input size is the graph's."""

    def __init__(self, file: Path, threads: int = 0) -> None:
        self._session = open_session(file, threads)
        self._canvas_size: tuple[int, int] = tuple(self._session.get_inputs()[0].shape[1:3])

    def probabilities(self, photo: Raster) -> Floats:
        """(height, width, labels) at the photo's size, from one look."""
        look = Look.at_all(photo, self._canvas_size)
        shares = look.parsed(self._logits(look.show(photo))).probabilities
        return np.stack([cv2.resize(share, photo.shape[1::-1]) for share in shares], axis=2)

    def garments(self, photo: Raster, rules: Rules, *, alternatives: bool = False) -> list[Garment]:
        """As the segment service finds them."""
        looking = looks(photo, self._canvas_size, _IS_GARMENT, rules, again=alternatives)
        seen = take(looking, self._logits)
        return find_garments(seen, LABELS, frozenset(GARMENTS), rules, alternatives=alternatives)

    def _logits(self, canvas: Raster) -> Floats:
        logits: Floats = self._session.run(None, {INPUT: canvas[None]})[0][0]
        return logits
