"""What changes the database: one function for each write, run inside the writer's transaction."""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from search_service.filters import number
from search_service.names import Collection, load_names
from search_service.records import Added, Change, Record, Upserted
from serving.errors import NotFound


@dataclass(frozen=True)
class Effect:
    """What memory must learn once a write is committed."""

    names: bool = False
    change: Change | None = None


def create_collection(db: sqlite3.Connection, name: str, model_digest: str, dimension: int) -> tuple[bool, Effect]:
    """Makes it, or confirms that ``name`` (which may be an alias) stands for one of this model."""
    found = load_names(db).find(name)
    if found is None:
        db.execute(
            "INSERT INTO collections (name, model_digest, dimension, create_time) VALUES (?, ?, ?, ?)",
            (name, model_digest, dimension, time.time_ns() // 1000),
        )
        return True, Effect(names=True)
    found.confirm(model_digest, dimension)
    return False, Effect()


def delete_collection(db: sqlite3.Connection, name: str) -> tuple[None, Effect]:
    found = load_names(db).deletable(name)
    db.execute("DELETE FROM collections WHERE key = ?", (found.key,))
    return None, Effect(names=True)


def set_alias(db: sqlite3.Connection, alias: str, target: str) -> tuple[str, Effect]:
    """Points ``alias`` at ``target`` (a name or an alias; empty: at nothing). Gives what it pointed at before."""
    names = load_names(db)
    names.check_alias(alias)
    previous = names.aliases.get(alias, "")
    if target:
        db.execute("REPLACE INTO aliases (alias, collection) VALUES (?, ?)", (alias, names.resolve(target).key))
    else:
        db.execute("DELETE FROM aliases WHERE alias = ?", (alias,))
    return previous, Effect(names=True)


def upsert(db: sqlite3.Connection, collection: Collection, records: Sequence[Record]) -> tuple[Upserted, Effect]:
    _confirm(db, collection)
    created = 0
    removed: list[tuple[str, int]] = []
    added: list[Added] = []
    for record in records:
        item = _find(db, collection, record.id)
        if item is None:
            item = _insert(db, collection, record)
            created += 1
        else:
            removed += _update(db, item, record)
        _insert_parts(db, item, record)
        added += _insert_views(db, collection, item, record)
    vectors = np.concatenate([record.vectors for record in records])
    change = Change(collection.key, removed, added, vectors)
    return Upserted(created, len(records) - created), Effect(change=change)


def delete_items(db: sqlite3.Connection, collection: Collection, ids: Sequence[str]) -> tuple[int, Effect]:
    _confirm(db, collection)
    found = [item for item in (_find(db, collection, item_id) for item_id in dict.fromkeys(ids)) if item is not None]
    removed: list[tuple[str, int]] = []
    for item in found:
        removed += _remove_views(db, item)
        db.execute("DELETE FROM items WHERE key = ?", (item,))
    none = np.empty((0, collection.dimension), np.float32)
    return len(found), Effect(change=Change(collection.key, removed, [], none))


def _confirm(db: sqlite3.Connection, collection: Collection) -> None:
    if db.execute("SELECT 1 FROM collections WHERE key = ?", (collection.key,)).fetchone() is None:
        raise NotFound("collection", collection.name)


def _find(db: sqlite3.Connection, collection: Collection, item_id: str) -> int | None:
    row = db.execute("SELECT key FROM items WHERE collection = ? AND id = ?", (collection.key, item_id)).fetchone()
    return None if row is None else int(row[0])


def _columns(record: Record) -> tuple[str | float | bytes | None, ...]:
    fields = record.fields
    return (
        record.fingerprint,
        fields.category or None,
        fields.gender or None,
        fields.currency or None,
        fields.price,
        fields.sale_price,
        fields.in_stock,
        record.message,
    )


def _insert(db: sqlite3.Connection, collection: Collection, record: Record) -> int:
    cursor = db.execute(
        "INSERT INTO items (collection, id, fingerprint, category, gender, currency, price, sale_price, "
        "in_stock, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (collection.key, record.id, *_columns(record)),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _update(db: sqlite3.Connection, item: int, record: Record) -> list[tuple[str, int]]:
    """Gives the views that it took away."""
    db.execute(
        "UPDATE items SET fingerprint = ?, category = ?, gender = ?, currency = ?, price = ?, "
        "sale_price = ?, in_stock = ?, message = ? WHERE key = ?",
        (*_columns(record), item),
    )
    db.execute("DELETE FROM attributes WHERE item = ?", (item,))
    db.execute("DELETE FROM pictures WHERE item = ?", (item,))
    return _remove_views(db, item)


def _remove_views(db: sqlite3.Connection, item: int) -> list[tuple[str, int]]:
    return db.execute("DELETE FROM views WHERE item = ? RETURNING category, label", (item,)).fetchall()


def _insert_parts(db: sqlite3.Connection, item: int, record: Record) -> None:
    db.executemany(
        "INSERT INTO attributes (item, name, value, number) VALUES (?, ?, ?, ?)",
        [(item, name, value, number(value)) for name, value in record.attributes.items()],
    )
    if record.picture:
        db.execute("INSERT INTO pictures (item, jpeg) VALUES (?, ?)", (item, record.picture))


def _insert_views(db: sqlite3.Connection, collection: Collection, item: int, record: Record) -> list[Added]:
    added = []
    for ordinal, category, vector in zip(record.view_ordinals, record.view_categories, record.vectors, strict=True):
        cursor = db.execute(
            "INSERT INTO views (collection, item, ordinal, category, vector) VALUES (?, ?, ?, ?, ?)",
            (collection.key, item, ordinal, category, vector.astype("<f4", copy=False).tobytes()),
        )
        assert cursor.lastrowid is not None
        added.append(Added(category, cursor.lastrowid, item, ordinal, record.fields, record.message))
    return added
