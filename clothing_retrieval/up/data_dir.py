"""The folder that one ``up`` at a time owns, and the short-lived folder for its sockets."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from clothing_retrieval.up.errors import UpError

_PREFIX = "clothing-"
_LONGEST_SOCKET_FOLDER = 80


@contextmanager
def owned(data_dir: Path) -> Iterator[Path]:
    """Holds the data folder, and yields a new folder for sockets that is removed at the end.

    Should this process be killed, the next one on the same data folder removes it.

    Raises:
        UpError: another process holds the data folder, or it cannot be written.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = (data_dir / "up.lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise UpError(f"cannot write to {data_dir} ({error.strerror}): choose another with --data-dir") from error
    with lock:
        before = _take(lock, data_dir)
        _remove_leftover(before)
        sockets = tempfile.mkdtemp(prefix=_PREFIX, dir=_short_temporary_folder())
        try:
            lock.write(f"{os.getpid()}\n{sockets}\n")
            lock.flush()
            yield Path(sockets)
        finally:
            shutil.rmtree(sockets, ignore_errors=True)
            lock.truncate(0)


def _take(lock: TextIO, data_dir: Path) -> list[str]:
    """Locks the file and empties it. Returns what was in it."""
    lock.seek(0)
    lines = lock.read().splitlines()
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = f" (process {lines[0]})" if lines else ""
        raise UpError(
            f"{data_dir} is in use by another `up`{owner}: stop that one, or choose another with --data-dir"
        ) from None
    lock.truncate(0)
    return lines


def _remove_leftover(lines: list[str]) -> None:
    if len(lines) < 2:
        return
    folder = Path(lines[1])
    with contextlib.suppress(OSError):
        if folder.name.startswith(_PREFIX) and folder.stat().st_uid == os.getuid():
            shutil.rmtree(folder)


def _short_temporary_folder() -> str:
    """A socket's path has room for about 100 characters."""
    usual = tempfile.gettempdir()
    return usual if len(usual) <= _LONGEST_SOCKET_FOLDER else "/tmp"
