"""Graphs that were saved are there at the next start; what is wrong with one is told, and the graph built anew."""

import errno
import json
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from search_service import gardener
from search_service import index as index_module
from search_service.graph import Graph
from search_service.index import Index
from search_service.names import Collection
from search_service.snapshots import SNAPSHOTS, Snapshots
from tests.unit.search_service.indexes import (
    DIGEST,
    DIMENSION,
    PARAMETERS,
    ids,
    made,
    opened,
    plan,
    record,
    search,
    unit,
)

COUNT = 300
PLAN = plan(exact_below=100, tail=20, unsaved_share=0.1)


@dataclass
class Clock:
    now: float

    def monotonic(self) -> float:
        return self.now


def write(index: Index, shop: Collection, start: int, end: int, version: int = 0) -> None:
    index.upsert(shop, [record(f"{i:04}", unit(1000 * version + i)) for i in range(start, end)]).result()


def saved(path: Path) -> Path:
    """A data folder with a graph of COUNT vectors."""
    with opened(path, PLAN) as index:
        write(index, made(index), 0, COUNT)
        assert index.settle(30)
    return path


def file(path: Path, kind: str) -> Path:
    (found,) = (path / SNAPSHOTS).glob(f"*.{kind}")
    return found


def told(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(each.getMessage() for each in caplog.records if "graph" in each.getMessage())


def assert_found(index: Index, first: int, end: int, version: int = 0) -> None:
    shop = index.collection("shop")
    for i in range(first, end, 7):
        assert ids(search(index, shop, unit(1000 * version + i), 1)) == [f"{i:04}"]


def test_a_start_loads_what_was_saved(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    saved(tmp_path)
    caplog.set_level(logging.INFO)
    with opened(tmp_path, PLAN) as index:
        assert index.settle(30)
        assert index.starting() is None
        assert index.sizes()["shop"].graph == COUNT
        assert_found(index, 0, COUNT)
    assert f"graph of shop/top: {COUNT} vectors, loaded" in told(caplog)
    assert "not used" not in told(caplog)


def test_what_was_written_and_deleted_after_it_was_saved_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(saved(tmp_path), PLAN) as index:
        assert index.settle(30)
        shop = index.collection("shop")
        index.delete_items(shop, [f"{i:04}" for i in range(20)]).result()
        write(index, shop, 20, 30, version=1)
        write(index, shop, COUNT, COUNT + 5)
        assert index.settle(30)
    caplog.set_level(logging.INFO)
    with opened(tmp_path, PLAN) as index:
        assert index.settle(30)
        assert "loaded" in told(caplog)
        shop = index.collection("shop")
        assert_found(index, 30, COUNT + 5)
        assert_found(index, 20, 30, version=1)
        everything = set(ids(search(index, shop, unit(0), 100))) | set(ids(search(index, shop, unit(25), 100)))
        assert not everything & {f"{i:04}" for i in range(20)}
        write(index, shop, 400, 500)
        assert index.settle(30)
        assert_found(index, 400, 500)


def truncate(path: Path) -> None:
    os.truncate(file(path, "hnsw"), file(path, "hnsw").stat().st_size - 100)


def flip(path: Path) -> None:
    content = bytearray(file(path, "hnsw").read_bytes())
    content[len(content) // 2] ^= 1
    file(path, "hnsw").write_bytes(content)


def lose(path: Path) -> None:
    file(path, "hnsw").unlink()


def garble(path: Path) -> None:
    file(path, "json").write_text("{")


def retold(**facts: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        manifest = file(path, "json")
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | facts))

    return change


def swap(path: Path) -> None:
    """The snapshot of another folder, whose views have the same labels."""
    other = path / "other"
    with opened(other, PLAN) as index:
        write(index, made(index), 0, COUNT, version=2)
        assert index.settle(30)
    file(path, "hnsw").write_bytes(file(other, "hnsw").read_bytes())
    retold(sha256=json.loads(file(other, "json").read_text())["sha256"])(path)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (truncate, "is damaged"),
        (flip, "is damaged"),
        (lose, "No such file"),
        (garble, "Expecting property name"),
        (retold(format=2), "its format is 2, this release reads 1"),
        (retold(model_digest="x"), "its model_digest is 'x', not 'd"),
        (retold(dimension=16), "its dimension is 16, not 8"),
        (retold(m=32), "its m is 32, not 8"),
        (retold(create_time_us=1), "its create_time_us is 1, not "),
        (retold(last_label=100), "views that it should have"),
        (swap, "its vectors are others"),
    ],
)
def test_one_that_cannot_be_used_is_told_and_built_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, harm: Callable[[Path], None], reason: str
) -> None:
    harm(saved(tmp_path))
    caplog.clear()
    with opened(tmp_path, PLAN) as index:
        assert index.settle(30)
        assert index.sizes()["shop"].graph == COUNT
        assert_found(index, 0, COUNT)
    assert "is not used, the graph is built anew: " in told(caplog)
    assert reason in told(caplog)
    caplog.clear()
    with opened(tmp_path, PLAN) as index:
        assert index.settle(30)
    assert "not used" not in told(caplog)


