"""Photos to show a search with: those whose answer is known, and a few of somebody's own."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from clothing_retrieval.catalog.entry import BadEntry, Entry
from clothing_retrieval.v1.retrieval_service_pb2 import SearchResponse

T = TypeVar("T")


@dataclass(frozen=True)
class Sample:
    """A photo, and the item that is in it."""

    path: Path
    item_id: str
    note: str = ""


def second_shots(folder: Path) -> list[Sample]:
    """The photos that pairs.csv names (file, id, kind): other shots of items in the catalogue."""
    with (folder / "pairs.csv").open(encoding="utf-8", newline="") as file:
        return [Sample(folder / row["file"], row["id"], row["kind"]) for row in csv.DictReader(file)]


def catalogue_photos(entries: Sequence[Entry | BadEntry], count: int) -> list[Sample]:
    """Some of the catalogue's own photos, from all over it."""
    usable = [entry for entry in entries if isinstance(entry, Entry)]
    return [Sample(entry.pictures[0], entry.item.id) for entry in spread(usable, count)]


def spread(values: Sequence[T], count: int) -> list[T]:
    """So many of the values, evenly from the first to the last."""
    count = min(count, len(values))
    return [values[number * len(values) // count] for number in range(count)]


def found_rank(response: SearchResponse, item_id: str) -> int | None:
    """The best rank, from 1, at which any garment of the photo found the item."""
    ranks = [
        rank for found in response.results for rank, match in enumerate(found.matches, 1) if match.item.id == item_id
    ]
    return min(ranks, default=None)


def without(response: SearchResponse, item_id: str, top_k: int) -> SearchResponse:
    """The response with ``top_k`` matches for each garment, none of them the item itself."""
    rest = SearchResponse()
    rest.CopyFrom(response)
    for found in rest.results:
        others = [match for match in found.matches if match.item.id != item_id][:top_k]
        del found.matches[:]
        found.matches.extend(others)
    return rest
