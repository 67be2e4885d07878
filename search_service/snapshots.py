"""Graphs on disk, so that a start need not build them.

A graph's file needs nothing beside the database: a view never changes under its label, so what the database lacks was
deleted since, and what came since has greater labels than the last of the graph.
"""

import hashlib
import json
import logging
import os
import signal
import sys
import threading
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from search_service.folder import sync_folder
from search_service.graph import Graph, GraphParameters
from search_service.names import Collection
from search_service.shelf import ShelfView

log = logging.getLogger(__name__)
SNAPSHOTS = "graphs"
"""Their folder, in the data folder."""
_FORMAT = 1
_SOME = 32  # vectors that are compared with the database's
_PARTIAL = ".partial"
_MISREAD = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError)
"""What reading a manifest in which anything may stand can raise."""


@dataclass(frozen=True)
class Stamp:
    """What a graph stands for; all of it must be as it is now, but for ``last_label``."""

    format: int
    collection: int
    create_time_us: int
    model_digest: str
    dimension: int
    category: str
    m: int
    ef_construction: int
    last_label: int


@dataclass(frozen=True)
class Snapshot:
    """A graph of the rows of a shelf below ``graphed``, and of some that were deleted since."""

    graph: Graph
    graphed: int


class Unusable(Exception):
    """Why a snapshot is not loaded."""


class Snapshots:
    """One for each shelf, the newest. Saves one at a time."""

    def __init__(self, folder: Path, parameters: GraphParameters) -> None:
        self._folder = folder
        self._parameters = parameters
        self._child = 0
        self._reaping = threading.Lock()
        folder.mkdir(exist_ok=True)
        for partial in folder.glob(f"*{_PARTIAL}"):
            partial.unlink(missing_ok=True)

    def load(self, collection: Collection, category: str, view: ShelfView, dead_share: float) -> Snapshot | None:
        """The graph of a shelf, or None where there is none that can be used: the log says why.

        Args:
            dead_share: of the graph, that may have been deleted since.
        """
        began = time.monotonic()
        manifest = self._manifest(collection, category)
        if not manifest.exists():
            return None
        try:
            graph, last_label = self._read(manifest, self._stamp(collection, category, 0))
            graphed = int(np.searchsorted(view.labels[: view.count], last_label, side="right"))
            _check(graph, view, graphed, dead_share)
        except (Unusable, OSError, *_MISREAD) as error:
            log.warning("snapshot %s is not used, the graph is built anew: %s", manifest.name, error or repr(error))
            return None
        name = f"{collection.name}/{category}"
        log.info("graph of %s: %d vectors, loaded in %.1f s", name, graph.count, time.monotonic() - began)
        return Snapshot(graph, graphed)

    def save(self, graph: Graph, collection: Collection, category: str, last_label: int) -> None:
        """Puts the graph on disk, or tells the log why not. Nothing may be added meanwhile; searching goes on.

        A child process writes it, from the memory as it is now: hnswlib writes while no other Python can run.
        """
        began = time.monotonic()
        name = f"{collection.name}/{category}"
        stamp = self._stamp(collection, category, last_label)
        try:
            self._child = os.fork()
        except OSError as error:
            log.warning("no snapshot of the graph of %s: no process for its writer: %s", name, error)
            return
        if self._child == 0:
            self._write_and_exit(graph, self._manifest(collection, category), stamp)
        os.waitid(os.P_PID, self._child, os.WEXITED | os.WNOWAIT)
        with self._reaping:
            _, status = os.waitpid(self._child, 0)
            self._child = 0
        if status:
            log.warning("no snapshot of the graph of %s: its writer ended with %d", name, status)
        else:
            log.info("snapshot of the graph of %s in %.1f s", name, time.monotonic() - began)

    def stop(self) -> None:
        """Ends a ``save`` that is under way."""
        with self._reaping:
            if self._child:
                os.kill(self._child, signal.SIGKILL)

    def keep_only(self, collections: set[int]) -> None:
        """Removes what belongs to others, or tells the log why not."""
        try:
            for file in self._folder.iterdir():
                if file.name.partition("-")[0] not in map(str, collections):
                    file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("graphs of collections that are gone stay on disk: %s", error)

    def _stamp(self, collection: Collection, category: str, last_label: int) -> Stamp:
        return Stamp(
            _FORMAT,
            collection.key,
            collection.create_time_us,
            collection.model_digest,
            collection.dimension,
            category,
            self._parameters.m,
            self._parameters.ef_construction,
            last_label,
        )

    def _manifest(self, collection: Collection, category: str) -> Path:
        return self._folder / f"{collection.key}-{hashlib.sha256(category.encode()).hexdigest()[:16]}.json"

    def _read(self, manifest: Path, expected: Stamp) -> tuple[Graph, int]:
        """A whole graph and its last label, whatever the database holds."""
        told = json.loads(manifest.read_bytes())
        if told["format"] != _FORMAT:
            raise Unusable(f"its format is {told['format']}, this release reads {_FORMAT}")
        for name, value in asdict(expected).items():
            if told[name] != value and name != "last_label":
                raise Unusable(f"its {name} is {told[name]!r}, not {value!r}")
        file = manifest.with_name(told["file"])
        if _digest(file) != told["sha256"]:
            raise Unusable(f"{file.name} is damaged")
        return Graph.load(file, expected.dimension, self._parameters), int(told["last_label"])

    def _write_and_exit(self, graph: Graph, manifest: Path, stamp: Stamp) -> None:
        """In the child, which has this thread only, and shares the open files: locks and ports are the parent's."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            _write(graph, manifest, stamp)
            code = 0
        except Exception:  # noqa: BLE001  nobody is above this frame to catch it
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(code)


def _check(graph: Graph, view: ShelfView, graphed: int, dead_share: float) -> None:
    """Raises Unusable where a graph is not one of the rows of a shelf below ``graphed``."""
    rows, there = view.find(graph.labels())
    rows = rows[there]
    if len(rows) != graphed or rows.max(initial=-1) >= graphed:
        raise Unusable(f"it has {len(rows)} of the {graphed} views that it should have")
    if graph.count - graphed > dead_share * graph.count:
        raise Unusable(f"{graph.count - graphed} of its {graph.count} vectors are deleted")
    some = np.linspace(0, graphed - 1, _SOME, dtype=np.int64)
    if not np.array_equal(graph.vectors(view.labels[some]), view.vectors.take(some)):
        raise Unusable("its vectors are others")


def _write(graph: Graph, manifest: Path, stamp: Stamp) -> None:
    """The graph under a name of its own, then the manifest that names it, then nothing else of this shelf."""
    file = manifest.with_name(f"{manifest.stem}-{stamp.last_label}-{os.getpid()}.hnsw")
    partial = file.with_name(f"{file.name}{_PARTIAL}")
    graph.save(partial)
    told = {**asdict(stamp), "count": graph.count, "file": file.name, "sha256": _digest(partial)}
    _sync(partial)
    partial.rename(file)
    partial = manifest.with_name(f"{manifest.name}-{os.getpid()}{_PARTIAL}")
    partial.write_text(json.dumps(told, indent=2) + "\n")
    _sync(partial)
    partial.rename(manifest)
    sync_folder(manifest.parent)
    for other in manifest.parent.glob(f"{manifest.stem}-*.hnsw"):
        if other != file:
            other.unlink(missing_ok=True)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _sync(file: Path) -> None:
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())
