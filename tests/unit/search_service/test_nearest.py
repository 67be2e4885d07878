"""Searching, against comparing everything with everything."""

import shutil
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clothing_retrieval.v1.types_pb2 import Item
from search_service.filters import AnyOf, Condition, Range, compile_filter
from search_service.graph import Graph
from search_service.index import Index
from search_service.names import Collection
from search_service.records import Match, Matrix, Probe, Query
from tests.unit.search_service.indexes import DIMENSION, ask, ids, made, opened, plan, record, search, unit

GRAPHS = plan(exact_below=0)
CATEGORIES = ("top", "bag", "dress")

# An item as the model knows it: the category and the vector of each view.
Items = Mapping[str, tuple[Sequence[str], Matrix]]


def brute_force(
    items: Items, vectors: Matrix, k: int, categories: Sequence[str] = (), without: str = ""
) -> list[tuple[str, float, int]]:
    """(id, distance, view) of the k nearest, by id where the distance is the same."""
    if not items:
        return []
    rows = [(name, view, category) for name, (views, _) in items.items() for view, category in enumerate(views)]
    stored = np.concatenate([stored for _, stored in items.values()]).astype(np.float64)
    distances = np.min([np.linalg.norm(stored - vector, axis=1) for vector in vectors], axis=0).astype(np.float32)
    best: dict[str, tuple[float, int]] = {}
    for (name, view, category), distance in zip(rows, distances.tolist(), strict=True):
        if name != without and (not categories or category in categories):
            best[name] = min(best.get(name, (9.0, 0)), (distance, view))
    return sorted(((name, *match) for name, match in best.items()), key=lambda match: (match[1], match[0]))[:k]


def told(matches: Sequence[Match]) -> list[tuple[str, float, int]]:
    return [(match.id, pytest.approx(match.distance, abs=1e-6), match.view) for match in matches]


def fill(index: Index, shop: Collection, items: Items) -> None:
    index.upsert(shop, [record(name, vectors, views) for name, (views, vectors) in items.items()]).result()


def several(count: int, views: int = 1, seed: int = 0) -> Items:
    names = [f"{i:04}" for i in range(count)]
    vectors = unit(seed, count * views).reshape(count, views, DIMENSION)
    return {name: ([CATEGORIES[i % 3]] * views, vectors[i]) for i, name in enumerate(names)}


