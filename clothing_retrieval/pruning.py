"""Takes out of a catalogue what its source no longer has."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from clothing_retrieval import errors
from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.catalog.entry import BadEntry, Entry

_DELETE_AT_ONCE = 512


class Seen:
    """The ids of all entries that pass, those that cannot become items too: the source has them."""

    def __init__(self) -> None:
        self.ids: set[str] = set()

    def watch(self, entries: Iterable[Entry | BadEntry]) -> Iterator[Entry | BadEntry]:
        for entry in entries:
            if id := entry.item.id if isinstance(entry, Entry) else entry.id:
                self.ids.add(id)
            yield entry


@dataclass(frozen=True)
class Surplus:
    ids: list[str]
    """What the catalogue has, and the source has not."""
    total: int
    """All that the catalogue has."""

    @property
    def is_most(self) -> bool:
        return 2 * len(self.ids) > self.total


async def find_surplus(client: AsyncClient, collection: str, kept: Set[str]) -> Surplus:
    ids = []
    total = 0
    try:
        async for item in client.list_items(collection=collection, page_size=1000):
            total += 1
            if item.id not in kept:
                ids.append(item.id)
    except errors.NotFound:  # nothing was ever stored there
        return Surplus([], 0)
    return Surplus(ids, total)


async def remove(client: AsyncClient, collection: str, surplus: Surplus) -> int:
    """Returns how many there were."""
    removed = 0
    for start in range(0, len(surplus.ids), _DELETE_AT_ONCE):
        some = surplus.ids[start : start + _DELETE_AT_ONCE]
        removed += await client.delete_items(some, collection=collection)
    return removed
