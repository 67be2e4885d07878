"""What the database tells: every statement that only reads."""

import json
import queue
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from search_service.filter_sql import within
from search_service.filters import Filter
from search_service.names import Collection
from search_service.records import Keys, Loaded, Matrix, Stored
from search_service.schema import open_reader
from serving.errors import NotFound

_LOAD_ROWS = 4096
_ITEMS_A_ROW = 512
"""For each row this thread lets go of the interpreter, and may wait until it has it again; so many items are at most
50 MB of text."""
_KEY_BITS = 12
"""Keys that differ only in so many of their bits come as one row: they are read in a quarter of a millisecond."""


class Store:
    """Connections that read, shared by ``connections`` threads. Each reading sees the database as of one moment."""

    def __init__(self, path: Path, connections: int) -> None:
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._count = connections
        for _ in range(connections):
            self._idle.put(open_reader(path))

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        db = self._idle.get()
        try:
            db.execute("BEGIN")
            try:
                yield db
            finally:
                db.execute("ROLLBACK")
        finally:
            self._idle.put(db)

    def close(self) -> None:
        """Waits for what still reads; nothing may begin to."""
        for _ in range(self._count):
            self._idle.get().close()


def message(db: sqlite3.Connection, collection: Collection, item_id: str) -> bytes:
    """The item as it was written. Raises NotFound."""
    row = db.execute("SELECT message FROM items WHERE collection = ? AND id = ?", (collection.key, item_id)).fetchone()
    if row is None:
        raise NotFound("item", item_id)
    return bytes(row[0])


def messages(db: sqlite3.Connection, items: Iterable[int]) -> dict[int, bytes]:
    """By the key of the item; of items that are there."""
    wanted = sorted(items)
    known: dict[int, bytes] = {}
    for start in range(0, len(wanted), _ITEMS_A_ROW):
        (found,) = db.execute(
            "SELECT json_group_array(json_array(key, hex(message))) FROM items "
            "WHERE key IN (SELECT value FROM json_each(?))",
            (json.dumps(wanted[start : start + _ITEMS_A_ROW]),),
        ).fetchone()
        known.update((key, bytes.fromhex(blob)) for key, blob in json.loads(found))
    return known


def page(
    db: sqlite3.Connection, collection: Collection, filter: Filter, after: str, size: int
) -> list[tuple[str, bytes]]:
    """Up to ``size`` ids and messages, in the order of ids, of items whose id comes after ``after``."""
    condition, parameters = within(filter, collection.key)
    return db.execute(
        f"SELECT id, message FROM items WHERE {condition} AND id > ? ORDER BY id LIMIT ?", (*parameters, after, size)
    ).fetchall()


def picture(db: sqlite3.Connection, collection: Collection, item_id: str) -> bytes:
    """Raises NotFound where there is no such item, or where it has no picture."""
    row = db.execute(
        "SELECT jpeg FROM items LEFT JOIN pictures ON item = key WHERE collection = ? AND id = ?",
        (collection.key, item_id),
    ).fetchone()
    if row is None:
        raise NotFound("item", item_id)
    if row[0] is None:
        raise NotFound("picture", item_id, "was not stored with the item")
    return bytes(row[0])


def fingerprints(db: sqlite3.Connection, collection: Collection, ids: Sequence[str]) -> dict[str, str]:
    rows = db.execute(
        f"SELECT id, fingerprint FROM items WHERE collection = ? AND id IN ({', '.join('?' * len(ids))})",
        (collection.key, *ids),
    )
    return dict(rows.fetchall())


def counts(db: sqlite3.Connection) -> dict[int, Mapping[str, int]]:
    """For each collection (by key) that has items, how many there are of each category."""
    found: dict[int, dict[str, int]] = {}
    for key, category, count in db.execute("SELECT collection, category, count(*) FROM items GROUP BY 1, 2"):
        found.setdefault(key, {})[category or ""] = count
    return dict(found)


def item_vectors(db: sqlite3.Connection, collection: Collection, item_id: str) -> tuple[int, Matrix]:
    """An item's key and vectors, (views, dimension). Raises NotFound."""
    rows = db.execute(
        "SELECT i.key, v.vector FROM items AS i JOIN views AS v ON v.item = i.key "
        "WHERE i.collection = ? AND i.id = ? ORDER BY v.ordinal",
        (collection.key, item_id),
    ).fetchall()
    if not rows:
        raise NotFound("item", item_id)
    return rows[0][0], to_matrix([row[1] for row in rows], collection.dimension)


def stored(db: sqlite3.Connection, collection: Collection, ids: Sequence[str]) -> list[Stored]:
    """Those of the items that there are."""
    items = db.execute(
        "SELECT key, message, fingerprint, coalesce(jpeg, x'') FROM items LEFT JOIN pictures ON item = key "
        f"WHERE collection = ? AND id IN ({', '.join('?' * len(ids))})",
        (collection.key, *ids),
    ).fetchall()
    found = []
    for key, item, fingerprint, jpeg in items:
        rows = db.execute("SELECT category, ordinal, vector FROM views WHERE item = ? ORDER BY ordinal", (key,))
        categories, ordinals, vectors = zip(*rows, strict=True)
        found.append(Stored(item, fingerprint, jpeg, categories, ordinals, to_matrix(vectors, collection.dimension)))
    return found


def kept(db: sqlite3.Connection, collection: Collection, filter: Filter) -> Keys:
    """Keys of the items that a filter keeps. Raises NotFound where the collection was deleted meanwhile."""
    if db.execute("SELECT 1 FROM collections WHERE key = ?", (collection.key,)).fetchone() is None:
        raise NotFound("collection", collection.name)
    condition, parameters = within(filter, collection.key)
    rows = db.execute(
        f"SELECT json_group_array(key) FROM items WHERE {condition} GROUP BY key >> {_KEY_BITS}", parameters
    )
    return np.concatenate([np.empty(0, np.int64), *(np.array(json.loads(keys), np.int64) for (keys,) in rows)])


def views(db: sqlite3.Connection, dimensions: Mapping[int, int]) -> Iterator[Loaded]:
    """All views, in the order of their labels, in pieces of one collection and category."""
    cursor = db.execute(
        "SELECT v.collection, v.category, v.label, v.item, v.ordinal, v.vector, i.message, coalesce(i.category, ''), "
        "coalesce(i.gender, ''), coalesce(i.currency, ''), i.price, i.sale_price, i.in_stock "
        "FROM views AS v CROSS JOIN items AS i ON i.key = v.item ORDER BY v.label"
    )
    while rows := cursor.fetchmany(_LOAD_ROWS):
        pieces: dict[tuple[int, str], list[tuple[Any, ...]]] = {}
        for row in rows:
            pieces.setdefault(row[:2], []).append(row[2:])
        for (collection, category), piece in pieces.items():
            labels, items, ordinals, vectors, messages, *fields = zip(*piece, strict=True)
            yield Loaded(
                collection,
                category,
                np.array(labels, np.int64),
                np.array(items, np.int64),
                np.array(ordinals, np.uint8),
                list(zip(*fields, strict=True)),
                messages,
                to_matrix(vectors, dimensions[collection]),
            )


def to_matrix(blobs: Sequence[bytes], dimension: int) -> Matrix:
    return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), dimension).astype(np.float32, copy=False)