@pytest.mark.parametrize("tending", [plan(), GRAPHS], ids=["exact", "graph"])
@pytest.mark.parametrize("views", [1, 3])
def test_the_nearest_items_are_found_each_once_by_its_nearest_view(tmp_path: Path, tending, views) -> None:  # type: ignore[no-untyped-def]
    items = several(1200 // views, views)
    with opened(tmp_path, tending) as index:
        shop = made(index)
        fill(index, shop, items)
        assert index.settle(30)
        hit = wanted = 0
        for seed in range(20):
            for k, categories in ((1, ()), (5, ("bag",)), (40, ("top", "dress", "none"))):
                expected = brute_force(items, unit(seed + 100), k, categories)
                found = search(index, shop, unit(seed + 100), k, categories=categories)
                exact = search(index, shop, unit(seed + 100), k, categories=categories, exact=True)
                assert told(exact) == expected
                assert len(found) == k
                hit += len(set(ids(found)) & {name for name, _, _ in expected})
                wanted += k
        assert hit / wanted >= (0.99 if tending is GRAPHS else 1)


@pytest.mark.parametrize("tending", [plan(), GRAPHS], ids=["exact", "graph"])
def test_an_item_as_a_probe_means_each_of_its_views_and_is_left_out(tmp_path: Path, tending) -> None:  # type: ignore[no-untyped-def]
    items = several(300, views=4)
    with opened(tmp_path, tending) as index:
        shop = made(index)
        fill(index, shop, items)
        assert index.settle(30)
        for name in ("0000", "0017"):
            expected = brute_force(items, items[name][1], 7, without=name)
            assert told(ask(index, shop, Probe(None, name, ()), 7)) == expected
        expected = brute_force(items, items["0003"][1], 7, ["bag"], without="0003")
        assert told(ask(index, shop, Probe(None, "0003", ("bag",)), 7)) == expected


@pytest.mark.parametrize("tending", [plan(), GRAPHS], ids=["exact", "graph"])
def test_equal_distances_come_by_id_whatever_the_order_of_writing(tmp_path: Path, tending, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("search_service.nearest._DIFFERENCES", 10 * DIMENSION)
    names = [f"{i:03}" for i in np.random.default_rng(3).permutation(600)]
    with opened(tmp_path, tending) as index:
        shop = made(index)
        for start in range(0, 600, 100):
            index.upsert(shop, [record(name, unit(1)) for name in names[start : start + 100]]).result()
        index.upsert(shop, [record("near", unit(2))]).result()
        assert index.settle(30)
        assert ids(search(index, shop, unit(1), 5)) == ["000", "001", "002", "003", "004"]
        found = search(index, shop, unit(2), 3)
        assert ids(found) == ["near", "000", "001"]
        assert len({match.distance for match in found[1:]}) == 1


def test_distances_are_euclidean_and_exact_near_zero_and_at_the_far_end(tmp_path: Path) -> None:
    vector = unit(1)
    close = vector + np.float32(1e-5) * unit(2)
    close /= np.linalg.norm(close)
    with opened(tmp_path) as index:
        shop = made(index)
        index.upsert(shop, [record("same", vector), record("close", close), record("far", -vector)]).result()
        same, near, far = search(index, shop, vector)
        assert ids([same, near, far]) == ["same", "close", "far"]
        assert same.distance == 0
        assert near.distance == pytest.approx(np.linalg.norm(close.astype(float) - vector), rel=1e-3)
        assert far.distance == pytest.approx(2, abs=1e-6)
        assert far.distance <= 2


def test_what_is_farther_than_the_bound_is_left_out(tmp_path: Path) -> None:
    items = several(500)
    for tending in (plan(), GRAPHS):
        path = tmp_path / str(tending.exact_below)
        with opened(path, tending) as index:
            shop = made(index)
            fill(index, shop, items)
            index.settle(30)
            expected = brute_force(items, unit(99), 100)
            bound = expected[9][1]
            found = search(index, shop, unit(99), 100, max_distance=bound)
            assert ids(found) == [name for name, _, _ in expected[:10]]
            assert search(index, shop, unit(99), max_distance=0.0) == []


def test_a_filter_keeps_k_results_whenever_k_exist(tmp_path: Path) -> None:
    with opened(tmp_path, GRAPHS) as index:
        shop = made(index)
        index.upsert(
            shop, [record(f"{i:03}", unit(i), gender="male" if i % 60 == 0 else "female") for i in range(480)]
        ).result()
        index.settle(30)
        for gender, count in (("male", 8), ("female", 472), ("unisex", 0)):
            wanted = compile_filter([Condition("gender", AnyOf([gender]))])
            assert len(search(index, shop, unit(999), 100, filter=wanted)) == min(count, 100)


def test_a_filter_that_keeps_much_walks_the_graph_and_finds_as_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walks: list[int] = []
    nearest = Graph.nearest
    monkeypatch.setattr(Graph, "nearest", lambda graph, vectors, k: walks.append(k) or nearest(graph, vectors, k))
    with opened(tmp_path, GRAPHS) as index:
        shop = made(index)
        index.upsert(shop, [record(f"{i}", unit(i), price=i, gender=f"{i % 2}") for i in range(3000)]).result()
        index.delete_items(shop, [f"{i}" for i in range(0, 3000, 9)]).result()
        assert index.settle(30)
        for least, walked in ((0, True), (1000, True), (2900, False)):
            wanted = compile_filter([Condition("price", Range(least, None))])
            walks.clear()
            found = exact = 0
            for seed in range(20):
                here = ids(search(index, shop, unit(9000 + seed), 10, filter=wanted))
                there = ids(search(index, shop, unit(9000 + seed), 10, filter=wanted, exact=True))
                assert len(here) == len(there) == 10
                assert all(int(item) >= least for item in here)
                found, exact = found + len(set(here) & set(there)), exact + 10
            assert bool(walks) is walked
            assert found / exact > 0.98


def test_an_item_that_changes_while_it_is_searched_is_judged_by_what_it_became(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = compile_filter([Condition("attributes.size", AnyOf(["M"]))])
    with opened(tmp_path) as index:
        shop = made(index)
        sizes = {"sold soon": unit(1), "still there": unit(2)}
        index.upsert(shop, [record(name, vector, attributes={"size": "M"}) for name, vector in sizes.items()]).result()
        reading = index._store.reading

        def after_a_write() -> AbstractContextManager[sqlite3.Connection]:
            monkeypatch.undo()
            index.upsert(shop, [record("sold soon", unit(1), attributes={"size": "L"})]).result()
            return reading()

        monkeypatch.setattr(index._store, "reading", after_a_write)
        assert ids(search(index, shop, unit(1), filter=wanted)) == ["still there"]


def test_an_answer_has_each_item_as_it_was_last_written(tmp_path: Path) -> None:
    items = several(900)
    with opened(tmp_path, GRAPHS) as index:
        shop = made(index)
        fill(index, shop, items)
        for name in list(items)[::3]:
            index.upsert(shop, [record(name, items[name][1], items[name][0], title=f"new {name}")]).result()
        index.settle(30)  # rebuilt without the rows that were replaced
        assert titles(index, shop) == {name: f"new {name}" if int(name) % 3 == 0 else "" for name in items}
    with opened(tmp_path) as index:
        assert len(titles(index, index.collection("shop"))) == 900


def titles(index: Index, shop: Collection) -> dict[str, str]:
    """Of all items, as searches of their neighbourhoods give them."""
    found: dict[str, str] = {}
    for seed in range(60):
        for match in search(index, shop, unit(seed + 70_000), 100, exact=True):
            item = Item.FromString(match.message)
            assert found.setdefault(item.id, item.title) == item.title
    return found


def test_each_probe_has_its_own_answer_in_the_order_of_the_probes(tmp_path: Path) -> None:
    items = several(900)
    for tending in (plan(), GRAPHS):
        with opened(tmp_path / str(tending.exact_below), tending) as index:
            shop = made(index)
            fill(index, shop, items)
            index.settle(30)
            probes = [Probe(unit(i), "", CATEGORIES[i % 4 : i % 4 + 1]) for i in range(9)]
            probes += [Probe(None, "0005", ()), Probe(unit(1), "", ("none",))]
            together = index.query(shop, Query(probes, 6, compile_filter([]), None, False))
            assert together == [ask(index, shop, probe, 6) for probe in probes]
            assert together[-1] == []


def test_an_empty_collection_answers_with_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as index:
        assert search(index, made(index), unit(1)) == []


names = st.integers(0, 39).map("item{}".format)
upserts = st.tuples(
    st.just("upsert"), names, st.integers(0, 10_000), st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=3)
)
deletes = st.tuples(st.just("delete"), names, st.just(0), st.just([""]))


@settings(max_examples=40, deadline=None)
@given(history=st.lists(upserts | deletes, max_size=40), graphs=st.booleans(), base=st.sampled_from([0, 700]))
def test_after_any_history_the_answers_are_those_of_comparing_everything(history, graphs, base) -> None:  # type: ignore[no-untyped-def]
    folder = Path(tempfile.mkdtemp())
    try:
        with opened(folder, plan(0 if graphs else 10_000, tail=16, dead_share=0.01)) as index:
            shop = made(index)
            items = dict(several(base, seed=5))
            if items:
                fill(index, shop, items)
            for kind, name, seed, categories in history:
                if kind == "delete":
                    index.delete_items(shop, [name]).result()
                    items.pop(name, None)
                else:
                    items[name] = (categories, unit(seed, len(categories)))
                    index.upsert(shop, [record(name, items[name][1], categories)]).result()
            compare(index, shop, items)
            index.settle(30)
            compare(index, shop, items)
        with opened(folder) as index:
            compare(index, index.collection("shop"), items)
    finally:
        shutil.rmtree(folder)


def compare(index: Index, shop: Collection, items: Items) -> None:
    for seed in range(3):
        expected = brute_force(items, unit(seed + 50_000), 10)
        assert told(search(index, shop, unit(seed + 50_000), 10, exact=True)) == expected
        found = search(index, shop, unit(seed + 50_000), 10)
        assert len(found) == len(expected)
        assert len(set(ids(found)) & {name for name, _, _ in expected}) >= len(expected) - 1
