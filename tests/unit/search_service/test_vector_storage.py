"""Vectors in memory, and in a file where they are many."""

import errno
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from search_service.vector_storage import VectorStorage
from tests.unit.search_service.indexes import unit

DIMENSION = 256
IN_MEMORY, IN_A_FILE = 10, 20_000


@pytest.mark.parametrize("capacity", [IN_MEMORY, IN_A_FILE])
def test_what_was_put_is_there_also_after_it_was_let_go_of(tmp_path: Path, capacity: int) -> None:
    storage, vectors = VectorStorage(capacity, DIMENSION, tmp_path), unit(1, 8, DIMENSION)
    storage.put(1, vectors[:3])
    storage.put(4, vectors[3:])
    for _ in range(2):
        np.testing.assert_array_equal(storage.array[1:9], vectors)
        np.testing.assert_array_equal(storage.take(np.array([8, 1])), vectors[[7, 0]])
        storage.release()


@pytest.mark.parametrize("capacity", [IN_MEMORY, IN_A_FILE])
@pytest.mark.parametrize("more", [2 * IN_MEMORY, 2 * IN_A_FILE])
def test_it_grows_and_leaves_what_others_read(tmp_path: Path, capacity: int, more: int) -> None:
    storage, vectors = VectorStorage(capacity, DIMENSION, tmp_path), unit(1, 12, DIMENSION)
    storage.put(0, vectors[:8])
    grown = storage.grown(more, 8)
    grown.put(8, vectors[8:])
    np.testing.assert_array_equal(grown.array[:12], vectors)
    np.testing.assert_array_equal(storage.array[:8], vectors[:8])
    del storage
    np.testing.assert_array_equal(grown.take(np.arange(12)), vectors)
    assert grown.array.shape == (more, DIMENSION)


def test_the_first_that_are_put_may_need_a_file_at_once(tmp_path: Path) -> None:
    grown, vectors = VectorStorage(IN_MEMORY, DIMENSION, tmp_path).grown(IN_A_FILE, 0), unit(1, 8, DIMENSION)
    grown.put(0, vectors)
    np.testing.assert_array_equal(grown.array[:8], vectors)


def test_it_grows_in_its_file(tmp_path: Path) -> None:
    storage = VectorStorage(IN_A_FILE, DIMENSION, tmp_path)
    grown = storage.grown(2 * IN_A_FILE, 0)
    assert len(set(open_files(tmp_path))) == 1
    assert grown.mapped_bytes == 2 * storage.mapped_bytes


def test_it_grows_in_memory_where_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, vectors = VectorStorage(IN_A_FILE, DIMENSION, tmp_path), unit(1, 8, DIMENSION)
    storage.put(0, vectors)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    grown = storage.grown(2 * IN_A_FILE, 8)
    assert grown.mapped_bytes == 0
    np.testing.assert_array_equal(grown.array[:8], vectors)


def test_a_long_write_is_taken_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux writes 2 GiB at a time, at most."""
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, place: write(file, data[:1000], place))
    storage, vectors = VectorStorage(IN_A_FILE, DIMENSION, tmp_path), unit(1, 8, DIMENSION)
    storage.put(0, vectors)
    np.testing.assert_array_equal(storage.array[:8], vectors)


def test_they_are_counted_as_disk_where_they_lie_in_a_file(tmp_path: Path) -> None:
    assert VectorStorage(IN_MEMORY, DIMENSION, tmp_path).mapped_bytes == 0
    assert VectorStorage(IN_A_FILE, DIMENSION, tmp_path).mapped_bytes == 4 * IN_A_FILE * DIMENSION


def test_its_file_ends_with_it(tmp_path: Path) -> None:
    storage = VectorStorage(IN_A_FILE, DIMENSION, tmp_path)
    assert open_files(tmp_path)
    assert not list(tmp_path.iterdir())  # it has no name
    del storage
    assert not open_files(tmp_path)


def open_files(folder: Path) -> list[str]:
    """What this process has open there; descriptors that others close meanwhile are passed over."""
    files = []
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            files.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    return [file for file in files if file.startswith(f"{folder}/")]
