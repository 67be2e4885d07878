"""Tends the graphs in the background: plants them, lets them grow, and replants where too much is dead.

A write never waits for a graph: its views stand in the tail of their shelf, compared exactly, until they are linked.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from search_service.columns import Columns
from search_service.fields import some_rows
from search_service.graph import Graph, GraphParameters
from search_service.records import Keys, Matrix
from search_service.shelf import Shelf, ShelfView
from search_service.shelves import Picture, Shelves

log = logging.getLogger(__name__)
_CHUNK = 1024  # rows between two looks at whether to stop
_SLICE = 4  # rows that are linked while searches wait: some 3 ms


@dataclass(frozen=True)
class Plan:
    """When a shelf gets a graph, when the graph gets the tail, and when both are made anew."""

    exact_below: int
    tail: int
    dead_share: float
    parameters: GraphParameters
    threads: int
    least_dead: int = 1024
    """Fewer deleted vectors than this are never worth a rebuild."""


class _Stopped(Exception):
    """The gardener was told to stop in the middle of a step."""


class _Step(Protocol):
    def __call__(self, shelves: Shelves, category: str, picture: Picture) -> None: ...


class Gardener:
    """One thread for all collections. ``failure`` says why it stopped, where it was not told to."""

    def __init__(self, plan: Plan, collections: Callable[[], Iterable[Shelves]]) -> None:
        self.failure: str | None = None
        self._plan = plan
        self._collections = collections
        self._signals = threading.Lock()
        self._wanted = threading.Event()
        self._idle = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="search-gardener", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Something was written."""
        with self._signals:
            self._idle.clear()
            self._wanted.set()

    def settle(self, timeout_s: float) -> bool:
        """Waits until there is nothing to tend; False where that took too long."""
        return self._idle.wait(timeout_s)

    def close(self) -> None:
        self._stopping = True
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._wanted.clear()
                while self._round():
                    pass
                with self._signals:
                    if not self._wanted.is_set():
                        self._idle.set()
                self._wanted.wait()
        except _Stopped:
            pass
        except Exception as error:
            self.failure = f"not tending graphs since an error: {error!r}"
            log.exception("the gardener stopped")

    def _round(self) -> bool:
        """One step for every shelf that needs one; whether there was any."""
        worked = False
        for shelves in self._collections():
            picture = shelves.picture
            for category, view in picture.shelves.items():
                step = self._next(view)
                if step is not None:
                    step(shelves, category, picture)
                    worked = True
        return worked

    def _next(self, view: ShelfView) -> _Step | None:
        live = view.count - view.dead
        if view.dead > max(self._plan.dead_share * view.count, self._plan.least_dead):
            return self._replant
        if view.graph is None:
            return self._plant if live > self._plan.exact_below else None
        return self._extend if view.count - view.graphed > self._plan.tail else None

    def _plant(self, shelves: Shelves, category: str, picture: Picture) -> None:
        """Builds a first graph beside the shelf, and links it."""
        view = picture.shelves[category]
        graph = self._grown(view.vectors, view.live_rows(picture.version), f"{shelves.collection.name}/{category}")
        shelves.tend(category, lambda shelf: shelf.link(graph, view.count))

    def _extend(self, shelves: Shelves, category: str, picture: Picture) -> None:
        """Links the tail, a few rows at a time."""
        view = picture.shelves[category]
        assert view.graph is not None
        rows = view.live_rows(picture.version)
        rows = rows[rows >= view.graphed]
        for start in range(0, len(rows), _SLICE):
            self._check()
            piece = rows[start : start + _SLICE]
            view.graph.add(view.vectors[piece], piece)
        graph = view.graph
        shelves.tend(category, lambda shelf: shelf.link(graph, view.count))

    def _replant(self, shelves: Shelves, category: str, picture: Picture) -> None:
        """Copies what is alive, with a graph of its own where it is much, and puts it in place of the shelf."""
        view = picture.shelves[category]
        taken = view.live_rows(picture.version)
        columns = Columns.empty(view.vectors.shape[1], len(taken) + len(taken) // 4)
        columns.append(
            view.labels[taken],
            view.items[taken],
            view.ordinals[taken],
            some_rows(view.fields, taken),
            view.vectors[taken],
        )
        graph = None
        if len(taken) > self._plan.exact_below:
            rows = np.arange(len(taken))
            graph = self._grown(columns.vectors, rows, f"{shelves.collection.name}/{category}")

        def replace(shelf: Shelf) -> None:
            shelf.replace(view, taken, columns, graph)

        shelves.tend(category, replace)

    def _grown(self, vectors: Matrix, rows: Keys, name: str) -> Graph:
        started = time.monotonic()
        graph = Graph(vectors.shape[1], len(rows) + len(rows) // 4 + _CHUNK, self._plan.parameters)
        for start in range(0, len(rows), _CHUNK):
            self._check()
            piece = rows[start : start + _CHUNK]
            graph.add(vectors[piece], piece, self._plan.threads)
            if start and start % (64 * _CHUNK) == 0:
                log.info("graph of %s: %d of %d vectors", name, start, len(rows))
        log.info("graph of %s: %d vectors in %.1f s", name, len(rows), time.monotonic() - started)
        return graph

    def _check(self) -> None:
        if self._stopping:
            raise _Stopped
