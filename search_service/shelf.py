"""The views of one collection and category."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from search_service.columns import ALIVE, Columns
from search_service.fields import Rows, some_rows
from search_service.graph import Graph
from search_service.records import Keys, Matrix


@dataclass(frozen=True, eq=False)
class ShelfView:
    """A shelf as it was in one version of its collection; does not change while others write.

    Rows below ``graphed`` are in the graph (if there is one), the rest is the tail.
    """

    labels: Keys
    items: Keys
    ordinals: npt.NDArray[np.uint8]
    died: Keys
    fields: Rows
    vectors: Matrix
    count: int
    dead: int
    graph: Graph | None
    graphed: int

    def alive(self, version: int) -> npt.NDArray[np.bool_]:
        return self.died[: self.count] > version

    def live_rows(self, version: int) -> Keys:
        return np.flatnonzero(self.alive(version))


class Shelf:
    """Changed by one thread at a time."""

    def __init__(self, dimension: int) -> None:
        self._columns = Columns.empty(dimension)
        self._dead = 0
        self._graph: Graph | None = None
        self._graphed = 0

    def append(self, labels: Keys, items: Keys, ordinals: npt.NDArray[np.uint8], fields: Rows, vectors: Matrix) -> None:
        self._columns.append(labels, items, ordinals, fields, vectors)

    def bury(self, labels: Keys, version: int) -> None:
        """Views that are gone from ``version`` on; who reads an older one still sees them."""
        self._columns.died[self._columns.rows_of(labels)] = version
        self._dead += len(labels)

    def link(self, graph: Graph, graphed: int) -> None:
        """``graph`` holds the rows below ``graphed`` that matter."""
        self._graph, self._graphed = graph, graphed

    def replace(self, old: ShelfView, taken: Keys, columns: Columns, graph: Graph | None) -> None:
        """Puts ``columns`` in place, copied from the rows ``taken`` of ``old``, after what changed meanwhile."""
        now = self._columns
        columns.died[: len(taken)] = now.died[taken]
        later = np.arange(old.count, now.count)
        later = later[now.died[later] == ALIVE]
        graphed = columns.count
        columns.append(
            now.labels[later], now.items[later], now.ordinals[later], some_rows(now.fields, later), now.vectors[later]
        )
        self._columns = columns
        self._dead = int(np.count_nonzero(columns.died[: columns.count] != ALIVE))
        self._graph, self._graphed = graph, graphed if graph else 0

    def view(self) -> ShelfView:
        columns = self._columns
        return ShelfView(
            columns.labels,
            columns.items,
            columns.ordinals,
            columns.died,
            columns.fields,
            columns.vectors,
            columns.count,
            self._dead,
            self._graph,
            self._graphed,
        )
