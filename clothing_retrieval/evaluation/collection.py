"""What a collection holds of what is looked for."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from clothing_retrieval import errors
from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.evaluation.queries import Query

_AT_ONCE = 8


@dataclass(frozen=True)
class Holding:
    """How many items a collection has."""

    items: int = 0
    by_category: Mapping[str, int] = field(default_factory=dict)

    def of(self, category: str) -> int:
        return self.by_category.get(category, 0)


async def find_holding(client: AsyncClient, collection: str) -> Holding:
    """Raises NotFound where there is no collection of this name or alias."""
    name = collection or "default"
    for found in await client.list_collections():
        if name == found.name or name in found.aliases:
            return Holding(found.item_count, dict(found.items_by_category))
    error = errors.NotFound(f"collection {name!r} does not exist", reason="COLLECTION_NOT_FOUND")
    error.kind, error.name = "collection", name
    raise error


async def missing_items(client: AsyncClient, queries: Iterable[Query], collection: str) -> list[str]:
    """The ids that are sought and that the collection lacks, in order."""
    ids = list(dict.fromkeys(id for query in queries for id in query.items))
    turns = asyncio.Semaphore(_AT_ONCE)

    async def is_missing(id: str) -> bool:
        async with turns:
            try:
                await client.get_item(id, collection=collection)
            except errors.NotFound as error:
                if error.kind != "item":
                    raise
                return True
        return False

    missing = await asyncio.gather(*(is_missing(id) for id in ids))
    return [id for id, lacks in zip(ids, missing, strict=True) if lacks]


def missing_categories(queries: Sequence[Query], holding: Holding) -> list[str]:
    """The categories of photos of which there is no item, in order."""
    wanted = dict.fromkeys(query.category for query in queries if not query.items)
    return [category for category in wanted if not holding.of(category)]
