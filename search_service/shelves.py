"""What memory holds of one collection: its shelves, and versions of them that never change."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from search_service.columns import Batch
from search_service.fields import Vocabulary
from search_service.names import Collection
from search_service.records import Added, Change, Loaded, Matrix
from search_service.shelf import Shelf, ShelfView


@dataclass(frozen=True)
class Sizes:
    """What of a collection is in memory. ``graph``, ``exact`` and ``deleted`` are vectors, each counted once."""

    items: int
    graph: int
    exact: int  # in no graph, or not yet
    deleted: int  # of both, not yet swept
    backlog: int  # of `exact`, those that are to be linked into a graph
    mapped_bytes: int  # of files without a name, which a stopped index leaves free


@dataclass(frozen=True)
class Picture:
    """The shelves (by category) in one version. Every reader of it sees a whole number of writes."""

    version: int = 0
    shelves: Mapping[str, ShelfView] = field(default_factory=dict)

    def chosen(self, categories: Sequence[str]) -> tuple[str, ...]:
        """Those of the categories that have a shelf; all that there are where none is named."""
        return tuple(name for name in dict.fromkeys(categories or self.shelves) if name in self.shelves)

    def message(self, category: str, place: int) -> bytes:
        """The item, serialised, whose view of this shelf says that it is there."""
        return self.shelves[category].messages.at(place)

    def view_count(self) -> int:
        return sum(shelf.count - shelf.dead for shelf in self.shelves.values())

    def sizes(self, exact_below: int) -> Sizes:
        """Looks at every row, about 1 ms for a million. Shelves of at most ``exact_below`` vectors need no graph."""
        items = graph = exact = deleted = backlog = mapped = 0
        for shelf in self.shelves.values():
            alive = shelf.alive(self.version)
            linked = int(np.count_nonzero(alive[: shelf.graphed]))
            others = int(np.count_nonzero(alive)) - linked
            items += shelf.item_count(self.version)
            graph += linked
            exact += others
            deleted += len(alive) - linked - others
            backlog += others if shelf.graph or others > exact_below else 0
            mapped += shelf.vectors.mapped_bytes
        return Sizes(items, graph, exact, deleted, backlog, mapped)


class Shelves:
    """Readers take ``picture`` and need no lock. Writers take turns."""

    def __init__(self, collection: Collection, folder: Path) -> None:
        self.collection = collection
        self._folder = folder
        self.vocabulary = Vocabulary()
        self.picture = Picture()
        self._shelves: dict[str, Shelf] = {}
        self._turn = threading.Lock()

    def load(self, loaded: Loaded) -> None:
        """Views from disk, in the order of their labels."""
        with self._turn:
            rows = Batch(
                loaded.labels,
                loaded.items,
                loaded.ordinals,
                self.vocabulary.rows(loaded.fields),
                loaded.messages,
                loaded.vectors,
            )
            self._shelf(loaded.category).append(rows)
            self._publish([loaded.category], self.picture.version)

    def apply(self, change: Change) -> None:
        version = self.picture.version + 1
        removed: dict[str, list[int]] = {}
        for category, label in change.removed:
            removed.setdefault(category, []).append(label)
        added: dict[str, list[int]] = {}
        for position, view in enumerate(change.added):
            added.setdefault(view.category, []).append(position)
        with self._turn:
            for category, labels in removed.items():
                self._shelf(category).bury(np.array(labels, np.int64), version)
            for category, positions in added.items():
                self._append(category, [change.added[p] for p in positions], change.vectors[positions])
            self._publish({*removed, *added}, version)

    def tend(self, category: str, step: Callable[[Shelf], None]) -> None:
        """Runs ``step``, which changes how a shelf is kept but not what it holds."""
        with self._turn:
            step(self._shelves[category])
            self._publish([category], self.picture.version)

    def _append(self, category: str, views: Sequence[Added], vectors: Matrix) -> None:
        rows = Batch(
            np.array([view.label for view in views], np.int64),
            np.array([view.item for view in views], np.int64),
            np.array([view.ordinal for view in views], np.uint8),
            self.vocabulary.rows([view.fields for view in views]),
            [view.message for view in views],
            vectors,
        )
        self._shelf(category).append(rows)

    def _shelf(self, category: str) -> Shelf:
        return self._shelves.setdefault(category, Shelf(category, self.collection.dimension, self._folder))

    def _publish(self, changed: Sequence[str] | set[str], version: int) -> None:
        shelves = {**self.picture.shelves, **{category: self._shelves[category].view() for category in changed}}
        self.picture = Picture(version, shelves)
