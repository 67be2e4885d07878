"""The nearest items around vectors, in memory.

Rows are compared exactly where a shelf has no graph, where they wait in its tail, where the caller asks for it, and
where a filter keeps so few that walking costs more. Else the graph is walked, ever wider until it has given enough; its
distances are sums of float32, and differ from those of rows that are compared by some 1e-7 of them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, compress, repeat
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from search_service.fields import Flags, RowTest, some_rows
from search_service.graph import Distances, GraphTorn
from search_service.records import Keys, Matrix
from search_service.shelf import ShelfView
from search_service.shelves import Picture

_HIDDEN = -np.inf
_CELLS = 1 << 24  # similarities held at a time: 64 MiB
_BLOCK = 1 << 16  # vectors held at a time: 64 MiB where they have 256 numbers
_WIDEN = 4
_GRAPH_SHARE = 8  # a walk for more than this part of a graph costs more than comparing with all of it
_WIDEST = 1 << 13  # rows of a walk: for its 15 ms who links waits, and all searches behind it
_DIFFERENCES = 1 << 21  # numbers held at a time to compare exactly: 16 MiB

Similarities = npt.NDArray[np.float32]


class Target(NamedTuple):
    """Vectors to be near to, any of them; items to leave out."""

    vectors: Matrix  # (1 or more, dimension), unit length
    categories: Sequence[str]
    without: frozenset[int]


@dataclass(frozen=True)
class Want:
    count: int
    max_distance: float | None = None
    exact: bool = False
    keep: "Keep | None" = None


class Keep:
    """A filter of rows: they meet all tests and, where ``keys`` are given, their items are among these."""

    def __init__(self, tests: Sequence[RowTest] = (), keys: Keys | None = None) -> None:
        self._tests = tests
        self._keys = None if keys is None else _flags(keys)

    def rows(self, view: ShelfView) -> Flags:
        """(count,)"""
        kept = np.ones(view.count, np.bool_)
        rows = some_rows(view.fields, slice(view.count))
        for test in self._tests:
            kept &= test(rows)
        if self._keys is not None:
            kept &= self._keys[np.minimum(view.items[: view.count], len(self._keys) - 1)]
        return kept


class Hit(NamedTuple):
    """Nearer ones are less, and of two as near that of the earlier view."""

    distance: float
    view: int
    item: int
    place: int  # of its message, in the shelf of `category`
    category: str


def nearest(picture: Picture, targets: Sequence[Target], want: Want) -> list[list[Hit]]:
    """For each target its hits, nearest first: each item once, by its nearest view.

    There are ``want.count``, and beyond these all that are just as far as the last; fewer where there are no more.
    """
    version = picture.version
    groups: dict[tuple[str, ...], list[int]] = {}
    for position, target in enumerate(targets):
        groups.setdefault(picture.chosen(target.categories), []).append(position)
    used = {category: picture.shelves[category] for categories in groups for category in categories}
    kept = {category: _kept(view, version, want) for category, view in used.items()}
    walked = {category for category, view in used.items() if _first_width(view, kept[category], want) is not None}
    answers: list[list[Hit]] = [[] for _ in targets]
    for categories, positions in groups.items():
        scan = _Scan([_span(used[c], version, kept[c], whole=c not in walked) for c in categories])
        for batch in _batches(targets, positions, scan.size):
            walks = [
                _walk(used[c], version, kept[c], {p: targets[p] for p in batch}, want)
                for c in categories
                if c in walked
            ]
            scanned = scan.nearest([targets[p] for p in batch], want)
            for position, hits in zip(batch, scanned, strict=True):
                answers[position] = _merged([hits, *(walk[position] for walk in walks)], want)
    return answers


def _kept(view: ShelfView, version: int, want: Want) -> Flags | None:
    """Rows that the filter keeps and that are alive, (count,); None where there is no filter."""
    if want.keep is None:
        return None
    kept = want.keep.rows(view)
    return kept & view.alive(version) if view.dead else kept


def _first_width(view: ShelfView, kept: Flags | None, want: Want) -> int | None:
    """For how many rows to walk the graph first, so that enough of them are kept; None where comparing costs less."""
    if view.graph is None or want.exact:
        return None
    survivors = view.graphed if kept is None else int(np.count_nonzero(kept[: view.graphed]))
    width = max(32, 2 * want.count + 16) * view.graphed // max(survivors, 1)
    return width if _may_walk(width, survivors) else None


def _may_walk(width: int, rows: int) -> bool:
    return width <= min(rows // _GRAPH_SHARE, _WIDEST)


@dataclass(frozen=True)
class _Span:
    """Rows of one shelf: those listed, or all from ``start`` on; ``hidden`` flags those that do not count."""

    view: ShelfView
    start: int
    rows: Keys | None
    hidden: Flags | None

    def size(self) -> int:
        return self.view.count - self.start if self.rows is None else len(self.rows)

    def blocks(self) -> Iterable[Matrix]:
        """The vectors, few enough at a time that what they take does not show."""
        vectors, count = self.view.vectors, self.view.count
        for first in range(0, self.size(), _BLOCK):
            if self.rows is None:
                yield vectors.array[self.start + first : min(self.start + first + _BLOCK, count)]
            else:
                yield vectors.take(self.rows[first : first + _BLOCK])
            if self.size() > _BLOCK:
                vectors.release()

    def items(self) -> Keys:
        return self.view.items[self.start : self.view.count] if self.rows is None else self.view.items[self.rows]


class _Scan:
    """Spans of several shelves laid side by side, to be compared with many vectors at once."""

    def __init__(self, spans: Sequence[_Span]) -> None:
        self._spans = [span for span in spans if span.size()]
        self._ends = np.cumsum([span.size() for span in self._spans], dtype=np.int64)
        self.size = int(self._ends[-1]) if self._spans else 0
        empty = np.empty(0, np.int64)
        self._items = np.concatenate([span.items() for span in self._spans]) if self._spans else empty
        dimension = self._spans[0].view.vectors.array.shape[1] if self._spans else 0
        # float32 cosines err by at most this (a bound on the rounding of a sum); what lies closer together than twice
        # as much is told apart by the distance itself.
        self._slack = np.float32(2 * dimension * 2.0**-23)

    def nearest(self, targets: Sequence[Target], want: Want) -> Iterable[list[Hit]]:
        if not self.size:
            return ([] for _ in targets)
        similarities = self._compare(targets)
        return (self._best(row, target, want) for row, target in zip(similarities, targets, strict=True))

    def _compare(self, targets: Sequence[Target]) -> Iterable[Similarities]:
        """For each target the cosine of each row, (size,); -inf where a row is hidden."""
        vectors = np.concatenate([target.vectors for target in targets])
        # Vectors of the shelf on the left: BLAS takes half the time it takes the other way round.
        columns = np.empty((self.size, len(vectors)), np.float32)
        start = 0
        for span, end in zip(self._spans, self._ends.tolist(), strict=True):
            place = start
            for block in span.blocks():
                np.matmul(block, vectors.T, out=columns[place : place + len(block)])
                place += len(block)
            if span.hidden is not None:
                columns[start:end][span.hidden] = _HIDDEN
            start = end
        cosines = np.ascontiguousarray(columns.T)
        first = 0
        for target in targets:
            count = len(target.vectors)
            row = cosines[first] if count == 1 else cosines[first : first + count].max(axis=0)
            for item in target.without:
                row[self._items == item] = _HIDDEN
            first += count
            yield row

    def _best(self, similarities: Similarities, target: Target, want: Want) -> list[Hit]:
        """Of the rows that the cosines cannot rule out."""
        wide = want.count
        while wide < self.size:
            threshold = np.partition(similarities, self.size - wide)[self.size - wide]
            if threshold == _HIDDEN:
                break
            near = np.flatnonzero(similarities >= threshold - self._slack)
            certain = self._items[near[similarities[near] >= threshold]]
            if len(set(certain.tolist())) >= want.count:
                return self._hits(near, target, want)
            wide *= _WIDEN
        return self._hits(np.flatnonzero(similarities > _HIDDEN), target, want)

    def _hits(self, positions: Keys, target: Target, want: Want) -> list[Hit]:
        found, start = [], 0
        cuts = np.searchsorted(positions, self._ends).tolist()
        for span, cut, end in zip(self._spans, cuts, self._ends.tolist(), strict=True):
            if cut > start:
                rows = positions[start:cut] - (end - span.size())
                rows = rows + span.start if span.rows is None else span.rows[rows]
                found.append(_ranked(span.view, rows, target, want))
            start = cut
        return _merged(found, want)


def _span(view: ShelfView, version: int, kept: Flags | None, whole: bool) -> _Span:
    """What of a shelf has to be compared: all of it, or the tail that its graph lacks."""
    start = 0 if whole else view.graphed
    if kept is None:
        return _Span(view, start, None, ~view.alive(version, start) if view.dead else None)
    wanted = kept[start:]
    rows = np.flatnonzero(wanted)
    if len(rows) * 4 < len(wanted):
        return _Span(view, 0, rows + start, None)
    return _Span(view, start, None, ~wanted)


def _walk(
    view: ShelfView, version: int, kept: Flags | None, targets: Mapping[int, Target], want: Want
) -> dict[int, list[Hit]]:
    """For each target the hits of a shelf's graph; of all its rows where walking costs more, or finds too few."""
    assert view.graph is not None
    width = _first_width(view, kept, want)
    assert width is not None
    answers: dict[int, list[Hit]] = {}
    pending = dict(targets)
    while pending and _may_walk(width, view.graphed):
        try:
            labels, squared = view.graph.nearest(np.concatenate([each.vectors for each in pending.values()]), width)
        except GraphTorn:
            break
        distances = np.sqrt(squared).clip(max=2)
        # The first that were wanted mostly settle it.
        first = _there(view, version, kept, labels[:, : want.count], distances[:, : want.count])
        nearby, reach = distances[:, want.count].tolist(), distances[:, -1].tolist()
        start = 0
        for key, target in list(pending.items()):
            mine = slice(start, start + len(target.vectors))
            start = mine.stop
            hits = _joined(first[mine], target, want)
            if not _complete(hits, want, min(nearby[mine])):
                hits = _joined(_there(view, version, kept, labels[mine], distances[mine]), target, want)
                if not _complete(hits, want, min(reach[mine])):
                    continue
            answers[key] = hits
            del pending[key]
        width *= _WIDEN
    if pending:
        scan = _Scan([_span(view, version, kept, whole=True)])
        for key, target in pending.items():
            (answers[key],) = scan.nearest([target], want)
    return answers


