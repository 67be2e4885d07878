"""Where items come from."""

from collections.abc import Iterator
from typing import Protocol

from clothing_retrieval.catalog.entry import BadEntry, Entry


class Source(Protocol):
    @property
    def kind(self) -> str:
        """As ``--kind`` names it."""

    @property
    def expected(self) -> int | None:
        """How many entries there will be, as far as can be told by now."""

    @property
    def missing(self) -> str:
        """Why the source may hold more than was yielded; empty where all of it was."""

    def entries(self) -> Iterator[Entry | BadEntry]:
        """All of them; asked for once. May wait for a network, and belongs into a thread then.

        Raises:
            CatalogueError: it cannot be read, or not to its end; what was yielded before stands.
        """
