"""The part of a photo that the parser is shown: all of it first, then the clothing alone where that is small."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from serving.images import Raster, letterbox

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

_CLOTHED = 0.3
"""Probability of any garment from which on a cell counts as clothing, when it is to be looked at again."""
_AROUND = 0.1
"""What is shown beyond the clothing, on each side, as a share of its longer side: heads and feet."""


@dataclass(frozen=True)
class Box:
    """In pixels of the decoded photo."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Look:
    """A window of a decoded photo on the parser's canvas."""

    photo_size: tuple[int, int]  # height, width in pixels
    window: Box
    canvas_size: tuple[int, int]  # height, width in pixels
    mirrored: bool = False
    """Left and right change places on the canvas."""

    @classmethod
    def at_all(cls, photo: Raster, canvas_size: tuple[int, int]) -> "Look":
        height, width = photo.shape[:2]
        return cls((height, width), Box(0, 0, width, height), canvas_size)

    @property
    def scale(self) -> float:
        """Canvas pixels for each pixel of the photo."""
        return min(self.canvas_size[0] / self.window.height, self.canvas_size[1] / self.window.width)

    @property
    def share(self) -> float:
        """Of the photo that the window covers."""
        return self.window.width * self.window.height / (self.photo_size[0] * self.photo_size[1])

    def show(self, photo: Raster) -> Raster:
        """The canvas, with the window letterboxed on it."""
        window = self.window
        part = photo[window.y : window.y + window.height, window.x : window.x + window.width]
        if self.mirrored:
            part = cv2.flip(part, 1)  # type: ignore[assignment]
        return letterbox(part, *self.canvas_size)[0]

    def parsed(self, logits: Floats) -> "Parsed":
        """``logits``: (labels, rows, columns) of the whole canvas."""
        cell = self.canvas_size[0] / logits.shape[1] / self.scale
        rows = min(logits.shape[1], max(1, round(self.window.height / cell)))
        columns = min(logits.shape[2], max(1, round(self.window.width / cell)))
        inside = logits[:, :rows, :columns]
        if self.mirrored:
            inside = inside[:, :, ::-1]
        powers = np.exp(inside - inside.max(axis=0))
        return Parsed(self, powers / powers.sum(axis=0), cell)

    def mirror(self) -> "Look":
        return dataclasses.replace(self, mirrored=not self.mirrored)

    def box(self, region: Bools, cell: float) -> Box:
        """Of a region of the window's cells."""
        rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
        width, height = self.window.width, self.window.height
        left, top = min(width - 1, round(columns[0] * cell)), min(height - 1, round(rows[0] * cell))
        right, bottom = min(width, round((columns[-1] + 1) * cell)), min(height, round((rows[-1] + 1) * cell))
        return Box(self.window.x + left, self.window.y + top, max(1, right - left), max(1, bottom - top))

    def walled(self, support: Floats, cell: float) -> tuple[Floats, tuple[float, float]]:
        """Support, with a cell of no garment on the sides where the photo goes on, and its first corner: x, y."""
        window, (height, width) = self.window, self.photo_size
        above, left = int(window.y > 0), int(window.x > 0)
        below, right = int(window.y + window.height < height), int(window.x + window.width < width)
        rows, columns = support.shape
        walled = np.full((above + rows + below, left + columns + right), -1, np.float32)
        walled[above : above + rows, left : left + columns] = support
        return walled, (window.x - left * cell, window.y - above * cell)


@dataclass(frozen=True)
class Parsed:
    """What the parser makes of a look."""

    look: Look
    probabilities: Floats
    """(labels, rows, columns) of the window: without the letterbox's border."""
    cell: float
    """Side of a cell, in pixels of the photo."""

    def closer(self, is_garment: Sequence[bool], min_part: float, least_zoom: float) -> Look | None:
        """At the clothing and a little around it.

        None where there is none, or where it would not appear ``least_zoom`` times larger.

        Args:
            is_garment: for each label.
            min_part: clothing in parts smaller than this share of its largest one is left out.
        """
        bare = self.probabilities[[not garment for garment in is_garment]].sum(axis=0)  # these are few
        clothed = bare < 1 - _CLOTHED
        if not clothed.any():
            return None
        look = self.look
        box = look.box(without_specks(clothed, min_part), self.cell)
        border = round(_AROUND * max(box.width, box.height))
        left, top = max(0, box.x - border), max(0, box.y - border)
        right = min(look.photo_size[1], box.x + box.width + border)
        bottom = min(look.photo_size[0], box.y + box.height + border)
        closer = dataclasses.replace(look, window=Box(left, top, right - left, bottom - top))
        return closer if closer.scale >= least_zoom * look.scale else None


def without_specks(mask: Bools, min_part: float) -> Bools:
    """Without the connected parts that are smaller than this share of the largest one."""
    count, parts = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    if count <= 2:
        return mask
    areas = np.bincount(parts.ravel())  # in half the time that OpenCV's statistics take
    areas[0] = 0  # the rest of the photo
    kept: Bools = (areas >= min_part * areas.max())[parts] & mask
    return kept


def iou(a: Bools, b: Bools) -> float:
    """What two masks of one size have in common, as a share of what they cover together."""
    return float((a & b).sum() / max(1, (a | b).sum()))
