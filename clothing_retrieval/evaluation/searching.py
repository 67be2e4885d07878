"""Searching with many photos, and how long it takes.

A search's time is from the call to the answer, as the caller sees it, while ``at_once`` searches run: it contains the
wait for each other, and ``DEPTH`` items for each garment instead of the few that a shop asks for (on two CPU cores, 4
of 66 ms). The photo is read from disk before.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clothing_retrieval import errors
from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.evaluation.queries import Query
from clothing_retrieval.v1.retrieval_service_pb2 import (
    CATEGORY_MATCHING_UNSPECIFIED,
    CategoryMatching,
    GarmentMatches,
)

DEPTH = 100
"""How many items are asked for: the most that a gateway returns."""


@dataclass(frozen=True)
class Way:
    """How to search."""

    collection: str = ""
    whole_image: bool = False
    category_matching: CategoryMatching = CATEGORY_MATCHING_UNSPECIFIED
    alternatives: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """An item that was found."""

    id: str
    category: str
    distance: float
    title: str = ""


@dataclass(frozen=True, slots=True)
class Garment:
    """What was found for one garment, nearest first."""

    category: str
    """Empty: no garment, but the whole photo."""
    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class Answer:
    query: Query
    garments: tuple[Garment, ...] = ()
    """Largest first, then alternatives."""
    problem: str = ""
    """Why there is no answer."""
    seconds: float = 0.0

    @property
    def whole_photo(self) -> bool:
        """No garment was found, or none was looked for: the whole photo was searched with."""
        return bool(self.garments) and not self.garments[0].category


async def search_all(
    client: AsyncClient,
    queries: Sequence[Query],
    way: Way,
    *,
    at_once: int,
    on_progress: Callable[[int], None] = lambda done: None,
) -> list[Answer]:
    """An answer for each query, in their order."""
    turns = asyncio.Semaphore(at_once)
    done = 0

    async def answer(query: Query) -> Answer:
        nonlocal done
        async with turns:
            found = await _search(client, query, way)
        done += 1
        on_progress(done)
        return found

    return list(await asyncio.gather(*(answer(query) for query in queries)))


async def warm_up(client: AsyncClient, queries: Sequence[Query], way: Way, *, at_once: int) -> None:
    """Makes ``at_once`` searches that count for nothing, so that the first that do are as quick as the rest."""
    await asyncio.gather(*(_search(client, query, way) for query in queries[:at_once]))


async def _search(client: AsyncClient, query: Query, way: Way) -> Answer:
    try:
        photo = await asyncio.to_thread(query.photo.read_bytes)
        began = time.perf_counter()
        response = await client.search(
            photo,
            collection=way.collection,
            top_k=DEPTH,
            whole_image=way.whole_image,
            category_matching=way.category_matching,
            include_alternatives=way.alternatives,
            skip_cache=True,  # ways are compared by their time, too
        )
        seconds = time.perf_counter() - began
    except (errors.RetrievalError, OSError) as error:
        return Answer(query, problem=str(error))
    return Answer(query, tuple(_garment(found) for found in response.results), seconds=seconds)


def _garment(found: GarmentMatches) -> Garment:
    hits = (
        Hit(match.item.id, match.item.category, match.distance, match.item.title or match.item.id)
        for match in found.matches
    )
    return Garment(found.garment.category, tuple(hits))