def test_one_of_which_too_much_was_deleted_is_built_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with opened(saved(tmp_path), plan(exact_below=100, dead_share=0.9)) as index:
        assert index.settle(30)
        index.delete_items(index.collection("shop"), [f"{i:04}" for i in range(100)]).result()
    with opened(tmp_path, PLAN) as index:
        assert index.settle(30)
        assert index.sizes()["shop"].graph == 200
    assert "100 of its 300 vectors are deleted" in told(caplog)


def test_what_a_killed_writer_left_and_what_belongs_to_no_collection_is_removed(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / SNAPSHOTS / "1-abc-1-1.hnsw.partial").write_bytes(b"x")
    with opened(tmp_path, PLAN) as index:
        assert index.settle(30)
        assert not list((tmp_path / SNAPSHOTS).glob("*.partial"))
        index.delete_collection("shop").result()
        assert index.settle(30)
        assert not list((tmp_path / SNAPSHOTS).iterdir())


def test_where_no_process_can_be_made_the_index_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fork() -> int:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(os, "fork", fork)
    with opened(saved(tmp_path), PLAN) as index:
        assert index.failure() is None
        assert_found(index, 0, COUNT)
    assert "no snapshot of the graph of shop/top: no process for its writer" in told(caplog)


def test_where_it_cannot_be_saved_the_index_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with opened(tmp_path, PLAN) as index:
        (tmp_path / SNAPSHOTS).rmdir()
        write(index, made(index), 0, COUNT)
        assert index.settle(30)
        assert index.failure() is None
        assert_found(index, 0, COUNT)
    assert "no snapshot of the graph of shop/top" in told(caplog)


def test_while_a_graph_is_built_at_start_the_worker_says_how_far_it_is_and_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(saved(tmp_path))
    begun, go_on = threading.Event(), threading.Event()
    add = Graph.add

    def slow(*arguments: Any) -> None:
        begun.set()
        assert go_on.wait(30)
        add(*arguments)

    monkeypatch.setattr(Graph, "add", slow)
    with opened(tmp_path, PLAN) as index:
        try:
            assert begun.wait(30)
            assert index.starting() == f"building the graph of shop/top: 0 of {COUNT} vectors"
            assert_found(index, 0, COUNT)
        finally:
            go_on.set()
        assert index.settle(30)
        assert index.starting() is None


@pytest.mark.parametrize("patience_s", [0.0, 60.0])
@pytest.mark.parametrize("searched", [False, True])
def test_one_that_has_grown_is_not_saved_at_once_where_searches_come_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience_s: float, searched: bool
) -> None:
    monkeypatch.setattr(index_module, "_SEARCHED_S", 60.0)
    with opened(tmp_path, replace(PLAN, save_patience_s=patience_s)) as index:
        shop = made(index)
        if searched:
            search(index, shop, unit(0))
        write(index, shop, 0, 200)
        assert index.settle(30)
    assert any((tmp_path / SNAPSHOTS).glob("*.json")) == (not searched or patience_s == 0)


def test_one_that_has_grown_is_saved_though_searches_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "_SEARCHED_S", 60.0)
    clock = Clock(100.0)
    monkeypatch.setattr(gardener, "time", clock)
    with opened(tmp_path, replace(PLAN, save_patience_s=30.0)) as index:
        shop = made(index)
        search(index, shop, unit(0))
        write(index, shop, 0, 200)
        for clock.now, is_saved in ((100.0, False), (129.0, False), (130.0, True)):
            assert index.settle(30)
            write(index, shop, 200, 201)
            assert index.settle(30)
            assert any((tmp_path / SNAPSHOTS).glob("*.json")) == is_saved


def test_only_the_newest_is_kept(tmp_path: Path) -> None:
    with opened(saved(tmp_path), PLAN) as index:
        assert index.settle(30)
        write(index, index.collection("shop"), COUNT, 2 * COUNT)
        assert index.settle(30)
    assert json.loads(file(tmp_path, "json").read_text())["count"] == 2 * COUNT
    assert file(tmp_path, "hnsw").name == json.loads(file(tmp_path, "json").read_text())["file"]


def test_a_stop_while_a_writer_that_ended_is_reaped_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = Graph.empty(DIMENSION, COUNT, PARAMETERS)
    snapshots = Snapshots(tmp_path / SNAPSHOTS, PARAMETERS)
    stops: list[Future[None]] = []
    reap = os.waitpid

    def stopped_meanwhile(child: int, options: int) -> tuple[int, int]:
        reaped = reap(child, options)
        stops.append(stopper.submit(snapshots.stop))
        wait(stops, timeout=0.1)
        return reaped

    monkeypatch.setattr(os, "waitpid", stopped_meanwhile)
    with ThreadPoolExecutor(1) as stopper:
        snapshots.save(graph, Collection(1, "shop", DIGEST, DIMENSION, 0), "top", 0)
        (stop,) = stops
        stop.result(timeout=10)
