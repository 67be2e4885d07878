"""Tends the graphs in the background: plants them, lets them grow, replants where too much is dead, and saves them.

A write never waits for a graph: its views stand in the tail of their shelf, compared exactly, until they are linked.
"""

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from search_service.graph import Graph, GraphParameters
from search_service.records import Keys
from search_service.shelf import Shelf, ShelfView
from search_service.shelves import Picture, Shelves
from search_service.snapshots import Snapshots
from search_service.vector_storage import VectorStorage
from serving.scheduling import ask_for_usual_slices

log = logging.getLogger(__name__)
_CHUNK = 1024  # rows between two looks at whether to stop
_TELL_EVERY_S = 10.0
_NICE = 10  # a ninth of the processor, against a search that wants it too
_HOLD_S = 0.0015  # for which searches wait while rows are linked
_HOLD_ALONE_S = 0.008  # the same, where none came in for _SEARCHED_S: enough for several threads to share
_SEARCHED_S = 1.0
_LONG_TAIL = 4  # times as long as a tail should be


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
    unsaved_share: float = 0.1
    """A graph that is new or has grown by this much is saved; another one when nothing was written for ``quiet_s``."""
    save_patience_s: float = 30.0
    """For so long it is not saved while searches come in, which wait for the copying of the process."""
    quiet_s: float = 60.0


class _Stopped(Exception):
    """The gardener was told to stop in the middle of a step."""


class _Step(Protocol):
    def __call__(self, shelves: Shelves, category: str, picture: Picture) -> None: ...


