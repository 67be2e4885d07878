"""mmsegmentation's view of the photos: a data set and the transforms of its pipelines."""

from pathlib import Path
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS, TRANSFORMS
from numpy.random import Generator, default_rng
from torch.utils.data import get_worker_info

from export.drawn import drawn_photos
from export.labels import IGNORED, LABELS
from export.photos import Labelled, masked_shop_photos, repeated, street_photos
from export.scenes import (
    Scene,
    any_turn,
    clothed_person,
    emptied,
    laid,
    moved,
    on_canvas,
    pasted,
    photo_size,
    relit,
    shrink,
    some_subject,
)
from serving.images import letterbox, resize

Results = dict[str, Any]

_FREQUENT = 0.5
"""Labels that fewer street photos have are rare."""


@DATASETS.register_module()
class ParserDataset(BaseDataset):
    """Street photos, ``street_times`` over and those with rare labels more often, shop photos that have masks, balanced
    by ``shop_balance``, and drawn ones.

    Each sample brings ``elsewhere``: another photo, for its background.
    """

    METAINFO = {"classes": LABELS, "palette": [[index * 16] * 3 for index in range(len(LABELS))]}  # noqa: RUF012

    def __init__(
        self,
        street: str = "",
        shop: str = "",
        masks: str = "",
        drawn: str = "",
        street_times: int = 1,
        shop_balance: int = 0,
        held_out: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        self._folders = (street, shop, masks)
        self._drawn = drawn
        self._street_times = street_times
        self._shop_balance = shop_balance
        self._held_out = held_out
        self._seed = seed
        self._rng: Generator | None = None
        super().__init__(**kwargs)

    def load_data_list(self) -> list[Results]:
        street, shop, masks = self._folders
        found = street_photos(Path(street), self._held_out) if street else []
        if not self._held_out:
            found = repeated(found, self._street_times, _FREQUENT)
        if masks:
            found += masked_shop_photos(Path(shop), Path(masks), self._shop_balance)
        if self._drawn:
            found += drawn_photos(Path(self._drawn))
        return [{"labelled": labelled} for labelled in found]

    def prepare_data(self, index: int) -> Any:
        rng = self._generator()
        info = self.get_data_info(index)
        info["elsewhere"] = self.get_data_info(int(rng.integers(len(self))))["labelled"]
        info["rng"] = rng
        return self.pipeline(info)

    def _generator(self) -> Generator:
        """One for each process that loads."""
        if self._rng is None:
            worker = get_worker_info()
            self._rng = default_rng([self._seed, 0 if worker is None else worker.id + 1])
        return self._rng


@TRANSFORMS.register_module()
class MakeScene(BaseTransform):
    """A training picture: the photo moved, or its clothes pasted elsewhere, relit, letterboxed.

    Args:
        paste: the share of pictures whose clothes are pasted on another ground.
        street: the share in which the whole person is put on another street.
    """

    def __init__(self, height: int, width: int, paste: float, street: float = 0.0) -> None:
        self._size = (height, width)
        self._paste = paste
        self._street = street

    def transform(self, results: Results) -> Results:
        rng = results.pop("rng")
        elsewhere = results.pop("elsewhere")
        longer = max(self._size) * 4 // 3
        scene = shrink(_read(results["labelled"]), longer)
        size = photo_size(rng, scene.labels, *self._size)
        draw = rng.random()
        if draw < self._street:
            ground = resize(emptied(shrink(_read(elsewhere), longer)), *size)
            scene = laid(rng, scene, clothed_person(scene.labels), ground, (0.5, 1.0), float(rng.normal(0, 8)))
        elif draw < self._street + self._paste:
            wanted = some_subject(rng, scene.labels)
            scene = pasted(rng, scene, wanted, shrink(_read(elsewhere), longer), size, any_turn(rng))
        else:
            scene = moved(rng, scene, size)
        return _put(results, on_canvas(Scene(relit(rng, scene.photo), scene.labels), *self._size))


@TRANSFORMS.register_module()
class LetterboxPhoto(BaseTransform):
    """The photo as the segment service sees it."""

    def __init__(self, height: int, width: int) -> None:
        self._size = (height, width)

    def transform(self, results: Results) -> Results:
        photo, labels = results["labelled"].read()
        canvas, scale = letterbox(photo, *self._size)
        rows, columns = (min(c, max(1, round(side * scale))) for c, side in zip(self._size, labels.shape, strict=True))
        y = ((np.arange(rows) + 0.5) / scale).astype(int).clip(0, labels.shape[0] - 1)
        x = ((np.arange(columns) + 0.5) / scale).astype(int).clip(0, labels.shape[1] - 1)
        small = np.full(self._size, IGNORED, np.uint8)
        small[:rows, :columns] = labels[np.ix_(y, x)]
        return _put(results, Scene(canvas, small))


def _read(labelled: Labelled) -> Scene:
    return Scene(*labelled.read())


def _put(results: Results, scene: Scene) -> Results:
    shape = scene.labels.shape
    return {
        "img": scene.photo,
        "gt_seg_map": scene.labels,
        "seg_fields": ["gt_seg_map"],
        "img_path": str(results["labelled"].photo),
        "ori_shape": shape,
        "img_shape": shape,
    }
