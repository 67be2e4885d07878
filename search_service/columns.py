"""Views side by side in memory: growable arrays that one thread appends to while others read."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from search_service.fields import Rows, empty_rows
from search_service.messages import Messages
from search_service.records import Keys, Matrix
from search_service.vector_storage import VectorStorage

ALIVE = np.iinfo(np.int64).max
_LEAST = 256


@dataclass(frozen=True)
class Batch:
    """Rows to append, in the order of their labels."""

    labels: Keys
    items: Keys
    ordinals: npt.NDArray[np.uint8]
    fields: Rows
    messages: Iterable[bytes]
    vectors: Matrix


@dataclass
class Columns:
    """Row by row, in the order of the labels.

    Rows below ``count`` never change, but for ``died``: the version of the collection in which a row was deleted, ALIVE
    until then. Growing makes new arrays and leaves the old ones to whoever still reads them.
    """

    labels: Keys
    items: Keys
    ordinals: npt.NDArray[np.uint8]
    died: Keys
    fields: Rows
    places: Keys  # among `messages`
    messages: Messages
    vectors: VectorStorage
    folder: Path
    count: int = 0

    @classmethod
    def empty(cls, dimension: int, folder: Path, capacity: int = _LEAST) -> "Columns":
        capacity = max(capacity, _LEAST)
        return cls(
            np.empty(capacity, np.int64),
            np.empty(capacity, np.int64),
            np.empty(capacity, np.uint8),
            np.empty(capacity, np.int64),
            empty_rows(capacity),
            np.empty(capacity, np.int64),
            Messages(),
            VectorStorage(capacity, dimension, folder),
            folder,
        )

    def append(self, rows: Batch) -> None:
        """Labels must be greater than all before, and ascend."""
        end = self.count + len(rows.labels)
        if end > len(self.labels):
            self._grow(max(end, len(self.labels) * 3 // 2))
        self.labels[self.count : end] = rows.labels
        self.items[self.count : end] = rows.items
        self.ordinals[self.count : end] = rows.ordinals
        self.died[self.count : end] = ALIVE
        for name, column in self.fields.items():
            column[self.count : end] = rows.fields[name]
        self.places[self.count : end] = self.messages.add(rows.messages)
        self.vectors.put(self.count, rows.vectors)
        self.count = end

    def rows_of(self, labels: Keys) -> Keys:
        """Rows of labels that are all there."""
        return np.searchsorted(self.labels[: self.count], labels).astype(np.int64, copy=False)

    def _grow(self, capacity: int) -> None:
        self.vectors = self.vectors.grown(capacity, self.count)
        self.labels, self.items = _grown(self.labels, capacity), _grown(self.items, capacity)
        self.ordinals, self.died = _grown(self.ordinals, capacity), _grown(self.died, capacity)
        self.places = _grown(self.places, capacity)
        self.fields = {name: _grown(column, capacity) for name, column in self.fields.items()}


def _grown(column: npt.NDArray[Any], capacity: int) -> npt.NDArray[Any]:
    grown = np.empty(capacity, column.dtype)
    grown[: len(column)] = column
    return grown
