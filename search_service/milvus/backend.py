"""The items in Milvus: for a catalogue that outgrows one machine. Any number of these may serve one Milvus."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from search_service.backup import Backup
from search_service.filters import Filter
from search_service.graph import GraphParameters
from search_service.milvus.connection import Connection
from search_service.milvus.deletions import Deletions
from search_service.milvus.expressions import all_of, expression, one_of
from search_service.milvus.nearest import Nearest
from search_service.milvus.pictures import Pictures
from search_service.milvus.rows import HEADS, VIEW_FIELDS, Head, head_key, rows
from search_service.milvus.settings import MilvusSettings
from search_service.milvus.writer import Writer
from search_service.names import Collection, checked_name
from search_service.records import Match, Query, Record, Stored, Summary, Upserted
from serving.deadline import NO_DEADLINE, Deadline
from serving.errors import InvalidField, NotFound, NotOffered, Unavailable

log = logging.getLogger(__name__)


class MilvusBackend:
    """Implements Backend."""

    def __init__(self, settings: MilvusSettings, pictures: Path, parameters: GraphParameters, write_queue: int) -> None:
        """Raises Unavailable."""
        self._connection = Connection(settings)
        self._pictures = Pictures(pictures)
        self._deletions = Deletions(pictures / "deletions")
        self._parameters = parameters
        self._writer = Writer(write_queue)
        self._finish_deletions()
        self._loading = list(self._connection.names().collections.values())
        for collection in self._loading:
            self._connection.load(collection, wait=False)

    def failure(self) -> str | None:
        try:
            self._connection.confirm_alive()
        except Unavailable as error:
            return str(error)
        return None

    def starting(self) -> str | None:
        """Which collection Milvus still loads, of those there were. It may take longer than any one call."""
        try:
            for collection in self._loading:
                with suppress(NotFound):  # deleted meanwhile
                    if (loaded := self._connection.loaded(collection)) < 100:
                        return f"loading collection {collection.name!r}: {loaded} %"
        except Unavailable as error:
            return str(error)
        self._loading = []
        return None

    def behind(self, name: str) -> bool:
        return False

    def close(self) -> None:
        self._writer.close()
        self._connection.close()

    def collection(self, name: str, field: str = "collection") -> Collection:
        name = checked_name(name, field)
        found = self._connection.find(name)
        if found is None:
            raise NotFound("collection", name)
        return found

    # Writes

    def create_collection(self, name: str, model_digest: str, dimension: int) -> "Future[bool]":
        name = checked_name(name, "name")

        def create() -> bool:
            now = time.time_ns() // 1000
            wanted = Collection(now, name, model_digest, dimension, now)
            found = self._connection.find(name)
            if found is None and self._connection.create(wanted, self._parameters.m, self._parameters.ef_construction):
                return True
            self.collection(name).confirm(model_digest, dimension)
            return False

        return self._writer.submit(create)

    def delete_collection(self, name: str) -> "Future[None]":
        name = checked_name(name, "name")

        def delete() -> None:
            self._finish_deletions()
            found = self._connection.names().deletable(name)
            self._deletions.begin(found.key)
            self._delete(found)

        return self._writer.submit(delete)

    def set_alias(self, alias: str, target: str) -> "Future[str]":
        if not alias:
            raise InvalidField("alias", "is empty")
        alias = checked_name(alias, "alias")

        def point() -> str:
            names = self._connection.names()
            names.check_alias(alias)
            previous = names.aliases.get(alias, "")
            if target:
                self._connection.point_alias(alias, names.resolve(target), exists=bool(previous))
            elif previous:
                self._connection.drop_alias(alias)
            return previous

        return self._writer.submit(point)

    def upsert(
        self, collection: Collection, records: Sequence[Record], deadline: Deadline = NO_DEADLINE
    ) -> "Future[Upserted]":
        def write() -> Upserted:
            written = [row for i, record in enumerate(records) for row in rows(record, f"items[{i}]")]
            before = self._connection.heads(collection, [record.id for record in records])
            self._pictures.add(collection.key, [record.picture for record in records if record.picture])
            self._connection.upsert(collection, written)
            replaced = [key for head in before.values() for key in head.others()]
            try:
                if replaced:
                    self._connection.delete(collection, replaced)
            except Unavailable as error:
                log.warning("%d rows of %s were replaced but not deleted: %s", len(replaced), collection.name, error)
            return Upserted(len(records) - len(before), len(before))

        return self._writer.submit(write, deadline)

    def delete_items(
        self, collection: Collection, ids: Sequence[str], deadline: Deadline = NO_DEADLINE
    ) -> "Future[int]":
        def delete() -> int:
            heads = self._connection.heads(collection, ids)
            keys = [key for item_id, head in heads.items() for key in (head_key(item_id), *head.others())]
            if keys:
                self._connection.delete(collection, keys)
            return len(heads)

        return self._writer.submit(delete, deadline)

    def create_backup(self) -> Backup:
        raise NotOffered("backups of items in Milvus: use milvus-backup, and copy the folder of pictures after it")

    # Reads

    def summaries(self) -> list[Summary]:
        names = self._connection.names()
        return [
            Summary(
                collection,
                names.aliases_of(name),
                self._items_by_category(collection),
                self._connection.count(collection, ""),
            )
            for name, collection in sorted(names.collections.items())
        ]

    def message(self, collection: Collection, item_id: str) -> bytes:
        return self._head(collection, item_id).message

    def page(self, collection: Collection, filter: Filter, after: str, size: int) -> list[tuple[str, bytes]]:
        return [
            (head.item, head.message) for head in self._connection.page(collection, expression(filter), after, size)
        ]

    def picture(self, collection: Collection, item_id: str) -> bytes:
        digest = self._head(collection, item_id).picture
        if not digest:
            raise NotFound("picture", item_id, "was not stored with the item")
        return self._picture(collection, item_id, digest)

    def fingerprints(self, collection: Collection, ids: Sequence[str]) -> dict[str, str]:
        return {item_id: head.fingerprint for item_id, head in self._connection.heads(collection, ids).items()}

    def stored(self, collection: Collection, ids: Sequence[str]) -> list[Stored]:
        heads = self._connection.heads(collection, ids)
        keys = [key for item_id, head in heads.items() for key in (head_key(item_id), *head.others())]
        views: dict[str, list[dict[str, Any]]] = {}
        for row in self._connection.rows(collection, keys, (*VIEW_FIELDS, "view_category", "vector")):
            if row["generation"] == heads[row["item"]].generation:
                views.setdefault(row["item"], []).append(row)
        return [
            _stored(head, views[item_id], self._picture(collection, item_id, head.picture) if head.picture else b"")
            for item_id, head in heads.items()
            if len(views.get(item_id, ())) == head.views  # else it was replaced meanwhile
        ]

    def query(self, collection: Collection, query: Query) -> list[list[Match]]:
        return Nearest(self._connection, collection, self._parameters.ef).answer(query)

    def _finish_deletions(self) -> None:
        """Those that broke off, in any replica, after their collection had gone out of sight."""
        begun = self._deletions.begun()
        hidden = {collection.key: collection for collection in self._connection.hidden()} if begun else {}
        for key in begun:
            if key not in hidden:  # it has gone, or is still there for everyone
                self._deletions.end(key)
                continue
            try:
                self._delete(hidden[key])
                log.info("finished the deletion of collection %r, which had broken off", hidden[key].name)
            except (NotFound, Unavailable) as error:
                log.warning("the deletion of collection %r is not finished: %s", hidden[key].name, error)

    def _delete(self, collection: Collection) -> None:
        self._connection.drop_aliases(collection)
        self._pictures.remove_collection(collection.key)
        self._connection.drop(collection)
        self._deletions.end(collection.key)

    def _picture(self, collection: Collection, item_id: str, digest: str) -> bytes:
        jpeg = self._pictures.read(collection.key, digest)
        if jpeg is None:
            raise NotFound("picture", item_id, "is not in this replica's folder: all must see the same SEARCH_DATA_DIR")
        return jpeg

    def _head(self, collection: Collection, item_id: str) -> Head:
        head = self._connection.heads(collection, [item_id]).get(item_id)
        if head is None:
            raise NotFound("item", item_id)
        return head

    def _items_by_category(self, collection: Collection) -> dict[str, int]:
        """Asked for one category after the other: Milvus cannot group, and to read all items would take too long."""
        counts: dict[str, int] = {}
        while True:
            others = f"not ({one_of('category', counts)})" if counts else ""
            row = self._connection.first(collection, all_of(HEADS, others), ["category"])
            if row is None:
                return counts
            category = row["category"]
            counts[category] = self._connection.count(collection, all_of(HEADS, one_of("category", [category])))


def _stored(head: Head, views: list[dict[str, Any]], picture: bytes) -> Stored:
    views = sorted(views, key=lambda row: int(row["ordinal"]))
    return Stored(
        head.message,
        head.fingerprint,
        picture,
        [row["view_category"] for row in views],
        [row["ordinal"] for row in views],
        np.array([row["vector"] for row in views], np.float32),
    )
