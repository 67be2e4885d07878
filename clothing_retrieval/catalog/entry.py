"""What a source of items yields: an item with its pictures, or why there is none."""

from dataclasses import dataclass
from pathlib import Path

from clothing_retrieval.v1.types_pb2 import Item


@dataclass(frozen=True)
class Entry:
    """An item, and where its pictures lie: in files or, where there are none, at addresses."""

    item: Item
    pictures: tuple[Path, ...] = ()
    addresses: tuple[str, ...] = ()

    @property
    def first_picture(self) -> str:
        return str((*self.pictures, *self.addresses)[0])


@dataclass(frozen=True)
class BadEntry:
    """Something in the source that cannot become an item."""

    id: str
    source: str
    """Where it stands: "items.csv, line 12"."""
    problem: str


class CatalogueError(Exception):
    """The source as a whole cannot be read. The message says what to change."""
