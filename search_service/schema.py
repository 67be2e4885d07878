"""The database: its tables, its version, and how it is opened."""

import sqlite3
from pathlib import Path

# Each script takes the schema one version further. `PRAGMA user_version` counts those that were applied.
_MIGRATIONS = (
    """
    CREATE TABLE sequence (value INTEGER NOT NULL) STRICT;   -- number of the last change, in one row
    INSERT INTO sequence VALUES (0);

    CREATE TABLE collections (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        model_digest TEXT NOT NULL,
        dimension INTEGER NOT NULL,
        create_time INTEGER NOT NULL                         -- microseconds since 1970
    ) STRICT;

    CREATE TABLE aliases (
        alias TEXT PRIMARY KEY,
        collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX aliases_by_collection ON aliases (collection);

    CREATE TABLE items (
        key INTEGER PRIMARY KEY AUTOINCREMENT,               -- stays through updates, is never used again
        collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
        id TEXT NOT NULL,
        sequence INTEGER NOT NULL,                           -- its last change
        fingerprint TEXT NOT NULL,
        category TEXT,                                       -- what follows is to filter by; NULL where absent
        gender TEXT,
        currency TEXT,
        price REAL,
        sale_price REAL,
        in_stock INTEGER,
        message BLOB NOT NULL,                               -- clothing_retrieval.v1.Item
        UNIQUE (collection, id)
    ) STRICT;
    CREATE INDEX items_by_category ON items (collection, category);
    CREATE INDEX items_by_sequence ON items (sequence);

    CREATE TABLE attributes (
        item INTEGER NOT NULL REFERENCES items ON DELETE CASCADE,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        number REAL,                                         -- the value, where it is a number
        PRIMARY KEY (item, name)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX attributes_by_value ON attributes (name, value, number);

    CREATE TABLE views (
        label INTEGER PRIMARY KEY AUTOINCREMENT,             -- grows with time, is never used again
        collection INTEGER NOT NULL,
        item INTEGER NOT NULL REFERENCES items ON DELETE CASCADE,
        ordinal INTEGER NOT NULL,
        category TEXT NOT NULL,
        vector BLOB NOT NULL,                                -- little-endian float32
        UNIQUE (item, ordinal)
    ) STRICT;

    CREATE TABLE pictures (
        item INTEGER PRIMARY KEY REFERENCES items ON DELETE CASCADE,
        jpeg BLOB NOT NULL
    ) STRICT;

    CREATE TABLE deletions (                                 -- with items.sequence: all that changed since a number
        sequence INTEGER PRIMARY KEY,
        collection INTEGER NOT NULL,
        item INTEGER NOT NULL
    ) STRICT;
    """,
    # A graph is held against labels, which grow with time: no change needs a number of its own.
    """
    DROP INDEX items_by_sequence;
    ALTER TABLE items DROP COLUMN sequence;
    DROP TABLE deletions;
    DROP TABLE sequence;
    """,
)
VERSION = len(_MIGRATIONS)


class SchemaTooNew(RuntimeError):
    """The database was written by a later release, whose tables this one does not know."""

    def __init__(self, path: Path, found: int) -> None:
        super().__init__(
            f"{path} has schema version {found}, this release knows up to {VERSION}: run the newer release, "
            "or restore a backup that was made before the upgrade"
        )
        self.found = found


def open_database(path: Path) -> sqlite3.Connection:
    """The connection that writes; makes the database, or brings it up to date. May be used by any one thread."""
    db = _connect(path)
    try:
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise SchemaTooNew(path, found)
        db.execute("PRAGMA page_size = 8192")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA cache_size = -65536")
        for version, script in enumerate(_MIGRATIONS[found:], start=found + 1):
            db.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {version}; COMMIT;")
    except BaseException:
        db.close()
        raise
    return db


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads. May be used by one thread at a time."""
    db = _connect(path)
    db.execute("PRAGMA query_only = ON")
    db.execute("PRAGMA cache_size = -16384")
    return db


def _connect(path: Path) -> sqlite3.Connection:
    # isolation_level None: transactions begin and end where the code says so.
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10, cached_statements=256)