def _there(view: ShelfView, version: int, kept: Flags | None, labels: Keys, distances: Distances) -> list[list[Hit]]:
    """For each walk what it gave, less what came later, was deleted, or is not kept."""
    rows, there = view.find(labels)
    if kept is not None:
        there &= kept[rows]
    elif view.dead:
        there &= view.died[rows] > version
    columns = (each.tolist() for each in (distances, view.ordinals[rows], view.items[rows], view.places[rows]))
    walks = [list(map(Hit, *walk, repeat(view.category))) for walk in zip(*columns, strict=True)]
    if there.all():
        return walks
    return [list(compress(hits, mask)) for hits, mask in zip(walks, there.tolist(), strict=True)]


def _joined(walks: Iterable[Sequence[Hit]], target: Target, want: Want) -> list[Hit]:
    """Hits of all walks for a target."""
    hits = sorted(chain.from_iterable(walks))
    if target.without:
        hits = [hit for hit in hits if hit.item not in target.without]
    return _first(hits, want)


def _complete(hits: Sequence[Hit], want: Want, reach: float) -> bool:
    """Whether nothing from ``reach`` on, as far as the walks went, can belong to the answer."""
    if want.max_distance is not None and want.max_distance < reach:
        return True
    return len(hits) >= want.count and hits[-1].distance < reach


