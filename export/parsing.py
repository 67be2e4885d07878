"""An exported parser, run on photos as the segment service runs it."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from export.labels import GARMENTS, LABELS
from export.onnx_files import INPUT, Floats, open_session
from segment_service.garments import Garment, Rules, find_garments
from serving.images import Raster, letterbox

_WANTED = frozenset(GARMENTS)


@dataclass(frozen=True)
class Parsed:
    logits: Floats  # (labels, rows, columns) of the letterboxed photo
    size: tuple[int, int]  # of the photo: height, width
    cell: float  # side of a logits cell, in pixels of the photo

    def probabilities(self) -> Floats:
        """(height, width, labels) at the photo's size."""
        rows, columns = (max(1, round(side / self.cell)) for side in self.size)
        logits = self.logits[:, :rows, :columns].transpose(1, 2, 0)
        powers = np.exp(logits - logits.max(axis=2, keepdims=True))
        shares = powers / powers.sum(axis=2, keepdims=True)
        bands = [cv2.resize(shares[..., i], self.size[::-1]) for i in range(shares.shape[2])]
        return np.stack(bands, axis=2)

    def garments(self, rules: Rules) -> list[Garment]:
        return find_garments(self.logits, LABELS, _WANTED, self.size, self.cell, rules)


class Parser:
    """One ONNX file; its input size is the graph's."""

    def __init__(self, file: Path, threads: int = 0) -> None:
        self._session = open_session(file, threads)
        self.height, self.width = self._session.get_inputs()[0].shape[1:3]

    def parse(self, photo: Raster) -> Parsed:
        canvas, scale = letterbox(photo, self.height, self.width)
        (logits,) = self._session.run(None, {INPUT: canvas[None]})
        return Parsed(logits[0], photo.shape[:2], self.height / logits.shape[2] / scale)
