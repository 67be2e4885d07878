"""An HNSW graph over rows of a shelf (Malkov and Yashunin, 2016), by hnswlib."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import hnswlib
import numpy as np
import numpy.typing as npt

from search_service.records import Keys, Matrix

Distances = npt.NDArray[np.float32]


@dataclass(frozen=True)
class GraphParameters:
    m: int
    ef_construction: int
    ef: int


class GraphTorn(Exception):
    """A walk found fewer vectors than the graph holds and the caller asked for."""


class Graph:
    """Labels are row numbers. Any thread may search; adding waits for searches to end, and they for it."""

    def __init__(self, dimension: int, capacity: int, parameters: GraphParameters) -> None:
        self.count = 0
        self._lock = _SharedLock()
        self._index = hnswlib.Index(space="l2", dim=dimension)
        self._index.init_index(
            max_elements=capacity, M=parameters.m, ef_construction=parameters.ef_construction, random_seed=20
        )
        self._index.set_ef(parameters.ef)

    def add(self, vectors: Matrix, rows: Keys, threads: int = 1) -> None:
        with self._lock.alone():
            needed = self.count + len(rows)
            if needed > self._index.get_max_elements():
                self._index.resize_index(needed + needed // 2)
            self._index.add_items(vectors, rows, num_threads=threads)
            self.count = needed

    def nearest(self, vectors: Matrix, count: int) -> tuple[Keys, Distances]:
        """Rows and squared distances, (n, count), of about the nearest to each of the vectors, (n, dimension).

        Raises GraphTorn.
        """
        with self._lock.shared():
            try:
                rows, squared = self._index.knn_query(vectors, k=count, num_threads=1)
            except RuntimeError as error:
                raise GraphTorn(str(error)) from error
        return rows.astype(np.int64), squared


class _SharedLock:
    """Many at a time, or one alone; who waits for the one alone goes before it comes again.

    hnswlib gives spurious errors when it is searched while it grows, and crashes while it is resized.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._sharing = 0
        self._alone = False
        self._wanting = 0
        self._waiting = 0  # for the next turn alone to end
        self._released = 0  # waited, and may go now
        self._turns = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._changed:
            if self._alone or self._wanting:
                self._wait_a_turn()
            self._sharing += 1
        try:
            yield
        finally:
            with self._changed:
                self._sharing -= 1
                self._changed.notify_all()

    def _wait_a_turn(self) -> None:
        turn = self._turns
        self._waiting += 1
        while self._turns == turn:
            self._changed.wait()
        self._released -= 1

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._changed:
            self._wanting += 1
            while self._alone or self._sharing or self._released:
                self._changed.wait()
            self._wanting -= 1
            self._alone = True
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._turns += 1
                self._released += self._waiting
                self._waiting = 0
                self._changed.notify_all()
