"""Consistent copies of the database, made while it goes on serving."""

import os
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from search_service.folder import sync_folder
from serving.errors import Unavailable

_PARTIAL = ".partial"


@dataclass(frozen=True)
class Backup:
    name: str
    size_bytes: int


def create_backup(database: Path, folder: Path) -> Backup:
    """A new folder below ``folder``, named by the time in UTC, with the database in it; whole, or not there at all."""
    partial = folder / f"{os.getpid()}-{time.monotonic_ns()}{_PARTIAL}"
    try:
        partial.mkdir(parents=True)
        copy = partial / database.name
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as db:
            db.execute("VACUUM INTO ?", (str(copy),))
        with copy.open("rb+") as file:
            os.fsync(file.fileno())
        sync_folder(partial)
        size_bytes = copy.stat().st_size
        name = _rename(partial, folder)
    except (OSError, sqlite3.Error) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise Unavailable("search", f"unable to write a backup below {folder}: {error}") from error
    return Backup(name, size_bytes)


def remove_partial_backups(folder: Path) -> None:
    """What a process left that died while it made a backup."""
    for partial in folder.glob(f"*{_PARTIAL}"):
        shutil.rmtree(partial, ignore_errors=True)


def _rename(partial: Path, folder: Path) -> str:
    while True:
        now = time.time()
        name = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}Z"
        if not (folder / name).exists():
            partial.rename(folder / name)
            sync_folder(folder)
            return name
