"""The nearest items around vectors, by Milvus: asked for ever more rows until the answer is certain."""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from search_service.milvus.connection import MOST_ROWS, Connection, View
from search_service.milvus.expressions import all_of, expression, one_of
from search_service.milvus.rows import VIEW_FIELDS, Head, head_key
from search_service.names import Collection
from search_service.records import Match, Matrix, Query
from serving.errors import NotFound

_WIDEN = 4
_AGAIN = 3  # times that a search is repeated, at most, since what it found was replaced meanwhile
_ROUNDED = 1 + 1e-5  # squared distances are farther from the truth by no more than this factor


@dataclass(frozen=True)
class _Target:
    vectors: Matrix  # (1 or more, dimension)
    categories: tuple[str, ...]
    without: str  # an item to leave out; empty for none


Search = Callable[[Matrix, int], list[list[View]]]
"""For each vector up to so many rows near it, nearest first; fewer where there are no more."""


class Nearest:
    def __init__(self, connection: Connection, collection: Collection, beam: int) -> None:
        self._connection = connection
        self._collection = collection
        self._beam = beam

    def answer(self, query: Query) -> list[list[Match]]:
        """For each probe its matches, nearest first, and by id among those that are as far. Raises NotFound."""
        targets = [
            _Target(probe.vectors, tuple(probe.categories), "")
            if probe.vectors is not None
            else _Target(self._vectors_of(probe.item_id), tuple(probe.categories), probe.item_id)
            for probe in query.probes
        ]
        answers: dict[int, list[Match]] = {}
        kept = expression(query.filter)
        for categories in dict.fromkeys(target.categories for target in targets):
            group = {i: target for i, target in enumerate(targets) if target.categories == categories}
            chosen = all_of(one_of("view_category", categories) if categories else "", kept)
            answers.update(self._search(group, chosen, query))
        return [answers[i] for i in range(len(targets))]

    def _search(self, targets: Mapping[int, _Target], chosen: str, query: Query) -> dict[int, list[Match]]:
        walk, scan = self._walk(chosen), self._scan(chosen)
        search = scan if query.exact else walk
        limit = max(32, 2 * query.top_k + 16)
        answers: dict[int, list[Match]] = {}
        pending = dict(targets)
        outdated: set[tuple[str, str]] = set()
        again = 0
        while pending:
            found = search(np.concatenate([target.vectors for target in pending.values()]), limit)
            heads = self._connection.heads(self._collection, {view.item for views in found for view in views})
            replaced = _replaced(found, heads) - outdated
            if replaced and again < _AGAIN:
                # Between its rows and its head an item may have been replaced: it has rows that count by now. What a
                # dead process left behind is found again as it was.
                outdated |= replaced
                again += 1
                continue
            start = 0
            for key, target in list(pending.items()):
                views = found[start : start + len(target.vectors)]
                start += len(target.vectors)
                # Nothing that was not given is nearer than this.
                reach = min((each[-1].distance for each in views if len(each) == limit), default=np.inf)
                matches = _matches(views, heads, target.without, query)
                enough = len(matches) >= query.top_k and matches[query.top_k - 1].distance * _ROUNDED < reach
                beyond = query.max_distance is not None and query.max_distance < reach
                if enough or beyond or reach == np.inf:
                    answers[key] = matches[: query.top_k]
                    del pending[key]
            limit *= _WIDEN
            if limit > MOST_ROWS:
                search = scan
        return answers

    def _walk(self, chosen: str) -> Search:
        def search(vectors: Matrix, limit: int) -> list[list[View]]:
            found = self._connection.search(self._collection, vectors, chosen, limit, self._beam)
            short = [i for i, views in enumerate(found) if len(views) < limit]
            if short:
                # A walk past many rows that the filter leaves out may end before it has found all that it keeps.
                count = self._connection.count(self._collection, chosen)
                short = [i for i in short if len(found[i]) < min(limit, count)]
            for i, views in zip(short, self._scan(chosen)(vectors[short], limit) if short else [], strict=True):
                found[i] = views
            return found

        return search

    def _scan(self, chosen: str) -> Search:
        def search(vectors: Matrix, limit: int) -> list[list[View]]:
            """By comparing with every row."""
            wide = vectors.astype(np.float64)
            nearest: list[list[View]] = [[] for _ in vectors]
            for page in self._connection.all_rows(self._collection, chosen, (*VIEW_FIELDS, "vector")):
                rows = np.array([row["vector"] for row in page], np.float64)
                for i, vector in enumerate(wide):
                    distances = np.linalg.norm(rows - vector, axis=1).astype(np.float32).tolist()
                    views = [
                        View(row["item"], row["generation"], row["ordinal"], distance)
                        for row, distance in zip(page, distances, strict=True)
                    ]
                    nearest[i] = heapq.nsmallest(limit, nearest[i] + views, key=lambda view: view.distance)
            return nearest

        return search

    def _vectors_of(self, item_id: str) -> Matrix:
        """Of all the item's views, (views, dimension)."""
        generation = ""
        while True:
            found = self._connection.rows(self._collection, [head_key(item_id)], (*Head.__annotations__, "vector"))
            if not found:
                raise NotFound("item", item_id)
            head = Head.of(found[0])
            others = self._connection.rows(self._collection, head.others(), ("vector",))
            # Where rows are missing, the item was replaced after its head was read.
            if len(found) + len(others) == head.views or head.generation == generation:
                return np.array([row["vector"] for row in found + others], np.float32)
            generation = head.generation


def _replaced(views: Sequence[Sequence[View]], heads: Mapping[str, Head]) -> set[tuple[str, str]]:
    """Items and generations of rows that do not count, though there is such an item."""
    return {
        (view.item, view.generation)
        for each in views
        for view in each
        if view.item in heads and heads[view.item].generation != view.generation
    }


def _matches(views: Sequence[Sequence[View]], heads: Mapping[str, Head], without: str, query: Query) -> list[Match]:
    """Each item once, by its nearest view, nearest first."""
    best: dict[str, View] = {}
    for view in (view for each in views for view in each):
        head = heads.get(view.item)
        if head is None or head.generation != view.generation or view.item == without:
            continue
        if query.max_distance is not None and view.distance > query.max_distance:
            continue
        before = best.get(view.item)
        if before is None or (view.distance, view.ordinal) < (before.distance, before.ordinal):
            best[view.item] = view
    return sorted(Match(view.distance, view.item, heads[view.item].message, view.ordinal) for view in best.values())