class Gardener:
    """One thread for all collections, and one that builds and links for it, and gives way to searches.

    ``starting`` says what is done before all graphs are there for the first time; ``failure`` why it stopped, where it
    was not told to.
    """

    def __init__(
        self,
        plan: Plan,
        collections: Callable[[], Iterable[Shelves]],
        snapshots: Snapshots,
        searches_come_in: Callable[[], bool],
    ) -> None:
        self.starting: str | None = "loading graphs"
        self.failure: str | None = None
        self._plan = plan
        self._collections = collections
        self._snapshots = snapshots
        self._searches_come_in = searches_come_in
        self._unsaved_since = math.inf
        self._saves_of: set[int] | None = None
        self._signals = threading.Lock()
        self._wanted = threading.Event()
        self._idle = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="search-gardener", daemon=True)
        # Of its own: a niceness cannot be taken back.
        self._planter = ThreadPoolExecutor(1, "search-planter", os.nice, (_NICE,))

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Something was written."""
        with self._signals:
            self._idle.clear()
            self._wanted.set()

    def behind(self, picture: Picture) -> bool:
        """Whether a shelf has a long tail, or no graph though it is to have one."""
        tail = _LONG_TAIL * self._plan.tail
        bare = max(tail, self._plan.exact_below)
        return any(
            view.count - view.graphed > tail if view.graph else view.count - view.dead > bare
            for view in picture.shelves.values()
        )

    def settle(self, timeout_s: float) -> bool:
        """Waits until there is nothing to tend; False where that took too long."""
        return self._idle.wait(timeout_s)

    def close(self) -> None:
        self._stopping = True
        self._wanted.set()
        self._snapshots.stop()
        if self._thread.is_alive():
            self._thread.join()
        self._planter.shutdown()

    def _run(self) -> None:
        ask_for_usual_slices()
        try:
            self._recall()
            while self._round({self._plant, self._replant}):
                pass
            self.starting = None
            while not self._stopping:
                self._wanted.clear()
                while self._round({self._plant, self._replant, self._extend}):
                    pass
                self._save_grown()
                with self._signals:
                    if not self._wanted.is_set():
                        self._idle.set()
                if not self._wanted.wait(self._plan.quiet_s):
                    self._save(self._unsaved(by=0))
        except _Stopped:
            pass
        except Exception as error:
            self.failure = f"not tending graphs since an error: {error!r}"
            log.exception("the gardener stopped")

    def _recall(self) -> None:
        """Links the graphs that were saved and are still good."""
        for shelves in self._collections():
            for category, view in shelves.picture.shelves.items():
                if view.count <= self._plan.exact_below:
                    continue
                snapshot = self._snapshots.load(shelves.collection, category, view, self._plan.dead_share)
                if snapshot is not None:
                    shelves.tend(category, partial(Shelf.link, graph=snapshot.graph, graphed=snapshot.graphed))

    def _round(self, steps: Collection[_Step]) -> bool:
        """One of the steps for every shelf that needs it; whether there was any."""
        self._forget_deleted()
        worked = False
        for shelves in self._collections():
            picture = shelves.picture
            for category, view in picture.shelves.items():
                step = self._next(view)
                if step is not None and step in steps:
                    self._check()
                    step(shelves, category, picture)
                    worked = True
        if worked:
            self._save_grown()
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
        rows = view.live_rows(picture.version)
        graph = self._grown(view.vectors, view.labels, rows, f"{shelves.collection.name}/{category}")
        shelves.tend(category, partial(Shelf.link, graph=graph, graphed=view.count))

    def _extend(self, shelves: Shelves, category: str, picture: Picture) -> None:
        """Links the tail, a few rows at a time; a long one is seen to shorten.

        On one thread, which leaves the other CPUs to searches, unless comparing with so many costs these more.
        """
        view = picture.shelves[category]
        assert view.graph is not None
        rows = view.live_rows(picture.version, view.graphed)
        threads = self._plan.threads if len(rows) > _LONG_TAIL * self._plan.tail else 1
        start, shown, count = 0, 0, 1
        while start < len(rows):
            self._check()
            piece = rows[start : start + count]
            adding = self._planter.submit(view.graph.add, view.vectors.take(piece), view.labels[piece], threads)
            held_s = adding.result()
            start += count
            searched = time.monotonic() < view.graph.walked + _SEARCHED_S
            count = min(max(int(count * (_HOLD_S if searched else _HOLD_ALONE_S) / held_s), 1), 2 * count)
            if start - shown >= _CHUNK:
                shown = start
                shelves.tend(category, partial(Shelf.link, graph=view.graph, graphed=int(piece[-1]) + 1))
        shelves.tend(category, partial(Shelf.link, graph=view.graph, graphed=view.count))

    def _replant(self, shelves: Shelves, category: str, picture: Picture) -> None:
        """Copies what is alive, with a graph of its own where it is much, and puts it in place of the shelf."""
        view = picture.shelves[category]
        taken = view.live_rows(picture.version)
        columns = view.copy(taken)
        graph = None
        if len(taken) > self._plan.exact_below:
            rows = np.arange(len(taken))
            graph = self._grown(columns.vectors, columns.labels, rows, f"{shelves.collection.name}/{category}")

        def replace(shelf: Shelf) -> None:
            shelf.replace(view, taken, columns, graph)

        shelves.tend(category, replace)

    def _grown(self, vectors: VectorStorage, labels: Keys, rows: Keys, name: str) -> Graph:
        """A new graph."""
        return self._planter.submit(self._build, vectors, labels, rows, name).result()

    def _build(self, vectors: VectorStorage, labels: Keys, rows: Keys, name: str) -> Graph:
        started = time.monotonic()
        room = len(rows) + len(rows) // 4 + _CHUNK
        graph = Graph.empty(vectors.array.shape[1], room, self._plan.parameters)
        told = -math.inf
        for start in range(0, len(rows), _CHUNK):
            self._check()
            if time.monotonic() - told >= _TELL_EVERY_S:
                told = time.monotonic()
                self._tell(f"building the graph of {name}: {start} of {len(rows)} vectors")
            piece = rows[start : start + _CHUNK]
            graph.add(vectors.take(piece), labels[piece], self._plan.threads)
        log.info("graph of %s: %d vectors in %.1f s", name, len(rows), time.monotonic() - started)
        return graph

    def _tell(self, progress: str) -> None:
        """As the reason not to serve, which the server logs; to the log where it does serve."""
        if self.starting:
            self.starting = progress
        else:
            log.info(progress)

    def _save_grown(self) -> None:
        grown = self._unsaved(self._plan.unsaved_share)
        now = time.monotonic()
        self._unsaved_since = min(self._unsaved_since, now) if grown else math.inf
        if now >= self._unsaved_since + self._plan.save_patience_s or not self._searches_come_in():
            self._save(grown)

    def _unsaved(self, by: float) -> list[tuple[Shelves, str, ShelfView]]:
        """Where graphs have grown by more than a share of what is saved, and where they are new."""
        return [
            (shelves, category, view)
            for shelves in self._collections()
            for category, view in shelves.picture.shelves.items()
            if view.graph is not None and view.graph.count - view.graph.saved > by * view.graph.saved
        ]

    def _save(self, grown: Iterable[tuple[Shelves, str, ShelfView]]) -> None:
        for shelves, category, view in grown:
            self._check()
            assert view.graph is not None
            self._snapshots.save(view.graph, shelves.collection, category, int(view.labels[view.graphed - 1]))
            # Also where that failed: it is tried again when it has grown again.
            view.graph.saved = view.graph.count
        self._unsaved_since = math.inf

    def _forget_deleted(self) -> None:
        """Removes what was saved of collections that are gone."""
        keys = {shelves.collection.key for shelves in self._collections()}
        if keys != self._saves_of:
            self._saves_of = keys
            self._snapshots.keep_only(keys)

    def _check(self) -> None:
        if self._stopping:
            raise _Stopped
