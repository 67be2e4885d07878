"""The index: collections of items on disk, and their vectors in memory."""

import logging
import math
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

from clothing_retrieval.v1.types_pb2 import Item
from search_service import store, writes
from search_service.backup import Backup, create_backup, remove_partial_backups
from search_service.fields import row_tests
from search_service.filters import Filter
from search_service.folder import Folder
from search_service.gardener import Gardener, Plan
from search_service.names import DEFAULT, Collection, Names, checked_name, load_names
from search_service.nearest import Hit, Keep, Target, Want, nearest
from search_service.records import Match, Probe, Query, Record, Stored, Summary, Upserted
from search_service.schema import open_database
from search_service.shelves import Shelves, Sizes
from search_service.snapshots import SNAPSHOTS, Snapshots
from search_service.store import Store
from search_service.writer import Writer
from search_service.writes import Effect
from serving.deadline import NO_DEADLINE, Deadline
from serving.errors import InvalidField, NotFound

log = logging.getLogger(__name__)
_SEARCHED_S = 1.0  # for so long after one, searches are said to come in


@dataclass(frozen=True)
class Limits:
    readers: int
    write_queue: int
    group: int


class Index:
    """Open from when it is made until ``close``. Every method may be called by any thread.

    What writes gives a future: it is resolved when the write is on disk and found by the next query.
    """

    def __init__(self, folder: Folder, backups: Path, plan: Plan, limits: Limits) -> None:
        self._folder = folder.path
        self._exact_below = plan.exact_below
        self._database = folder.database
        self._backups = backups
        self._names = Names()
        self._shelves: dict[int, Shelves] = {}
        self._searched = -math.inf
        self._db = open_database(self._database)
        remove_partial_backups(backups)
        self._store = Store(self._database, limits.readers)
        self._load()
        snapshots = Snapshots(folder.path / SNAPSHOTS, plan.parameters)
        self._gardener = Gardener(plan, lambda: list(self._shelves.values()), snapshots, self._searches_come_in)
        self._writer = Writer(self._db, self._apply, limits.write_queue, limits.group, self._searches_come_in)
        self._gardener.start()

    def failure(self) -> str | None:
        """Why it cannot do its work any more, or None."""
        return self._writer.failure or self._gardener.failure

    def starting(self) -> str | None:
        """What is still to be done before it answers as fast as it can, or None. It answers all the while."""
        return self._gardener.starting

    def behind(self, name: str) -> bool:
        """Whether so many of a collection's views wait to be linked that comparing with them shows in searches."""
        if not self._searches_come_in():
            return False
        collection = self._names.find(name or DEFAULT)
        shelves = self._shelves.get(collection.key) if collection else None
        return shelves is not None and self._gardener.behind(shelves.picture)

    def close(self) -> None:
        """Finishes the writes that wait. Nothing may begin to read any more."""
        self._writer.close()
        self._gardener.close()
        self._store.close()
        self._db.close()

    def settle(self, timeout_s: float) -> bool:
        """Waits until all graphs are as they should be; False where that took too long."""
        return self._gardener.settle(timeout_s)

    def sizes(self) -> dict[str, Sizes]:
        """By the name of the collection."""
        return {shelves.collection.name: shelves.picture.sizes(self._exact_below) for shelves in self._shelves.values()}

    def collection(self, name: str, field: str = "collection") -> Collection:
        """Raises InvalidField, NotFound."""
        return self._names.resolve(name, field)

    # Writes

    def create_collection(self, name: str, model_digest: str, dimension: int) -> "Future[bool]":
        name = checked_name(name, "name")
        return self._writer.submit(lambda db: writes.create_collection(db, name, model_digest, dimension))

    def delete_collection(self, name: str) -> "Future[None]":
        name = checked_name(name, "name")
        return self._writer.submit(lambda db: writes.delete_collection(db, name))

    def set_alias(self, alias: str, target: str) -> "Future[str]":
        if not alias:
            raise InvalidField("alias", "is empty")
        alias = checked_name(alias, "alias")
        return self._writer.submit(lambda db: writes.set_alias(db, alias, target))

    def upsert(
        self, collection: Collection, records: Sequence[Record], deadline: Deadline = NO_DEADLINE
    ) -> "Future[Upserted]":
        return self._writer.submit(lambda db: writes.upsert(db, collection, records), deadline)

    def delete_items(
        self, collection: Collection, ids: Sequence[str], deadline: Deadline = NO_DEADLINE
    ) -> "Future[int]":
        return self._writer.submit(lambda db: writes.delete_items(db, collection, ids), deadline)

    def create_backup(self) -> Backup:
        return create_backup(self._database, self._backups)

    # Reads

    def summaries(self) -> list[Summary]:
        names, shelves = self._names, self._shelves
        with self._store.reading() as db:
            counts = store.counts(db)
        return [
            Summary(
                collection,
                names.aliases_of(name),
                dict(counts.get(collection.key, {})),
                shelves[collection.key].picture.view_count() if collection.key in shelves else 0,
            )
            for name, collection in sorted(names.collections.items())
        ]

    def message(self, collection: Collection, item_id: str) -> bytes:
        with self._store.reading() as db:
            return store.message(db, collection, item_id)

    def page(self, collection: Collection, filter: Filter, after: str, size: int) -> list[tuple[str, bytes]]:
        with self._store.reading() as db:
            return store.page(db, collection, filter, after, size)

    def picture(self, collection: Collection, item_id: str) -> bytes:
        with self._store.reading() as db:
            return store.picture(db, collection, item_id)

    def fingerprints(self, collection: Collection, ids: Sequence[str]) -> dict[str, str]:
        with self._store.reading() as db:
            return store.fingerprints(db, collection, ids)

    def stored(self, collection: Collection, ids: Sequence[str]) -> list[Stored]:
        with self._store.reading() as db:
            return store.stored(db, collection, ids)

    def query(self, collection: Collection, query: Query) -> list[list[Match]]:
        """For each probe its matches, nearest first, and by id among those that are as far.

        Memory answers alone, but for probes by an item's id and for conditions on attributes.
        """
        self._searched = time.monotonic()
        shelves = self._shelves.get(collection.key)
        if shelves is None:
            raise NotFound("collection", collection.name)
        # Taken before the database is read, so that the database is never behind it.
        picture = shelves.picture
        targets = [self._target(collection, probe) for probe in query.probes]
        want = Want(query.top_k, query.max_distance, query.exact)
        if query.filter.has_attributes:
            with self._store.reading() as db:
                want = replace(want, keep=Keep(keys=store.kept(db, collection, query.filter)))
                answers = nearest(picture, targets, want)
                known = store.messages(db, {hit.item for hits in answers for hit in hits})
            return [_by_id(hits, [known[hit.item] for hit in hits], want.count) for hits in answers]
        if query.filter:
            want = replace(want, keep=Keep(row_tests(query.filter, shelves.vocabulary)))
        return [
            _by_id(hits, [picture.message(hit.category, hit.place) for hit in hits], want.count)
            for hits in nearest(picture, targets, want)
        ]

    def _target(self, collection: Collection, probe: Probe) -> Target:
        if probe.vectors is not None:
            return Target(probe.vectors, probe.categories, frozenset())
        with self._store.reading() as db:
            item, vectors = store.item_vectors(db, collection, probe.item_id)
        return Target(vectors, probe.categories, frozenset({item}))

    def _searches_come_in(self) -> bool:
        return time.monotonic() < self._searched + _SEARCHED_S

    # Memory

    def _apply(self, effects: Sequence[Effect]) -> None:
        if any(effect.names for effect in effects):
            self._learn_names()
        for effect in effects:
            if effect.change is not None and effect.change.collection in self._shelves:
                self._shelves[effect.change.collection].apply(effect.change)
        self._gardener.wake()

    def _learn_names(self) -> None:
        names = load_names(self._db)
        collections = names.collections.values()
        # Shelves first: whoever finds a name finds its shelves.
        self._shelves = {each.key: self._shelves.get(each.key) or Shelves(each, self._folder) for each in collections}
        self._names = names

    def _load(self) -> None:
        started = time.monotonic()
        self._learn_names()
        dimensions = {key: shelves.collection.dimension for key, shelves in self._shelves.items()}
        count = 0
        with self._store.reading() as db:
            for loaded in store.views(db, dimensions):
                self._shelves[loaded.collection].load(loaded)
                count += len(loaded.labels)
        log.info("loaded %d views of %d collections in %.2f s", count, len(dimensions), time.monotonic() - started)


def _by_id(hits: Sequence[Hit], messages: Sequence[bytes], count: int) -> list[Match]:
    matches = [
        Match(hit.distance, Item.FromString(message).id, message, hit.view)
        for hit, message in zip(hits, messages, strict=True)
    ]
    matches.sort()
    return matches[:count]
