"""The sample boutique: a shop whose every picture is drawn by this program.

Nothing here is a photograph, nothing is for sale. Photos of others may not be committed, so the project draws its own
clothes: good for a demo, a smoke test with known answers and load, no measure of how well real photos are searched.

    boutique/catalogue/<category>/<id>.jpg    one picture of each item
    boutique/catalogue/items.csv              what the shop knows of each
    boutique/probes/<id>.jpg                  other shots of some items, to search with
    boutique/probes/pairs.csv                 which item each shows (file, id, kind)
"""

from __future__ import annotations

import csv
import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from clothing_retrieval.catalog import assortment
from clothing_retrieval.catalog.drawing.shot import Shot, catalogue_shot, probe_shot, take
from clothing_retrieval.catalog.item import Item

DEFAULT_SEED = 7
DEFAULT_ITEMS = 600
PROBE_EVERY = 5  # one item in so many has a second shot
Progress = Callable[[int, int], None]
_FEW = 12  # so few pictures are drawn sooner than a pool has started


@dataclass(frozen=True)
class Probe:
    """Another shot of an item. kind: floor | hanger | worn. file: relative to the probes' folder."""

    file: str
    item: Item
    kind: str


@dataclass(frozen=True)
class Boutique:
    folder: Path
    items: tuple[Item, ...]
    probes: tuple[Probe, ...]

    @property
    def catalogue(self) -> Path:
        return self.folder / "catalogue"

    @property
    def probe_folder(self) -> Path:
        return self.folder / "probes"


def item(number: int, seed: int = DEFAULT_SEED) -> Item:
    """What the boutique sells under a number."""
    return assortment.item(number, seed)


def draw_item(number: int, seed: int = DEFAULT_SEED) -> Image.Image:
    """The catalogue picture of an item, in memory."""
    return draw_masked(number, seed, probe=False)[0]


def draw_masked(number: int, seed: int, *, probe: bool) -> tuple[Image.Image, Image.Image]:
    """A picture or a second shot, and where the garment is seen in it: a mask of 0 and 255 of the same size."""
    picture, mask, _ = _draw(item(number, seed), seed, probe)
    return picture, mask


def draw_probe(number: int, seed: int = DEFAULT_SEED) -> Image.Image:
    """Another shot of an item, in memory; every item has one, also those whose probe is not written to disk."""
    return draw_masked(number, seed, probe=True)[0]


def draw_boutique(
    folder: Path,
    seed: int = DEFAULT_SEED,
    items: int = DEFAULT_ITEMS,
    progress: Progress | None = None,
    processes: int | None = None,
) -> Boutique:
    """Draws a shop of so many items into a folder, over what is there, using every core unless told otherwise.

    The same seed gives the same bytes on the same machine. `progress` is called with (pictures drawn, all of them).
    """
    if items < 1:
        raise ValueError(f"a boutique needs at least one item, not {items}")
    assorted = tuple(assortment.item(number, seed) for number in range(items))
    probes = (Probe(f"{one.id}.jpg", one, _shot(one, seed, True).setting) for one in assorted if probed(one.number))
    boutique = Boutique(folder, assorted, tuple(probes))
    for category in {one.category for one in assorted}:
        (boutique.catalogue / category).mkdir(parents=True, exist_ok=True)
    boutique.probe_folder.mkdir(parents=True, exist_ok=True)
    jobs = [(one, False, boutique.catalogue / one.file) for one in assorted]
    jobs += [(probe.item, True, boutique.probe_folder / probe.file) for probe in boutique.probes]
    _draw_all(jobs, seed, progress, processes or len(os.sched_getaffinity(0)))
    _write_csv(boutique.catalogue / "items.csv", [one.row for one in assorted])
    pairs = [{"file": probe.file, "id": probe.item.id, "kind": probe.kind} for probe in boutique.probes]
    _write_csv(boutique.probe_folder / "pairs.csv", pairs)
    return boutique


def probed(number: int) -> bool:
    """Whether an item has a second shot: one in five, another one of each twenty, so that all categories have some."""
    return number % PROBE_EVERY == number // 20 % PROBE_EVERY


_Job = tuple[Item, bool, Path]


def _draw_all(jobs: Sequence[_Job], seed: int, progress: Progress | None, processes: int) -> None:
    work = partial(_save, seed)
    if processes < 2 or len(jobs) <= _FEW:
        _count(map(work, jobs), len(jobs), progress)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        _count(pool.map(work, jobs, chunksize=4), len(jobs), progress)


def _count(done: Iterable[None], total: int, progress: Progress | None) -> None:
    for count, _ in enumerate(done, start=1):
        if progress is not None:
            progress(count, total)


def _save(seed: int, job: _Job) -> None:
    one, probe, path = job
    picture, _, shot = _draw(one, seed, probe)
    picture.save(path, "JPEG", quality=shot.quality, optimize=False)


def _shot(one: Item, seed: int, probe: bool) -> Shot:
    rng = np.random.default_rng([seed, one.number, 3 if probe else 2])
    return (probe_shot if probe else catalogue_shot)(one, assortment.cut_of(one), rng)


def _draw(one: Item, seed: int, probe: bool) -> tuple[Image.Image, Image.Image, Shot]:
    shot = _shot(one, seed, probe)
    rng = np.random.default_rng([seed, one.number, 13 if probe else 12])
    return *take(one, assortment.cut_of(one), shot, rng), shot


def _write_csv(path: Path, rows: Sequence[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else ["file", "id", "kind"])
        writer.writeheader()
        writer.writerows(rows)
