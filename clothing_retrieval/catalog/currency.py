"""The currency of sources that name none."""

from collections.abc import Iterable, Iterator

from clothing_retrieval.catalog.entry import BadEntry, Entry


def in_currency(entries: Iterable[Entry | BadEntry], currency: str) -> Iterator[Entry | BadEntry]:
    """The entries, with the currency where an item has a price in none."""
    for entry in entries:
        if isinstance(entry, Entry) and entry.item.HasField("price") and not entry.item.currency:
            entry.item.currency = currency
        yield entry
