"""The currency of sources that name none."""

from collections.abc import Iterable, Iterator

from clothing_retrieval.catalog.entry import BadEntry, Entry
from clothing_retrieval.v1.types_pb2 import Item


def in_currency(entries: Iterable[Entry | BadEntry], currency: str) -> Iterator[Entry | BadEntry]:
    """The entries, with the currency where an item has a price in none."""
    for entry in entries:
        if isinstance(entry, Entry) and _has_price(entry.item) and not entry.item.currency:
            entry.item.currency = currency
        yield entry


def _has_price(item: Item) -> bool:
    return item.HasField("price") or item.HasField("sale_price")
