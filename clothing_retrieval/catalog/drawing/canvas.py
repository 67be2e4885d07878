"""Paints marks onto a picture: edges, cloth, folds, shadows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from clothing_retrieval.catalog.drawing.fabric import Cloth
from clothing_retrieval.catalog.drawing.finishes import FINISHES, Grain
from clothing_retrieval.catalog.drawing.folds import creases, relief_light
from clothing_retrieval.catalog.drawing.geometry import Floats, Points, Pose
from clothing_retrieval.catalog.drawing.marks import Mark, Part, Print
from clothing_retrieval.catalog.drawing.motifs import stamp

_OVER = 2  # outlines are drawn so many times larger
_NOT_CLOTHING = frozenset({"wood", "clip", "skin", "under", "shoe", "hair", "lips", "features"})
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Stencil:
    """Where a mark covers the picture: coverage (h, w) uint8 within a box."""

    box: Box
    mask: Image.Image

    @property
    def coverage(self) -> Floats:
        return np.asarray(self.mask, dtype=np.float32) * np.float32(1 / 255)


class Canvas:
    """A picture under way: `pixels` is (3, h, w) float32 sRGB, 0 to 1; `mask` is 255 where the garment is seen."""

    def __init__(self, backdrop: Floats, pose: Pose, cloths: Mapping[str, Cloth], rng: np.random.Generator) -> None:
        self.pixels = backdrop
        self.height, self.width = backdrop.shape[1:]
        self.mask = Image.new("L", (self.width, self.height))
        self._pose = pose
        self._cloths = cloths
        self._grain = Grain(rng)
        self._phase = float(rng.uniform(0, 6))
        self._light, self._pull_x, self._pull_y = creases(self.width, self.height, int(rng.integers(7, 13)), rng)

    def paint(self, marks: Iterable[Mark], shadow: float = 0.0, reach: float = 3.0) -> None:
        """Paints marks in order; all of them together cast a shadow `reach` centimetres long on what is there."""
        stencils = [(mark, stencil) for mark in marks if (stencil := self._stencil(mark)) is not None]
        if shadow:
            self._cast(stencils, shadow, reach)
        for mark, stencil in stencils:
            if isinstance(mark, Part) and mark.lift:
                self._contact(stencil, mark.lift * self._pose.scale)
            self._lay(mark, stencil)
            self.mask.paste(0 if mark.cloth in _NOT_CLOTHING else 255, stencil.box[:2], stencil.mask)

    def _stencil(self, mark: Mark) -> Stencil | None:
        if isinstance(mark, Print):
            return self._stamp(mark)
        path = self._pose.place(mark.outline)
        line = mark.width * self._pose.scale
        box = self._box(path, line / 2 + 2)
        if box is None:
            return None
        left, top, right, bottom = box
        mask = Image.new("L", ((right - left) * _OVER, (bottom - top) * _OVER))
        draw = ImageDraw.Draw(mask)
        flat = [(float(x), float(y)) for x, y in (path - np.array([left, top])) * _OVER]
        if not mark.width:
            draw.polygon(flat, fill=255)
        else:
            thickness = max(1, round(line * _OVER))
            for stretch in _dashed(flat, mark.dashes * self._pose.scale * _OVER) if mark.dashes else [flat]:
                draw.line(stretch, fill=255, width=thickness, joint="curve")
            if not mark.dashes and thickness > 3:
                for x, y in (flat[0], flat[-1]):
                    radius = thickness / 2
                    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
        return Stencil(box, mask.reduce(_OVER))

    def _box(self, path: Points, margin: float) -> Box | None:
        low = np.maximum(np.floor(path.min(axis=0) - margin), 0).astype(int)
        high = np.minimum(np.ceil(path.max(axis=0) + margin), [self.width, self.height]).astype(int)
        if (high - low < 1).any():
            return None
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])

    def _stamp(self, mark: Print) -> Stencil | None:
        half = mark.size / 2
        cx, cy = mark.centre
        corners = np.array([(cx + dx * half, cy + dy * half) for dx in (-1, 1) for dy in (-1, 1)])
        box = self._box(self._pose.place(corners), 1)
        if box is None:
            return None
        left, top, right, bottom = box
        side = max(8, int(mark.size * self._pose.scale))
        per_cm = side / mark.size
        inverse = np.linalg.inv(self._pose.matrix) * per_cm
        origin = (np.array([left, top]) - self._pose.offset) @ inverse - (np.array(mark.centre) - half) * per_cm
        affine = (inverse[0, 0], inverse[1, 0], origin[0], inverse[0, 1], inverse[1, 1], origin[1])
        size = (right - left, bottom - top)
        return Stencil(
            box, stamp(mark.motif, side).transform(size, Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
        )

    def _cast(self, stencils: Sequence[tuple[Mark, Stencil]], strength: float, reach: float) -> None:
        union = Image.new("L", (self.width, self.height))
        for _, stencil in stencils:
            union.paste(255, stencil.box[:2], stencil.mask)
        small = union.reduce(4)
        far = reach * self._pose.scale / 4
        soft = small.filter(ImageFilter.GaussianBlur(far * 0.8)).transform(
            small.size, Image.Transform.AFFINE, (1, 0, -0.55 * far, 0, 1, -0.8 * far)
        )
        close = small.filter(ImageFilter.GaussianBlur(max(0.8, far * 0.2)))
        both = np.asarray(soft, np.float32) * 0.65 + np.asarray(close, np.float32) * 0.45
        field = np.asarray(Image.fromarray(both).resize((self.width, self.height), Image.Resampling.BILINEAR))
        self.pixels *= 1 - np.clip(field * np.float32(strength / 255), 0, 0.85)

    def _contact(self, stencil: Stencil, lift: float) -> None:
        """The thin shadow of a piece on the piece below."""
        margin = int(lift * 2) + 2
        left, top, right, bottom = stencil.box
        outer = (
            max(0, left - margin),
            max(0, top - margin),
            min(self.width, right + margin),
            min(self.height, bottom + margin),
        )
        sheet = Image.new("L", (outer[2] - outer[0], outer[3] - outer[1]))
        sheet.paste(stencil.mask, (left - outer[0], top - outer[1] + max(1, int(lift * 0.6))))
        dark = np.asarray(sheet.filter(ImageFilter.BoxBlur(max(1.0, lift))), np.float32)
        area = self.pixels[:, outer[1] : outer[3], outer[0] : outer[2]]
        area *= 1 - dark * np.float32(0.34 / 255)

    def _lay(self, mark: Mark, stencil: Stencil) -> None:
        part = mark if isinstance(mark, Part) else Part(np.zeros((1, 2)), mark.cloth, folds=1.0, depth=0.0)
        left, top, right, bottom = stencil.box
        cloth = self._cloths[part.cloth]
        finish = FINISHES[cloth.finish]
        x, y = self._pose.grid(left, top, right, bottom)
        light = self._light[top:bottom, left:right] * np.float32(finish.folds * part.folds)
        if part.relief is not None:
            light = light + relief_light(part.relief, x, y, self._phase) * np.float32(0.2 + 0.3 * finish.folds)
        if part.depth:
            light = light + self._rounding(stencil, part.depth)
        color = cloth.paint(*self._grain_line(part, stencil.box, x, y), self._pose.unit / self._pose.scale)
        shade = (1 + light + self._grain.of(finish, right - left, bottom - top)) * np.float32(part.shade)
        lit = color * shade
        if finish.gloss:
            shine = np.clip(light, 0, 1)
            lit += shine * shine * np.float32(finish.gloss * 4)
        cover = stencil.coverage * np.float32(part.opacity)
        area = self.pixels[:, top:bottom, left:right]
        lit -= area
        lit *= cover
        area += lit

    def _grain_line(self, part: Part, box: Box, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Pattern coordinates of a box: turned with the piece, pulled by the creases."""
        left, top, right, bottom = box
        unit = np.float32(self._pose.unit)
        pull = np.float32(self._pose.unit / self._pose.scale * part.folds)
        u = x * unit + self._pull_x[top:bottom, left:right] * pull
        v = (y - np.float32(self._pose.middle)) * unit + self._pull_y[top:bottom, left:right] * pull
        if not part.angle:
            return u, v
        c, s = np.float32(np.cos(np.radians(part.angle))), np.float32(np.sin(np.radians(part.angle)))
        return np.asarray(c * u + s * v), np.asarray(c * v - s * u)

    def _rounding(self, stencil: Stencil, depth: float) -> Floats:
        """Edges turn away from the light, more so at the bottom right."""
        radius = max(1.5, 1.3 * depth * self._pose.scale)
        width, height = stencil.mask.size
        pad = int(radius) + 1
        wide = Image.new("L", (width + 2 * pad, height + 2 * pad))
        wide.paste(stencil.mask, (pad, pad))
        soft = np.asarray(
            wide.filter(ImageFilter.BoxBlur(radius)).crop((pad, pad, pad + width, pad + height)), np.float32
        )
        inside = np.clip(soft * np.float32(2 / 255) - 1, 0, 1)
        step = max(1, int(radius / 3))
        slope = np.zeros_like(soft)
        slope[step:-step, step:-step] = (
            (soft[2 * step :, 2 * step :] - soft[: -2 * step, : -2 * step]) if min(soft.shape) > 2 * step else 0
        )
        return np.asarray(np.float32(0.2) * (np.sqrt(inside) - 1) + slope * np.float32(0.11 / 255))


def _dashed(path: list[tuple[float, float]], dash: float) -> list[list[tuple[float, float]]]:
    knots = np.array(path)
    steps = np.hypot(*np.diff(knots, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    starts = np.arange(0.0, along[-1], dash * 1.7)
    dashes = []
    for start in starts:
        at = np.array([start, min(start + dash, along[-1])])
        dashes.append(list(zip(np.interp(at, along, knots[:, 0]), np.interp(at, along, knots[:, 1]), strict=True)))
    return dashes
