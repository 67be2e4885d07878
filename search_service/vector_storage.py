"""Storage of many vectors: in memory, or in a file beside the database where they are many."""

import logging
import mmap
import os
import tempfile
import weakref
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np

from search_service.records import Keys, Matrix

log = logging.getLogger(__name__)
_LEAST_BYTES = 16 << 20
_RELEASE_AFTER = 64  # rows: each may have brought 2 MB of the file into memory


class VectorStorage:
    """``array``, (capacity, dimension), not initialised, to be read; ``put`` writes.

    A graph holds its vectors itself. Those that stand here too, for comparing exactly, lie in a nameless file that is
    mapped: the kernel may keep them in memory or not. What was read of it is let go of again.
    """

    def __init__(self, capacity: int, dimension: int, folder: Path, shared: IO[bytes] | None = None) -> None:
        self._folder = folder
        self._file = _file(4 * capacity * dimension, folder, shared)
        self._taken = 0
        if self._file is None:
            self.array: Matrix = np.empty((capacity, dimension), np.float32)
        else:
            weakref.finalize(self, self._file.close)
            self._mapping = mmap.mmap(self._file.fileno(), 0, prot=mmap.PROT_READ)
            self.array = np.frombuffer(self._mapping, np.float32).reshape(capacity, dimension)

    @property
    def mapped_bytes(self) -> int:
        """Of the file; 0 where they are in memory."""
        return 0 if self._file is None else len(self._mapping)

    def grown(self, capacity: int, count: int) -> "VectorStorage":
        """The first ``count`` rows, with room for more after them: in the same file, where both are in one."""
        grown = VectorStorage(capacity, self.array.shape[1], self._folder, self._file)
        if self._file is None or grown._file is None:
            grown.put(0, self.array[:count])
        return grown

    def put(self, start: int, vectors: Matrix) -> None:
        """Writes them from row ``start`` on. Raises OSError where the disk fails."""
        if self._file is None:
            self.array[start : start + len(vectors)] = vectors
            return
        # Not through the mapping: a page that is written to for the first time is read first, zeros and all, and with
        # it what the kernel reads ahead, for 20 ms and more.
        place = start * self.array.strides[0]
        left = np.ascontiguousarray(vectors, np.float32).reshape(-1).view(np.uint8).data
        while left:
            written = os.pwrite(self._file.fileno(), left, place)
            place, left = place + written, left[written:]

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
        if self._file is not None:
            self._mapping.madvise(mmap.MADV_DONTNEED)


def _file(size: int, folder: Path, shared: IO[bytes] | None) -> IO[bytes] | None:
    """Without a name: the shared one, longer, or a new one. None for a few bytes, and where the disk has no room."""
    if size < _LEAST_BYTES:
        return None
    try:
        with ExitStack() as opened:
            if shared is None:
                file = opened.enter_context(tempfile.TemporaryFile(dir=folder))
            else:
                file = opened.enter_context(os.fdopen(os.dup(shared.fileno()), "r+b"))
            # All of it now: a disk that is full later on would end the writing.
            os.posix_fallocate(file.fileno(), 0, size)
            opened.pop_all()
            return file
    except OSError as error:
        log.warning("%d MB of vectors stay in memory: %s", size // 1_000_000, error)
        return None
