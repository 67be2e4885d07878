"""Files that others read while they are exchanged."""

import contextlib
import os
import tempfile
from pathlib import Path

Stamp = tuple[int, int, int]


def stamp(path: Path) -> Stamp | None:
    """Another one where another file lies there, or other bytes; None where there is none that can be looked at."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def replace(path: Path, content: bytes) -> None:
    """Puts a whole, synced file there, or leaves what was there. It keeps the owner and the rights of the one before,
    else only its owner reads it. The folder is not synced.

    Raises OSError.
    """
    handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    try:
        if path.exists():
            before = path.stat()
            os.fchmod(handle, before.st_mode & 0o777)
            os.fchown(handle, before.st_uid, before.st_gid)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise
