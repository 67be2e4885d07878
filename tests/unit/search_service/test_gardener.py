"""Graphs are planted, grow and are replanted while searches see what was written, neither more nor less."""

import itertools
import logging
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from search_service import gardener
from search_service import index as index_module
from search_service.graph import Graph
from search_service.index import Index
from search_service.names import Collection
from search_service.nearest import Target, Want, nearest
from search_service.records import Keys, Matrix
from search_service.shelf import ShelfView
from search_service.shelves import Picture
from tests.unit.search_service.indexes import PARAMETERS, ids, made, opened, plan, record, search, unit


def shelf(index: Index, shop: Collection, category: str = "top") -> ShelfView:
    return picture(index, shop).shelves[category]


def picture(index: Index, shop: Collection) -> Picture:
    return index._shelves[shop.key].picture


def write(index: Index, shop: Collection, start: int, end: int) -> None:
    index.upsert(shop, [record(f"{i:04}", unit(i)) for i in range(start, end)]).result()


def linked(index: Index) -> tuple[Collection, Graph]:
    """A shop of 200 items, all of them in its graph."""
    shop = made(index)
    write(index, shop, 0, 200)
    assert index.settle(10)
    graph = shelf(index, shop).graph
    assert graph is not None
    return shop, graph


def found(picture: Picture, vector: Matrix, **want: bool) -> list[int]:
    return [hit.item for hit in nearest(picture, [Target(vector, (), frozenset())], Want(5, **want))[0]]


def test_a_small_shelf_has_no_graph(tmp_path: Path) -> None:
    with opened(tmp_path, plan(exact_below=100)) as index:
        shop = made(index)
        write(index, shop, 0, 100)
        assert index.settle(10)
        assert shelf(index, shop).graph is None


def test_a_shelf_beyond_the_threshold_gets_a_graph_of_all_its_vectors(tmp_path: Path) -> None:
    with opened(tmp_path, plan(exact_below=100)) as index:
        shop = made(index)
        write(index, shop, 0, 101)
        assert index.settle(10)
        view = shelf(index, shop)
        assert view.graph is not None
        assert (view.graph.count, view.graphed) == (101, 101)


def test_the_log_tells_how_far_a_graph_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gardener, "_TELL_EVERY_S", 0.0)
    with opened(tmp_path, plan(exact_below=100)) as index, caplog.at_level(logging.INFO):
        assert index.settle(10)
        write(index, made(index), 0, 1500)
        assert index.settle(30)
    told = [line for line in caplog.messages if line.startswith("building")]
    assert told == [f"building the graph of shop/top: {done} of 1500 vectors" for done in (0, 1024)]


def test_what_waits_in_the_tail_is_found_and_linked_when_it_is_long(tmp_path: Path) -> None:
    with opened(tmp_path, plan(exact_below=100, tail=50)) as index:
        shop = made(index)
        write(index, shop, 0, 400)
        assert index.settle(10)
        write(index, shop, 400, 450)
        assert index.settle(10)
        assert shelf(index, shop).graphed == 400
        assert all(ids(search(index, shop, unit(i), 1)) == [f"{i:04}"] for i in range(450))
        write(index, shop, 450, 451)
        assert index.settle(10)
        assert shelf(index, shop).graphed == 451
        assert all(ids(search(index, shop, unit(i), 1)) == [f"{i:04}"] for i in range(451))


@pytest.mark.parametrize(
    ("searched", "ms_a_row", "at_a_time"),
    [(False, 0.15, 53), (False, 0.75, 10), (False, 10.0, 1), (True, 0.14, 10), (True, 0.7, 2), (True, 10.0, 1)],
)
def test_a_long_tail_is_linked_some_milliseconds_at_a_time_and_seen_to_shorten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, searched: bool, ms_a_row: float, at_a_time: int
) -> None:
    monkeypatch.setattr(gardener, "_CHUNK", 10)
    with opened(tmp_path, plan(exact_below=100, tail=50)) as index:
        shop, graph = linked(index)
        shown: list[int] = []
        pieces: list[int] = []
        add = graph.add

        def watched(vectors: Matrix, labels: Keys, threads: int) -> float:
            shown.append(shelf(index, shop).graphed)
            pieces.append(len(labels))
            add(vectors, labels, threads)
            if searched:
                graph.nearest(vectors[:1], 1)
            return len(labels) * ms_a_row / 1000

        monkeypatch.setattr(graph, "add", watched)
        write(index, shop, 200, 500)
        assert index.settle(10)
        assert pieces[0] == 1
        assert max(pieces) == pieces[-2] == at_a_time
        assert shown == sorted(shown)
        assert np.diff(sorted({*shown, 500})).max() < 10 + at_a_time
        assert shelf(index, shop).graphed == 500
        assert all(ids(search(index, shop, unit(i), 1)) == [f"{i:04}"] for i in range(0, 500, 9))


def test_an_index_is_behind_until_a_long_tail_is_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "_SEARCHED_S", 60.0)
    with opened(tmp_path, plan(exact_below=100, tail=50)) as index:
        shop, graph = linked(index)
        go_on = threading.Event()
        add = graph.add

        def waiting(vectors: Matrix, labels: Keys, threads: int) -> float:
            assert go_on.wait(10)
            return add(vectors, labels, threads)

        monkeypatch.setattr(graph, "add", waiting)
        write(index, shop, 200, 400)
        assert not index.behind("shop")
        write(index, shop, 400, 401)
        index.set_alias("spring", "shop").result()
        assert not index.behind("shop")  # nobody searches
        search(index, shop, unit(0))
        assert index.behind("shop")
        assert index.behind("spring")
        assert not index.behind("nothing of that name")
        go_on.set()
        assert index.settle(10)
        assert not index.behind("shop")


def test_an_index_is_behind_for_as_long_as_searches_come_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path, plan(exact_below=100, tail=50)) as index:
        shop, _ = linked(index)
        monkeypatch.setattr(index._gardener, "behind", lambda _: True)
        monkeypatch.setattr(index_module, "_SEARCHED_S", 60.0)
        search(index, shop, unit(0))
        assert index.behind("shop")
        monkeypatch.setattr(index_module, "_SEARCHED_S", 0.0)
        assert not index.behind("shop")


def test_an_index_is_not_behind_where_no_graph_is_wanted(tmp_path: Path) -> None:
    with opened(tmp_path, plan(exact_below=1000, tail=50)) as index:
        shop = made(index)
        write(index, shop, 0, 950)
        index.delete_items(shop, [f"{i:04}" for i in range(100)]).result()
        write(index, shop, 950, 1100)
        view = shelf(index, shop)
        assert (view.count, view.dead) == (1100, 100)
        search(index, shop, unit(0))
        assert not index.behind("shop")


def test_a_graph_outgrows_its_first_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search_service.graph.capacity_for", lambda count, dimension, m: count)
    with opened(tmp_path, plan(exact_below=100, tail=1)) as index:
        shop = made(index)
        for start in range(0, 3000, 500):
            write(index, shop, start, start + 500)
            assert index.settle(30)
        view = shelf(index, shop)
        assert view.graph is not None
        assert view.graph.count == 3000
        assert all(ids(search(index, shop, unit(i), 1)) == [f"{i:04}"] for i in range(0, 3000, 50))


def test_too_many_deleted_vectors_are_swept_out(tmp_path: Path) -> None:
    with opened(tmp_path, plan(exact_below=100)) as index:
        shop = made(index)
        write(index, shop, 0, 600)
        assert index.settle(10)
        index.delete_items(shop, [f"{i:04}" for i in range(0, 600, 3)]).result()
        assert index.settle(10)
        view = shelf(index, shop)
        assert view.graph is not None
        assert (view.count, view.dead, view.graph.count) == (400, 0, 400)
        assert ids(search(index, shop, unit(0), 1)) != ["0000"]
        assert all(ids(search(index, shop, unit(i), 1)) == [f"{i:04}"] for i in range(1, 600, 3))


def test_a_shelf_that_shrinks_loses_its_graph(tmp_path: Path) -> None:
    with opened(tmp_path, plan(exact_below=100)) as index:
        shop = made(index)
        write(index, shop, 0, 200)
        index.settle(10)
        index.delete_items(shop, [f"{i:04}" for i in range(150)]).result()
        assert index.settle(10)
        assert shelf(index, shop).graph is None
        assert ids(search(index, shop, unit(160), 1)) == ["0160"]


def test_a_search_sees_the_version_it_began_with(tmp_path: Path) -> None:
    """Through deletes, updates, growth and a sweep."""
    with opened(tmp_path, plan(exact_below=100)) as index:
        shop = made(index)
        write(index, shop, 0, 600)
        index.settle(10)
        before = picture(index, shop)
        seen = [found(before, unit(i), exact=exact) for i in range(30) for exact in (False, True)]
        index.delete_items(shop, [f"{i:04}" for i in range(400)]).result()
        write(index, shop, 350, 700)
        index.settle(10)
        assert [found(before, unit(i), exact=exact) for i in range(30) for exact in (False, True)] == seen
        assert found(picture(index, shop), unit(0))[0] != seen[0][0]


def test_writing_and_searching_go_on_while_shelves_are_swept(tmp_path: Path) -> None:
    with opened(tmp_path, plan(exact_below=50, tail=20, dead_share=0.05)) as index:
        shop = made(index)
        write(index, shop, 0, 500)
        stop = threading.Event()

        def churn() -> None:
            turn = 0
            while not stop.is_set():
                turn += 1
                write(index, shop, turn % 10 * 40, turn % 10 * 40 + 40)

        churning = threading.Thread(target=churn)
        churning.start()
        try:
            for i in range(300):
                assert ids(search(index, shop, unit(i % 500), 1)) == [f"{i % 500:04}"]
        finally:
            stop.set()
            churning.join()
        assert index.settle(30)
        assert index.failure() is None
        assert shelf(index, shop).count - shelf(index, shop).dead == 500


def test_searches_go_between_the_turns_of_who_links() -> None:
    graph = Graph.empty(8, 4000, PARAMETERS)
    vectors = unit(1, 4000)
    graph.add(vectors[:500], np.arange(500))
    turns: list[str] = []

    def link() -> None:
        for start in range(500, 4000, 10):
            graph.add(vectors[start : start + 10], np.arange(start, start + 10))
            turns.append("link")

    linking = threading.Thread(target=link)
    linking.start()
    while linking.is_alive():
        labels, squared = graph.nearest(vectors[:2], 10)
        assert labels[:, 0].tolist() == [0, 1]
        assert (np.diff(squared) >= 0).all()
        turns.append("search")
    linking.join()
    alternations = sum(a != b for a, b in itertools.pairwise(turns))
    assert alternations > 100


@pytest.mark.parametrize(
    ("graphed", "count", "dead", "behind"),
    [
        pytest.param(None, 100, 0, False, id="few enough for no graph"),
        pytest.param(None, 101, 0, True, id="to have a graph"),
        pytest.param(None, 120, 20, False, id="few enough without the dead"),
        pytest.param(1000, 1040, 0, False, id="four times the tail"),
        pytest.param(1000, 1041, 0, True, id="a longer tail, though few enough for no graph"),
    ],
)
def test_it_is_behind_where_a_graph_is_missing_or_lacks_much(
    tmp_path: Path, graphed: int | None, count: int, dead: int, behind: bool
) -> None:
    view = SimpleNamespace(graph=graphed and object(), graphed=graphed or 0, count=count, dead=dead)
    seen: Any = SimpleNamespace(shelves={"top": view})
    with opened(tmp_path, plan(exact_below=100, tail=10)) as index:
        assert index._gardener.behind(seen) is behind
