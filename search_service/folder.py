"""The data folder, which one process at a time may have open."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

DATABASE = "catalog.sqlite3"


class FolderBusy(RuntimeError):
    """Another process has the data folder open."""

    def __init__(self, path: Path, owner: str) -> None:
        super().__init__(
            f"data folder {path} is open in process {owner or '(unknown)'}: stop that one, "
            "or give this one a folder of its own (SEARCH_DATA_DIR)"
        )


class Folder:
    """Holds the folder until it is closed or the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.database = path / DATABASE
        self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(self._lock, 32).decode(errors="replace").strip()
            os.close(self._lock)
            raise FolderBusy(path, owner) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        os.close(self._lock)

    def __enter__(self) -> "Folder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def sync_folder(path: Path) -> None:
    """Makes the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
