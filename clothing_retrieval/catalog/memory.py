"""What is remembered of an import: so the next one asks only for what has changed, and one that broke off goes on."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from clothing_retrieval.catalog.entry import CatalogueError
from clothing_retrieval.catalog.shop_page import ShopPage
from clothing_retrieval.catalog.web import Validators

_GOES_ON_FOR_S = 12 * 3600.0
"""An import that broke off longer ago begins anew."""
_BUSY_S = 30.0
_VERSION = 1
_SCHEMA = f"""
BEGIN;
DROP TABLE IF EXISTS run;
DROP TABLE IF EXISTS page;
DROP TABLE IF EXISTS item;
CREATE TABLE run (
    key TEXT PRIMARY KEY, began REAL, finished REAL, etag TEXT, last_modified TEXT, pruned INTEGER
);
CREATE TABLE page (
    key TEXT, address TEXT, read_at REAL, etag TEXT, last_modified TEXT, content TEXT, PRIMARY KEY (key, address)
) WITHOUT ROWID;
CREATE TABLE item (
    key TEXT, id TEXT, stored_at REAL, digest TEXT, pictures TEXT, PRIMARY KEY (key, id)
) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
COMMIT;
"""
"""What another version remembered is forgotten: it costs some requests."""

_LAST_RUN = """
SELECT began, finished, max(
    began,
    coalesce((SELECT max(read_at) FROM page WHERE page.key = run.key), 0),
    coalesce((SELECT max(stored_at) FROM item WHERE item.key = run.key), 0)
) FROM run WHERE key = ?
"""
"""When it began, when it finished, and when it last got on."""


@dataclass(frozen=True)
class KnownPage:
    page: ShopPage
    validators: Validators
    fresh: bool
    """It was read by this very import, before it broke off."""


@dataclass(frozen=True)
class KnownItem:
    digest: str
    """Of what it was made from."""
    pictures: Mapping[str, Validators]
    """By address."""
    fresh: bool


class Memory:
    """Of the imports of one source to one place. Used from many threads. Raises CatalogueError where its file fails."""

    def __init__(self, path: Path | None, key: str) -> None:
        """Without a path it is forgotten when it is closed. ``key``: names the source, the place, and all options that
        change what is stored.
        """
        self._key = key
        self._lock = threading.Lock()
        with _explained(path):
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(
                path or ":memory:", timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
            if self._database.execute("PRAGMA user_version").fetchone() != (_VERSION,):
                self._database.executescript(_SCHEMA)
        self._path = path
        self._began = self._begin()

    @property
    def goes_on(self) -> bool:
        """Whether this import takes up one that broke off."""
        return self._goes_on

    def document(self, *, pruned: bool) -> Validators:
        """Of the source as the last import left it; none where that broke off, or did not prune and this shall."""
        found = self._one("SELECT etag, last_modified, pruned FROM run WHERE key = ?", self._key)
        if not found or self._goes_on or (pruned and not found[2]):
            return Validators()
        return Validators(found[0], found[1])

    def finish(self, document: Validators, *, pruned: bool) -> None:
        """The source was read to its end. What it has no longer is forgotten. ``document``: none where a next import
        shall read it again even if it is the same."""
        update = "UPDATE run SET finished = ?, etag = ?, last_modified = ?, pruned = ? WHERE key = ?"
        self._do(update, time.time(), document.etag, document.last_modified, pruned, self._key)
        self._do("DELETE FROM page WHERE key = ? AND read_at < ?", self._key, self._began)
        self._do("DELETE FROM item WHERE key = ? AND stored_at < ?", self._key, self._began)

    def still(self) -> None:
        """The source is as it was: so is all that is known of it."""
        self._do("UPDATE run SET finished = ? WHERE key = ?", time.time(), self._key)

    def forget(self) -> None:
        for table in ("page", "item", "run"):
            self._do(f"DELETE FROM {table} WHERE key = ?", self._key)
        self._began = self._begin()

    def page(self, address: str) -> KnownPage | None:
        select = "SELECT content, etag, last_modified, read_at FROM page WHERE key = ? AND address = ?"
        if not (found := self._one(select, self._key, address)):
            return None
        content, etag, last_modified, read_at = found
        return KnownPage(ShopPage.from_json(content), Validators(etag, last_modified), read_at >= self._began)

    def keep_page(self, address: str, page: ShopPage, validators: Validators) -> None:
        values = (self._key, address, time.time(), validators.etag, validators.last_modified, page.to_json())
        self._do("INSERT OR REPLACE INTO page VALUES (?, ?, ?, ?, ?, ?)", *values)

    def item(self, id: str) -> KnownItem | None:
        select = "SELECT digest, pictures, stored_at FROM item WHERE key = ? AND id = ?"
        if not (found := self._one(select, self._key, id)):
            return None
        digest, pictures, stored_at = found
        validators = {address: Validators(*both) for address, both in json.loads(pictures).items()}
        return KnownItem(digest, validators, stored_at >= self._began)

    def keep_item(self, id: str, digest: str, pictures: Mapping[str, Validators]) -> None:
        packed = json.dumps({address: (known.etag, known.last_modified) for address, known in pictures.items()})
        self._do("INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?, ?)", self._key, id, time.time(), digest, packed)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self) -> float:
        now = time.time()
        found = self._one(_LAST_RUN, self._key)
        self._goes_on = bool(found) and found[1] is None and found[2] > now - _GOES_ON_FOR_S
        if self._goes_on:
            return float(found[0])
        self._do("INSERT OR IGNORE INTO run VALUES (?, ?, NULL, '', '', 0)", self._key, now)
        self._do("UPDATE run SET began = ?, finished = NULL WHERE key = ?", now, self._key)
        return now

    def _one(self, statement: str, *values: Any) -> Any:
        with self._lock, _explained(self._path):
            return self._database.execute(statement, values).fetchone()

    def _do(self, statement: str, *values: Any) -> None:
        with self._lock, _explained(self._path):
            self._database.execute(statement, values)


@contextmanager
def _explained(path: Path | None) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise CatalogueError(
            f"{path}, where imports are remembered, cannot be used ({error}): delete it, or name another with --memory"
        ) from None
