"""An HNSW graph over the views of a shelf (Malkov and Yashunin, 2016), by hnswlib."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import hnswlib
import numpy as np
import numpy.typing as npt

from search_service.records import Keys, Matrix

Distances = npt.NDArray[np.float32]
_LARGE_PAGE = 2 << 20
_LEAST_PAGES = 17  # more than 32 MiB: malloc maps them by themselves, and what is mapped is moved, not copied
_WALKS = 8  # of the usual width at a time: for their 3 to 5 ms who links waits, and all searches behind it
_MADE_ANEW = 48  # bytes for each vector, its lock above all, that hnswlib does not enlarge but makes anew


@dataclass(frozen=True)
class GraphParameters:
    m: int
    ef_construction: int
    ef: int


class GraphTorn(Exception):
    """A walk found fewer vectors than the graph holds and the caller asked for."""


class Graph:
    """Knows vectors by their labels. Any thread may search, one may add: it waits for searches to end, they for it."""

    def __init__(self, index: hnswlib.Index, parameters: GraphParameters) -> None:
        self.count: int = index.get_current_count()
        self.saved = 0
        """Vectors in its newest snapshot."""
        self.walked = -math.inf
        """When it was last searched, by time.monotonic()."""
        self._lock = _SharedLock()
        self._index = index
        self._index.set_ef(parameters.ef)
        self._ef = parameters.ef

    @classmethod
    def empty(cls, dimension: int, capacity: int, parameters: GraphParameters) -> "Graph":
        index = hnswlib.Index(space="l2", dim=dimension)
        index.init_index(
            max_elements=capacity_for(capacity, dimension, parameters.m),
            M=parameters.m,
            ef_construction=parameters.ef_construction,
            random_seed=20,
        )
        return cls(index, parameters)

    @classmethod
    def load(cls, file: Path, dimension: int, parameters: GraphParameters) -> "Graph":
        """What ``save`` wrote. Raises RuntimeError where it is no such file."""
        index = hnswlib.Index(space="l2", dim=dimension)
        index.load_index(str(file))
        graph = cls(index, parameters)
        graph.saved = graph.count
        return graph

    def save(self, file: Path) -> None:
        self._index.save_index(str(file))

    def labels(self) -> Keys:
        return np.array(self._index.get_ids_list(), np.int64)

    def vectors(self, labels: Keys) -> Matrix:
        """Of labels that are all there. Slow: for some."""
        found: Matrix = self._index.get_items(labels, return_type="numpy")
        return found

    def add(self, vectors: Matrix, labels: Keys, threads: int = 1) -> float:
        """Returns the seconds for which it kept searches waiting."""
        needed = self.count + len(labels)
        capacity = self._index.get_max_elements()
        if needed > capacity:
            capacity = capacity_for(needed + needed // 2, self._index.dim, self._index.M)
            # Memory that was let go of is at hand; what is new a virtual machine may have to get from its host, at 3 ms
            # for each MB.
            np.ones(_MADE_ANEW * capacity, np.uint8)
        with self._lock.alone():
            began = time.perf_counter()
            if capacity > self._index.get_max_elements():
                self._index.resize_index(capacity)
            self._index.add_items(vectors, labels, num_threads=threads)
            self.count = needed
            return time.perf_counter() - began

    def nearest(self, vectors: Matrix, count: int) -> tuple[Keys, Distances]:
        """Labels and squared distances, (n, count), of about the nearest to each of the vectors, (n, dimension).

        Raises GraphTorn.
        """
        self.walked = time.monotonic()
        at_a_time = max(1, _WALKS * self._ef // max(self._ef, count))
        walks = [self._walk(vectors[i : i + at_a_time], count) for i in range(0, len(vectors), at_a_time)]
        if len(walks) == 1:
            return walks[0]
        labels, squared = zip(*walks, strict=True)
        return np.concatenate(labels), np.concatenate(squared)

    def _walk(self, vectors: Matrix, count: int) -> tuple[Keys, Distances]:
        with self._lock.shared():
            try:
                labels, squared = self._index.knn_query(vectors, k=count, num_threads=1)
            except RuntimeError as error:
                raise GraphTorn(str(error)) from error
        return labels.astype(np.int64), squared


def capacity_for(count: int, dimension: int, m: int) -> int:
    """At least ``count``: as many vectors as fit, with their links, into the large pages that so many begin.

    The kernel aligns memory of whole large pages to them. It can then move it in them as the graph grows; else it has
    to break each into small ones, and every search is slower from then on. What no vector needs yet takes no memory.
    """
    bytes_each = 4 * dimension + 4 * (2 * m + 1) + 8
    malloc_adds = 32
    pages = max(_LEAST_PAGES, math.ceil((count * bytes_each + malloc_adds) / _LARGE_PAGE))
    return (pages * _LARGE_PAGE - malloc_adds) // bytes_each


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
