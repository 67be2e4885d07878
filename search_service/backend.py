"""What keeps the items and finds them: the index of this process, or Milvus."""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Protocol

from search_service.backup import Backup
from search_service.filters import Filter
from search_service.names import Collection
from search_service.records import Match, Query, Record, Stored, Summary, Upserted
from serving.deadline import NO_DEADLINE, Deadline


class Backend(Protocol):
    """Every method may be called by any thread.

    What writes gives a future: it is resolved when the write is durable and found by the next query.
    """

    def failure(self) -> str | None:
        """Why it cannot do its work any more, or None."""

    def starting(self) -> str | None:
        """What is still to be done before it answers as fast as it can, or None."""

    def behind(self, name: str) -> bool:
        """Whether searches come in that are slower until what was written into a collection is in its place.

        Answers at once, from memory: the event loop asks. A name that means no collection is not.
        """

    def close(self) -> None:
        """Finishes the writes that wait. Nothing may begin to read any more."""

    def collection(self, name: str, field: str = "collection") -> Collection:
        """The collection that a name or an alias means. Raises InvalidField, NotFound."""

    def create_collection(self, name: str, model_digest: str, dimension: int) -> "Future[bool]": ...

    def delete_collection(self, name: str) -> "Future[None]": ...

    def set_alias(self, alias: str, target: str) -> "Future[str]":
        """Gives the collection that the alias pointed at before; empty for none."""

    def upsert(
        self, collection: Collection, records: Sequence[Record], deadline: Deadline = NO_DEADLINE
    ) -> "Future[Upserted]": ...

    def delete_items(
        self, collection: Collection, ids: Sequence[str], deadline: Deadline = NO_DEADLINE
    ) -> "Future[int]":
        """Gives how many of them there were."""

    def create_backup(self) -> Backup: ...

    def summaries(self) -> list[Summary]:
        """By name."""

    def message(self, collection: Collection, item_id: str) -> bytes:
        """The item, serialised. Raises NotFound."""

    def page(self, collection: Collection, filter: Filter, after: str, size: int) -> list[tuple[str, bytes]]:
        """Up to ``size`` ids and items, in the order of ids, of those whose id comes after ``after``."""

    def picture(self, collection: Collection, item_id: str) -> bytes:
        """Raises NotFound where there is no such item, or where it has no picture."""

    def fingerprints(self, collection: Collection, ids: Sequence[str]) -> dict[str, str]: ...

    def stored(self, collection: Collection, ids: Sequence[str]) -> list[Stored]:
        """Those of the items that there are."""

    def query(self, collection: Collection, query: Query) -> list[list[Match]]:
        """For each probe its matches, nearest first, and by id among those that are as far. Raises NotFound."""