def _ranked(view: ShelfView, rows: Keys, target: Target, want: Want) -> list[Hit]:
    """The nearest items among the rows, and those as far as the last of them."""
    ordinals = view.ordinals[rows]
    # Thousands of items may have the very same picture.
    at_a_time = max(1, _DIFFERENCES // target.vectors.size)
    pieces = (rows[start : start + at_a_time] for start in range(0, len(rows), at_a_time))
    distances = np.concatenate([_distances(view.vectors.take(piece), target) for piece in pieces])
    order = np.lexsort((ordinals, distances))
    columns = (each[order].tolist() for each in (distances, ordinals, view.items[rows], view.places[rows]))
    hits = map(Hit, *columns, repeat(view.category))
    return _first((hit for hit in hits if hit.item not in target.without), want)


def _merged(found: Sequence[Sequence[Hit]], want: Want) -> list[Hit]:
    """Hits of several parts of the index, each in order, as hits of all of it."""
    filled = [hits for hits in found if hits]
    if len(filled) <= 1:
        return list(filled[0]) if filled else []
    return _first(sorted(chain.from_iterable(filled)), want)


def _first(ordered: Iterable[Hit], want: Want) -> list[Hit]:
    """Each item once; those that are wanted, and all that are as far as the last of these."""
    hits: dict[int, Hit] = {}
    last = math.inf if want.max_distance is None else want.max_distance
    for hit in ordered:
        if hit.distance > last:
            break
        if hit.item in hits:
            continue
        hits[hit.item] = hit
        if len(hits) == want.count:
            last = min(last, hit.distance)
    return list(hits.values())


def _distances(vectors: Matrix, target: Target) -> Distances:
    """From each vector to the target's nearest, (n,), in [0, 2].

    The norm of the difference, which is exact near 0 too.
    """
    differences = vectors.astype(np.float64)[:, np.newaxis] - target.vectors
    distances: Distances = np.sqrt(np.vecdot(differences, differences).min(axis=1)).clip(max=2).astype(np.float32)
    return distances


def _flags(keys: Keys) -> Flags:
    """Flag of each key up to one beyond the largest; that last one is for all greater ones, and not set."""
    flags = np.zeros(int(keys.max(initial=-1)) + 2, np.bool_)
    flags[keys] = True
    return flags


def _batches(targets: Sequence[Target], positions: Sequence[int], size: int) -> Iterable[list[int]]:
    """Positions, few enough at a time that their similarities fit into memory."""
    batch: list[int] = []
    rows = 0
    for position in positions:
        more = len(targets[position].vectors)
        if batch and (rows + more) * size > _CELLS:
            yield batch
            batch, rows = [], 0
        batch.append(position)
        rows += more
    if batch:
        yield batch
