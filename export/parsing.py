"""An exported parser, run on photos as the segment service runs it."""

from pathlib import Path

import cv2
import numpy as np

from export.labels import GARMENTS, LABELS
from export.onnx_files import INPUT, Floats, open_session
from segment_service.garments import Garment, Rules, find_garments
from segment_service.look import Look, Parsed
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
        shares = self._parsed(photo, look).probabilities
        return np.stack([cv2.resize(share, photo.shape[1::-1]) for share in shares], axis=2)

    def garments(self, photo: Raster, rules: Rules, *, alternatives: bool = False) -> list[Garment]:
        """As the segment service finds them."""
        parsed = self._parsed(photo, Look.at_all(photo, self._canvas_size))
        closer = parsed.closer(_IS_GARMENT, rules.min_part, rules.closer_look)
        if closer is not None:
            parsed = self._parsed(photo, closer)
        return find_garments(parsed, LABELS, frozenset(GARMENTS), rules, alternatives=alternatives)

    def _parsed(self, photo: Raster, look: Look) -> Parsed:
        (logits,) = self._session.run(None, {INPUT: look.show(photo)[None]})
        return look.parsed(logits[0])
