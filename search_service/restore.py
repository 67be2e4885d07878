"""``python -m search_service.restore BACKUP DATA_DIR``: a backup becomes a data folder.

`clothing-retrieval restore` runs this.
"""

import os
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from search_service.folder import DATABASE, Folder, FolderBusy, sync_folder
from search_service.schema import VERSION
from search_service.snapshots import SNAPSHOTS

_PARTIAL = "restoring"


class CannotRestore(RuntimeError):
    """Nothing was changed."""


def restore(backup: Path, data: Path) -> int:
    """Copies a backup's database into a data folder that has none, and gives the number of its items.

    The folder holds all of it, or, after a crash, none of it.

    Raises:
        CannotRestore: the backup is none, is damaged or from a later release; or the folder holds a catalogue already.
        FolderBusy: a search service has the folder open.
        OSError: the folder cannot be written.
    """
    items = _check(backup / DATABASE)
    with Folder(data) as folder:
        if left := sorted(file.name for file in data.glob(f"{DATABASE}*")):
            raise CannotRestore(f"{data} holds {', '.join(left)}: move that away, or name another folder")
        shutil.rmtree(data / SNAPSHOTS, ignore_errors=True)
        partial = data / _PARTIAL
        shutil.copyfile(backup / DATABASE, partial)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.rename(folder.database)
        sync_folder(data)
    return items


def _check(database: Path) -> int:
    if not database.is_file():
        raise CannotRestore(f"{database.parent} is no backup: it has no {database.name}")
    try:
        uri = f"{database.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise CannotRestore(f"{database} is of a later release (schema {version}, known up to {VERSION})")
            (found,) = db.execute("PRAGMA integrity_check(1)").fetchone()
            if found != "ok":
                raise CannotRestore(f"{database} is damaged ({found}): take another backup")
            return int(db.execute("SELECT count(*) FROM items").fetchone()[0])
    except sqlite3.Error as error:
        raise CannotRestore(f"{database} is damaged ({error}): take another backup") from error


def main(arguments: list[str]) -> int:
    """Says how many items are there now, or on stderr what is in the way. Returns the exit code."""
    backup, data = map(Path, arguments)
    try:
        items = restore(backup, data)
    except (CannotRestore, FolderBusy, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{items} items are in {data}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
