"""Training photos made of labelled ones: moved, cut out, pasted elsewhere, under other light.

Everything takes its randomness from the generator it is given.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from export.labels import GARMENTS, IGNORED, LABELS
from export.photos import LabelMap
from serving.images import LETTERBOX_GREY, Raster, resize

Bools = NDArray[np.bool_]

BACKGROUND = LABELS.index("background")
_GARMENT_INDICES = [LABELS.index(label) for label in GARMENTS]
_ASPECTS = (2 / 3, 3 / 4, 3 / 4, 3 / 4, 1.0, 4 / 3, 3 / 2)  # width / height
_MIN_GARMENT = 0.01  # of the photo


@dataclass(frozen=True)
class Scene:
    """A photo, (h, w, 3), and its label map, (h, w)."""

    photo: Raster
    labels: LabelMap


def shrink(scene: Scene, side: int) -> Scene:
    """Scales down so that the longer side is at most this long."""
    height, width = scene.labels.shape
    scale = side / max(height, width)
    if scale >= 1:
        return scene
    size = (round(height * scale), round(width * scale))
    labels = cv2.resize(scene.labels, size[::-1], interpolation=cv2.INTER_NEAREST)
    return Scene(resize(scene.photo, *size), labels)


def photo_size(rng: Generator, labels: LabelMap, height: int, width: int) -> tuple[int, int]:
    """The size of a photo that has been scaled to fit a canvas: of the shape it has, or of another."""
    rows, columns = labels.shape
    aspect = columns / rows if rng.random() < 0.5 else rng.choice(_ASPECTS)
    scale = min(height, width / aspect)
    return round(scale), round(scale * aspect)


def moved(rng: Generator, scene: Scene, size: tuple[int, int]) -> Scene:
    """The photo through another camera: whole or nearer, turned, shifted; outside of it there is grey without label."""
    extent = np.array(scene.labels.shape)
    cover = float(np.max(size / extent))
    zoom = cover * np.exp(rng.normal(0, 0.08) if rng.random() < 0.5 else rng.uniform(np.log(0.8), np.log(2.0)))
    turn = rng.normal(0, 8) if rng.random() < 0.9 else rng.uniform(-180, 180)
    half_seen = np.minimum(0.5, size / (2 * zoom * extent))
    row, column = extent * rng.uniform(half_seen, 1 - half_seen)
    matrix = _camera(rng, (column, row), zoom, turn, size)
    photo = cv2.warpAffine(scene.photo, matrix, size[::-1], borderValue=(LETTERBOX_GREY,) * 3)
    return Scene(photo, _warp_labels(scene.labels, matrix, size, IGNORED))


def pasted(rng: Generator, scene: Scene, wanted: Bools, elsewhere: Scene, size: tuple[int, int], turn: float) -> Scene:
    """What is wanted of a photo, cut out and laid on another ground, turned by so many degrees.

    Args:
        wanted: (h, w) like the photo.
        elsewhere: another photo, for its background.
    """
    return laid(rng, scene, wanted, background(rng, elsewhere, size), (0.5, 1.1), turn)


def laid(rng: Generator, scene: Scene, wanted: Bools, ground: Raster, fill: tuple[float, float], turn: float) -> Scene:
    """What is wanted of a photo, (h, w) like it, laid on a ground: its box takes such a share of the ground's."""
    rows, columns = np.flatnonzero(wanted.any(axis=1)), np.flatnonzero(wanted.any(axis=0))
    size = ground.shape[:2]
    if not len(rows):
        return Scene(ground, np.full(size, BACKGROUND, np.uint8))
    centre = ((columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2)
    fit = min(size[0] / (rows[-1] - rows[0] + 1), size[1] / (columns[-1] - columns[0] + 1))
    zoom = min(5.0, fit * rng.uniform(*fill))
    matrix = _camera(rng, centre, zoom, turn, size)
    alpha = cv2.warpAffine(wanted.astype(np.float32), matrix, size[::-1])
    photo = cv2.warpAffine(scene.photo, matrix, size[::-1])
    labels = np.where(alpha > 0.5, _warp_labels(scene.labels, matrix, size, BACKGROUND), BACKGROUND)
    lit = _shadowed(rng, ground, alpha)
    soft = cv2.GaussianBlur(alpha, (3, 3), 0)[..., None]
    return Scene((photo * soft + lit * (1 - soft)).astype(np.uint8), labels.astype(np.uint8))


def background(rng: Generator, elsewhere: Scene, size: tuple[int, int]) -> Raster:
    """A ground to lay things on: a piece of another photo's background where it has a wide one, or a drawn one."""
    columns = np.flatnonzero((elsewhere.labels == BACKGROUND).mean(axis=0) > 0.99)
    runs = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
    widest = max(runs, key=len)
    if len(widest) > 32 and rng.random() < 0.6:
        strip = elsewhere.photo[:, widest[0] : widest[-1] + 1]
        top = int(rng.integers(0, max(1, len(strip) - strip.shape[1])))
        patch = strip[top : top + max(strip.shape[1], len(strip) // 2)]
        patch = np.rot90(patch, int(rng.integers(4)))
        return resize(np.ascontiguousarray(patch), *size)
    return _drawn_ground(rng, size)


def emptied(scene: Scene) -> Raster:
    """The photo without its people: where they stood, their surroundings spread out."""
    small = shrink(scene, 128)
    hole = cv2.dilate(clothed_person(small.labels).astype(np.uint8), np.ones((9, 9), np.uint8))
    filled = cv2.inpaint(small.photo, hole, 3, cv2.INPAINT_TELEA)
    alpha = cv2.resize(hole.astype(np.float32), scene.photo.shape[1::-1])[..., None]
    return (resize(filled, *scene.photo.shape[:2]) * alpha + scene.photo * (1 - alpha)).astype(np.uint8)


def relit(rng: Generator, photo: Raster) -> Raster:
    """Other light, another camera, another compression."""
    curve = 255 * (np.arange(256, dtype=np.float32) / 255) ** np.exp(rng.normal(0, 0.25))
    contrast, brightness = np.exp(rng.normal(0, 0.2)), rng.normal(0, 18)
    saturation, tint = np.exp(rng.normal(0, 0.3)), np.exp(rng.normal(0, 0.07, 3))
    colours = contrast * (np.eye(3) * saturation + np.full((3, 3), (1 - saturation) / 3)) * tint[:, None]
    shift = (127 * (1 - contrast) + brightness) * tint
    pixels = cv2.transform(cv2.LUT(photo, curve.astype(np.float32)), np.column_stack([colours, shift]))
    if rng.random() < 0.2:
        pixels += rng.standard_normal(pixels.shape, np.float32) * rng.uniform(2, 12)
    lit = np.clip(pixels, 0, 255, out=pixels).astype(np.uint8)
    if rng.random() < 0.2:
        lit = cv2.GaussianBlur(lit, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))]
        lit = cv2.imdecode(cv2.imencode(".jpg", lit, quality)[1], cv2.IMREAD_COLOR)
    return lit


def on_canvas(scene: Scene, height: int, width: int) -> Scene:
    """Placed top-left as ``serving.images.letterbox`` does; the grey rest has no label."""
    photo = np.full((height, width, 3), LETTERBOX_GREY, np.uint8)
    labels = np.full((height, width), IGNORED, np.uint8)
    rows, columns = scene.labels.shape
    photo[:rows, :columns], labels[:rows, :columns] = scene.photo, scene.labels
    return Scene(photo, labels)


def clothed_person(labels: LabelMap) -> Bools:
    """All that is labelled and not background."""
    return (labels != BACKGROUND) & (labels != IGNORED)


def some_subject(rng: Generator, labels: LabelMap) -> Bools:
    """One garment, or all that is not background."""
    areas = np.bincount(labels.ravel(), minlength=256) / labels.size
    garments = [index for index in _GARMENT_INDICES if areas[index] > _MIN_GARMENT]
    if garments and rng.random() < 0.7:
        return labels == rng.choice(garments)
    return clothed_person(labels)


def any_turn(rng: Generator) -> float:
    """Mostly upright, in degrees."""
    return float(rng.normal(0, 15) if rng.random() < 0.65 else rng.uniform(-180, 180))


def _camera(
    rng: Generator, centre: tuple[float, float], zoom: float, turn: float, size: tuple[int, int]
) -> NDArray[np.float64]:
    """(2, 3): brings the centre near the middle of the picture."""
    matrix = cv2.getRotationMatrix2D(centre, turn, zoom)
    if rng.random() < 0.5:
        matrix[0] *= -1
        matrix[0, 2] += 2 * centre[0]
    matrix[:, :2] *= np.exp(rng.normal(0, 0.08, (2, 1)))
    landed = matrix @ (*centre, 1.0)
    target = np.array([size[1], size[0]]) * (0.5 + rng.normal(0, 0.06, 2))
    matrix[:, 2] += target - landed
    return matrix


def _warp_labels(labels: LabelMap, matrix: NDArray[np.float64], size: tuple[int, int], outside: int) -> LabelMap:
    warped = cv2.warpAffine(labels, matrix, size[::-1], flags=cv2.INTER_NEAREST, borderValue=outside)
    return warped.astype(np.uint8)


def _shadowed(rng: Generator, ground: Raster, alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    shift = np.array([[1, 0, rng.normal(0, 5)], [0, 1, rng.normal(2, 5)]])
    shadow = cv2.GaussianBlur(cv2.warpAffine(alpha, shift, alpha.shape[::-1]), (0, 0), rng.uniform(2, 8))
    return ground * (1 - rng.uniform(0, 0.6) * shadow[..., None])


def _drawn_ground(rng: Generator, size: tuple[int, int]) -> Raster:
    """Paint, stripes, checks, or planks, with soft light and dark areas."""
    height, width = size
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    along = rows * np.cos(angle) + columns * np.sin(angle)
    across = columns * np.cos(angle) - rows * np.sin(angle)
    period = rng.uniform(6, 60)
    colours = rng.uniform(0, 255, (2, 3)) if rng.random() < 0.5 else rng.uniform(90, 255, (2, 1)).repeat(3, 1)
    match rng.integers(5):
        case 0:
            mix = (along // period) % 2
        case 1:
            mix = (along // period + across // period) % 2
        case 2:
            tones = rng.random(512)
            mix = tones[(along // period).astype(int) % 512] * 0.4 + (along % period < 1.5) * 0.6
        case _:
            mix = np.zeros(size)
    cloud = cv2.resize(rng.normal(0, 1, (5, 5)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    grain = cv2.resize(rng.normal(0, 1, (height // 2, width // 2)).astype(np.float32), (width, height))
    light = cloud * rng.uniform(2, 25) + grain * rng.uniform(0, 12)
    pixels = colours[0] + (colours[1] - colours[0]) * (mix * rng.uniform(0.1, 1.0))[..., None] + light[..., None]
    return pixels.clip(0, 255).astype(np.uint8)
