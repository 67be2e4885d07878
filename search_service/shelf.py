"""The views of one collection and category."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from search_service.columns import ALIVE, Batch, Columns
from search_service.fields import Rows, some_rows
from search_service.graph import Graph
from search_service.messages import Messages
from search_service.records import Keys
from search_service.vector_storage import VectorStorage

_PIECE = 1 << 14  # rows that are copied at a time


@dataclass(frozen=True, eq=False)
class ShelfView:
    """A shelf as it was in one version of its collection; does not change while others write.

    Rows below ``graphed`` are in the graph (if there is one), the rest is the tail.
    """

    category: str
    labels: Keys
    items: Keys
    ordinals: npt.NDArray[np.uint8]
    died: Keys
    fields: Rows
    places: Keys
    messages: Messages
    vectors: VectorStorage
    folder: Path
    count: int
    dead: int
    graph: Graph | None
    graphed: int

    def alive(self, version: int, start: int = 0) -> npt.NDArray[np.bool_]:
        """Of the rows from ``start`` on."""
        return self.died[start : self.count] > version

    def item_count(self, version: int) -> int:
        """Items whose first view stands here: over all shelves, each item once."""
        return int(np.count_nonzero(self.alive(version) & (self.ordinals[: self.count] == 0)))

    def find(self, labels: Keys) -> tuple[Keys, npt.NDArray[np.bool_]]:
        """Rows of the labels, and whether they are there; where one is not, its row is any."""
        known = self.labels[: self.count]
        rows = np.minimum(np.searchsorted(known, labels), self.count - 1)
        return rows, known[rows] == labels

    def live_rows(self, version: int, start: int = 0) -> Keys:
        """From ``start`` on."""
        return start + np.flatnonzero(self.alive(version, start))

    def copy(self, rows: Keys) -> Columns:
        """Of the rows alone, with room for more."""
        columns = Columns.empty(self.vectors.array.shape[1], self.folder, len(rows) + len(rows) // 4)
        _append(columns, self, rows)
        return columns


class Shelf:
    """Changed by one thread at a time."""

    def __init__(self, category: str, dimension: int, folder: Path) -> None:
        self._category = category
        self._columns = Columns.empty(dimension, folder)
        self._dead = 0
        self._graph: Graph | None = None
        self._graphed = 0

    def append(self, rows: Batch) -> None:
        self._columns.append(rows)

    def bury(self, labels: Keys, version: int) -> None:
        """Views that are gone from ``version`` on; who reads an older one still sees them."""
        self._columns.died[self._columns.rows_of(labels)] = version
        self._dead += len(labels)

    def link(self, graph: Graph, graphed: int) -> None:
        """``graph`` holds the rows below ``graphed`` that matter."""
        self._graph, self._graphed = graph, graphed
        self._columns.vectors.release()

    def replace(self, old: ShelfView, taken: Keys, columns: Columns, graph: Graph | None) -> None:
        """Puts ``columns`` in place, copied from the rows ``taken`` of ``old``, after what changed meanwhile."""
        now = self._columns
        columns.died[: len(taken)] = now.died[taken]
        later = np.arange(old.count, now.count)
        later = later[now.died[later] == ALIVE]
        graphed = columns.count
        _append(columns, now, later)
        self._columns = columns
        self._dead = int(np.count_nonzero(columns.died[: columns.count] != ALIVE))
        self._graph, self._graphed = graph, graphed if graph else 0
        columns.vectors.release()

    def view(self) -> ShelfView:
        columns = self._columns
        return ShelfView(
            self._category,
            columns.labels,
            columns.items,
            columns.ordinals,
            columns.died,
            columns.fields,
            columns.places,
            columns.messages,
            columns.vectors,
            columns.folder,
            columns.count,
            self._dead,
            self._graph,
            self._graphed,
        )


def _append(columns: Columns, source: Columns | ShelfView, rows: Keys) -> None:
    for start in range(0, len(rows), _PIECE):
        piece = rows[start : start + _PIECE]
        columns.append(
            Batch(
                source.labels[piece],
                source.items[piece],
                source.ordinals[piece],
                some_rows(source.fields, piece),
                map(source.messages.at, source.places[piece].tolist()),
                source.vectors.take(piece),
            )
        )
