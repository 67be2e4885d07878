"""How good searches are, measured on a labelled folder: a sub-folder is the category of its photos.

Precision@k is the share, over all photos, of the first k items that bear the photo's category, among those found for
its largest garment. An item that was not found counts as wrong, and so does every item of a photo without an answer.

Intervals are those of the bootstrap: percentiles of the figure over photos drawn anew with replacement (Efron and
Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clothing_retrieval import errors
from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.catalog.entry import CatalogueError
from clothing_retrieval.catalog.folder import find_pictures
from clothing_retrieval.display import is_whole_photo
from clothing_retrieval.v1.retrieval_service_pb2 import CATEGORY_MATCHING_UNSPECIFIED, CategoryMatching

_RESAMPLES = 2000


@dataclass(frozen=True)
class LabelledPhoto:
    path: Path
    category: str


@dataclass(frozen=True)
class Judged:
    """What a search for one photo found."""

    photo: LabelledPhoto
    found: tuple[str, ...] = ()
    """The categories of the items found for its largest garment, nearest first."""
    whole_photo: bool = False
    """No garment was found: the whole photo was searched with."""
    problem: str = ""
    """Why there is no answer."""
    seconds: float = 0.0
    """From the call to the answer, beside the other calls."""

    def correct(self, k: int) -> int:
        return self.found[:k].count(self.photo.category)


@dataclass(frozen=True)
class Evaluation:
    judged: Sequence[Judged]

    @property
    def answered(self) -> int:
        return sum(not one.problem for one in self.judged)

    @property
    def whole_photos(self) -> int:
        return sum(one.whole_photo for one in self.judged)

    @property
    def problems(self) -> list[Judged]:
        return [one for one in self.judged if one.problem]

    def precision(self, k: int) -> float:
        """In [0, 1]."""
        return sum(one.correct(k) for one in self.judged) / (k * max(1, len(self.judged)))

    def precision_interval(self, k: int) -> tuple[float, float]:
        """Within which precision@k lies, at 95 % confidence; the same for the same photos."""
        shares = np.array([one.correct(k) / k for one in self.judged] or [0.0])
        drawn = np.random.default_rng(0).integers(len(shares), size=(_RESAMPLES, len(shares)))
        low, high = np.percentile(shares[drawn].mean(axis=1), [2.5, 97.5])
        return float(low), float(high)

    def median_seconds(self) -> float:
        """Of the photos with an answer; 0 where there is none."""
        return float(np.median([one.seconds for one in self.judged if not one.problem] or [0.0]))

    def by_category(self) -> dict[str, "Evaluation"]:
        categories = sorted({one.photo.category for one in self.judged})
        return {name: Evaluation([one for one in self.judged if one.photo.category == name]) for name in categories}


def labelled_photos(folder: Path) -> list[LabelledPhoto]:
    """The photos in the sub-folders of ``folder``.

    Raises:
        CatalogueError: there are none.
    """
    paths = [(path, path.relative_to(folder).parts) for path in find_pictures(folder)] if folder.is_dir() else []
    photos = [LabelledPhoto(path, parts[0]) for path, parts in paths if len(parts) > 1]
    if not photos:
        raise CatalogueError(f"{folder} has no sub-folders with pictures: a sub-folder is the category of its photos")
    return photos


async def evaluate(
    client: AsyncClient,
    photos: Sequence[LabelledPhoto],
    *,
    collection: str = "",
    top_k: int = 5,
    whole_image: bool = False,
    category_matching: CategoryMatching = CATEGORY_MATCHING_UNSPECIFIED,
    at_once: int = 8,
    on_progress: Callable[[int], None] = lambda done: None,
) -> Evaluation:
    """Searches with every photo, ``at_once`` at a time."""
    turns = asyncio.Semaphore(at_once)
    done = 0

    async def judge(photo: LabelledPhoto) -> Judged:
        nonlocal done
        async with turns:
            began = time.perf_counter()
            try:
                response = await client.search(
                    photo.path,
                    collection=collection,
                    top_k=top_k,
                    whole_image=whole_image,
                    category_matching=category_matching,
                )
            except (errors.RetrievalError, OSError) as error:
                return Judged(photo, problem=str(error))
            finally:
                done += 1
                on_progress(done)
            seconds = time.perf_counter() - began
        largest = response.results[0]
        found = tuple(match.item.category for match in largest.matches)
        return Judged(photo, found, is_whole_photo(largest), seconds=seconds)

    return Evaluation(await asyncio.gather(*(judge(photo) for photo in photos)))
