"""Storage of many vectors: in memory, or in a file beside the database where they are many."""

import logging
import mmap
import os
import tempfile
from pathlib import Path

import numpy as np

from search_service.records import Keys, Matrix

log = logging.getLogger(__name__)
_LEAST_BYTES = 16 << 20
_RELEASE_AFTER = 64  # rows: each may have brought 2 MB of the file into memory


class VectorStorage:
    """``array``, (capacity, dimension), not initialised.

    A graph holds its vectors itself. Those that stand here too, for comparing exactly, lie in a nameless file that is
    mapped: the kernel may keep them in memory or not. What was read of it is let go of again.
    """

    def __init__(self, capacity: int, dimension: int, folder: Path) -> None:
        self._mapping = _mapped(4 * capacity * dimension, folder)
        self._taken = 0
        self.array: Matrix = (
            np.empty((capacity, dimension), np.float32)
            if self._mapping is None
            else np.frombuffer(self._mapping, np.float32).reshape(capacity, dimension)
        )

    @property
    def mapped_bytes(self) -> int:
        """Of the file; 0 where they are in memory."""
        return 0 if self._mapping is None else len(self._mapping)

    def take(self, rows: Keys) -> Matrix:
        """(rows, dimension), a copy."""
        found: Matrix = np.empty((len(rows), self.array.shape[1]), np.float32)
        for start in range(0, len(rows), _RELEASE_AFTER):
            piece = rows[start : start + _RELEASE_AFTER]
            found[start : start + len(piece)] = self.array[piece]
            self._taken += len(piece)
            if self._taken > _RELEASE_AFTER:
                self.release()
        return found

    def release(self) -> None:
        """The vectors stay as they are; they are read from the file again when they are asked for."""
        self._taken = 0
        if self._mapping is not None:
            self._mapping.madvise(mmap.MADV_DONTNEED)


def _mapped(size: int, folder: Path) -> mmap.mmap | None:
    """None where it is not worth a file, or the disk has no room for it."""
    if size < _LEAST_BYTES:
        return None
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            # All of it now: to write into a mapped file on a full disk would end the process.
            os.posix_fallocate(file.fileno(), 0, size)
            return mmap.mmap(file.fileno(), size)
    except OSError as error:
        log.warning("%d MB of vectors stay in memory: %s", size // 1_000_000, error)
        return None
