"""A picture taken of an item: how it lies or hangs, where, in what light, through what lens."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFilter

from clothing_retrieval.catalog.drawing.backdrops import FLOORS, TONES, WALLS, backdrop
from clothing_retrieval.catalog.drawing.canvas import Canvas
from clothing_retrieval.catalog.drawing.cut import Cut
from clothing_retrieval.catalog.drawing.figure import bust, figure, hanger
from clothing_retrieval.catalog.drawing.geometry import Floats, Points, Pose
from clothing_retrieval.catalog.drawing.marks import Mark, Part, Print
from clothing_retrieval.catalog.drawing.stance import Stance
from clothing_retrieval.catalog.drawing.wardrobe import cloths, flesh
from clothing_retrieval.catalog.item import Item
from clothing_retrieval.catalog.palette import COLORS, Color, difference

WIDTH, HEIGHT = 480, 640


@dataclass(frozen=True)
class Shot:
    """setting: floor | hanger | worn; light: gains of red, green, blue; blur: in pixels; quality: of the JPEG."""

    setting: str
    ground: str
    tone: Color
    stance: Stance
    fill: float
    angle: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    shear: float = 0.0
    light: tuple[float, float, float] = (1.0, 1.0, 1.0)
    blur: float = 0.0
    noise: float = 0.006
    quality: int = 88
    dress_form: bool = False


def catalogue_shot(item: Item, cut: Cut, rng: np.random.Generator) -> Shot:
    """As a shop photographs: upright, evenly lit, nothing in the way."""
    setting = "hanger" if cut.hung and rng.random() < 0.35 else "floor"
    ground, tone = _surroundings(item, WALLS if setting == "hanger" else FLOORS, rng)
    return Shot(setting, ground, tone, _laid(setting, rng), float(rng.uniform(0.82, 0.9)), float(rng.normal(0, 1.2)))


def probe_shot(item: Item, cut: Cut, rng: np.random.Generator) -> Shot:
    """As a shopper photographs: at home, askew, in the light there is; or somebody wears it."""
    settings = ["floor", "floor"] + (["hanger"] if cut.hung else []) + (["worn"] if cut.worn else [])
    setting = settings[int(rng.integers(len(settings)))]
    ground, tone = _surroundings(item, FLOORS if setting == "floor" else WALLS, rng)
    warmth, level = float(rng.normal(0, 0.045)), float(rng.uniform(0.8, 1.02))
    shot = Shot(
        setting,
        ground,
        tone,
        _laid(setting, rng),
        float(rng.uniform(0.66, 0.82)),
        float(np.clip(rng.normal(0, 4.5), -9, 9)),
        (float(rng.normal(0, 0.035)), float(rng.normal(0, 0.03))),
        float(rng.normal(0, 0.02)),
        (level * (1 + warmth), level, level * (1 - warmth)),
        float(rng.uniform(0.2, 0.7)),
        float(rng.uniform(0.008, 0.018)),
        int(rng.integers(68, 86)),
    )
    if setting == "worn":
        upright = replace(shot, angle=shot.angle * 0.3, shear=0.0, fill=float(rng.uniform(0.66, 0.8)))
        return replace(upright, dress_form=cut.worn == "full" and bool(rng.random() < 0.3))
    return shot


def take(item: Item, cut: Cut, shot: Shot, rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """The picture, and where the garment is seen in it: a mask of 0 and 255 of the same size."""
    garment = _with_print(item, cut, cut.draw(shot.stance))
    pose = _posed(garment, shot, rng)
    scene = backdrop(shot.ground, shot.tone, WIDTH, HEIGHT, rng)
    wearer = flesh(rng, shot.dress_form) if shot.setting == "worn" else {}
    canvas = Canvas(scene, pose, {**cloths(item), **wearer}, rng)
    behind = [mark for mark in garment if mark.behind]
    front = [mark for mark in garment if not mark.behind]
    if shot.setting == "worn":
        body = bust() if cut.worn == "head" else figure(cut.worn or "full", shot.stance)
        if shot.dress_form:
            body = [mark for mark in body if isinstance(mark, Part) and mark.cloth in ("skin", "under")]
        canvas.paint(body, shadow=0.22, reach=4.0)
        canvas.paint(front)
    else:
        reach = 3.2 if shot.setting == "hanger" else 1.6
        rack = list(hanger(cut.worn or "upper")) if shot.setting == "hanger" else []
        canvas.paint([*behind, *rack, *front], shadow=0.5, reach=reach / pose.unit)
    return _developed(canvas.pixels, shot, rng), canvas.mask


def _with_print(item: Item, cut: Cut, marks: list[Mark]) -> list[Mark]:
    if not item.print or cut.chest is None:
        return marks
    printed = Print(item.print, cut.chest, cut.print_size)
    body = max(
        (k for k, mark in enumerate(marks) if isinstance(mark, Part) and mark.cloth == "main"),
        key=lambda k: _area(marks[k]),
    )
    return [*marks[: body + 1], printed, *marks[body + 1 :]]


def _area(mark: Mark) -> float:
    return float(np.prod(np.ptp(mark.outline, axis=0))) if isinstance(mark, Part) else 0.0


def _posed(garment: list[Mark], shot: Shot, rng: np.random.Generator) -> Pose:
    outlines: list[Points] = [mark.outline for mark in garment if isinstance(mark, Part)]
    waves = np.array(
        [
            (
                rng.normal(0, 0.0035),
                rng.normal(0, 0.0035),
                rng.uniform(-0.12, 0.12),
                rng.uniform(-0.12, 0.12),
                rng.uniform(0, 6),
            )
            for _ in range(3)
        ]
    )
    return Pose.fit(outlines, WIDTH, HEIGHT, shot.fill, shot.angle, shot.shift, shot.shear, waves)


def _laid(setting: str, rng: np.random.Generator) -> Stance:
    if setting == "worn":
        arm = float(rng.uniform(13, 19))
        return Stance(arm, arm + float(rng.normal(0, 1.5)), float(rng.uniform(2, 6)), float(rng.uniform(1.5, 3.5)))
    arm = float(rng.uniform(15, 23)) if setting == "hanger" else float(rng.uniform(26, 42))
    return Stance(
        arm + float(rng.normal(0, 2)),
        arm + float(rng.normal(0, 2)),
        float(rng.uniform(4, 26)),
        float(rng.uniform(1.0, 6.0)),
    )


def _surroundings(item: Item, kinds: tuple[str, ...], rng: np.random.Generator) -> tuple[str, Color]:
    """A surface against which the item can be seen: the best of a few."""
    best: tuple[float, str, Color] | None = None
    for _ in range(4):
        kind = kinds[int(rng.integers(len(kinds)))]
        tone = TONES[kind][int(rng.integers(len(TONES[kind])))]
        contrast = difference(tone, COLORS[item.colors[0]])
        if best is None or contrast > best[0]:
            best = (contrast, kind, tone)
        if contrast > 0.3:
            break
    assert best is not None
    return best[1], best[2]


def _developed(pixels: Floats, shot: Shot, rng: np.random.Generator) -> Image.Image:
    """Through the lens: the colour of the light, its fall to the corners, blur, noise."""
    x, y = np.linspace(-1, 1, WIDTH, dtype=np.float32), np.linspace(-1, 1, HEIGHT, dtype=np.float32)[:, None]
    light = 1 - np.float32(0.09) * (x * x + y * y)
    speckle = rng.standard_normal((HEIGHT // 2, WIDTH // 2), dtype=np.float32) * np.float32(shot.noise)
    exposed = pixels * (light * np.float32(255))
    exposed *= np.array(shot.light, np.float32)[:, None, None]
    exposed += np.tile(speckle, (2, 2)) * np.float32(255) + np.float32(0.5)
    np.clip(exposed, 0, 255, out=exposed)
    picture = Image.merge("RGB", [Image.fromarray(channel) for channel in exposed.astype(np.uint8)])
    return picture.filter(ImageFilter.GaussianBlur(shot.blur)) if shot.blur else picture
