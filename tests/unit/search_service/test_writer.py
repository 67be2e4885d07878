import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from search_service import writer
from search_service.schema import open_database
from search_service.writer import Writer
from search_service.writes import Effect
from serving.deadline import Deadline
from serving.errors import DeadlineExceeded, InvalidField, Overloaded, Unavailable

LIMIT = 8


class Bench:
    """A writer on a database with one table, and a write that holds it up until it is let go."""

    def __init__(self, path: Path) -> None:
        self.db = open_database(path / "test.sqlite3")
        self.db.execute("CREATE TABLE notes (text TEXT UNIQUE)")
        self.statements: list[str] = []
        self.db.set_trace_callback(self.statements.append)
        self.applied: list[int] = []
        self.searched = False
        self.apply: Callable[[Sequence[Effect]], None] = lambda effects: self.applied.append(len(effects))
        self.writer = Writer(self.db, lambda effects: self.apply(effects), LIMIT, 64, lambda: self.searched)
        self.reached, self.free = threading.Event(), threading.Event()

    def hold(self) -> None:
        def write(_: sqlite3.Connection) -> tuple[None, Effect]:
            self.reached.set()
            self.free.wait(10)
            return None, Effect()

        self.writer.submit(write)
        self.reached.wait(10)

    def commits(self) -> int:
        return self.statements.count("COMMIT")

    def notes(self) -> list[str]:
        return [row[0] for row in self.db.execute("SELECT text FROM notes ORDER BY text")]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.free.set()
    bench.writer.close()
    bench.db.close()


def note(text: str) -> Callable[[sqlite3.Connection], tuple[str, Effect]]:
    def write(db: sqlite3.Connection) -> tuple[str, Effect]:
        db.execute("INSERT INTO notes VALUES (?)", (text,))
        return text, Effect()

    return write


def failing(error: Exception) -> Callable[[sqlite3.Connection], tuple[str, Effect]]:
    def write(db: sqlite3.Connection) -> tuple[Any, Effect]:
        db.execute("INSERT INTO notes VALUES ('half')")
        raise error

    return write


def test_writes_that_wait_together_share_one_commit(bench: Bench) -> None:
    bench.hold()
    futures = [bench.writer.submit(note(str(i))) for i in range(6)]
    bench.free.set()
    assert [future.result(10) for future in futures] == list("012345")
    assert bench.commits() == 2
    assert bench.applied == [1, 6]


@pytest.mark.parametrize("error", [InvalidField("x", "is wrong"), ValueError("a bug")])
def test_a_write_that_fails_undoes_itself_alone(bench: Bench, error: Exception) -> None:
    bench.hold()
    first, broken, last = (bench.writer.submit(write) for write in (note("a"), failing(error), note("b")))
    bench.free.set()
    assert (first.result(10), last.result(10)) == ("a", "b")
    with pytest.raises(type(error)):
        broken.result(10)
    assert bench.notes() == ["a", "b"]
    assert bench.commits() == 2


def test_a_constraint_that_breaks_fails_its_write_alone(bench: Bench) -> None:
    bench.hold()
    first, twice, last = (bench.writer.submit(note(text)) for text in "aab")
    bench.free.set()
    assert (first.result(10), last.result(10)) == ("a", "b")
    with pytest.raises(sqlite3.IntegrityError):
        twice.result(10)


def test_a_full_disk_fails_the_commit_and_later_writes_succeed(bench: Bench) -> None:
    pages = bench.db.execute("PRAGMA page_count").fetchone()[0]
    bench.db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Unavailable, match="unable to write: database or disk is full"):
        bench.writer.submit(note("x" * 100_000)).result(10)
    bench.db.execute("PRAGMA max_page_count = 1000000")
    assert bench.writer.submit(note("later")).result(10) == "later"
    assert bench.notes() == ["later"]
    assert bench.writer.failure is None


def test_a_write_beyond_the_limit_is_refused_at_once(bench: Bench) -> None:
    bench.hold()
    futures = [bench.writer.submit(note(str(i))) for i in range(LIMIT)]
    with pytest.raises(Overloaded, match="write queue is full"):
        bench.writer.submit(note("more"))
    bench.free.set()
    assert len([future.result(10) for future in futures]) == LIMIT


def test_a_write_whose_caller_left_or_whose_deadline_passed_is_not_begun(bench: Bench) -> None:
    bench.hold()
    left = bench.writer.submit(note("left"))
    late = bench.writer.submit(note("late"), Deadline.after(-1))
    kept = bench.writer.submit(note("kept"))
    assert left.cancel()
    bench.free.set()
    kept.result(10)
    with pytest.raises(DeadlineExceeded):
        late.result(10)
    assert bench.notes() == ["kept"]


def test_where_memory_cannot_follow_the_writer_stops_and_says_so(bench: Bench) -> None:
    def broken(_: Sequence[Effect]) -> None:
        raise RuntimeError("no memory")

    bench.apply = broken
    first = bench.writer.submit(note("a"))
    with pytest.raises(Unavailable, match="stopped by an error"):
        first.result(10)
    bench.writer.close()
    assert "no memory" in (bench.writer.failure or "")
    with pytest.raises(Unavailable, match="no memory"):
        bench.writer.submit(note("b"))


def test_what_waits_when_it_is_closed_is_finished(bench: Bench) -> None:
    bench.hold()
    futures = [bench.writer.submit(note(str(i))) for i in range(3)]
    bench.free.set()
    bench.writer.close()
    assert all(future.done() for future in futures)
    with pytest.raises(Unavailable, match="search is stopping"):
        bench.writer.submit(note("late"))


@pytest.mark.parametrize(
    ("searched", "took_s", "rests"), [(False, 0.004, []), (True, 0.004, [0.008]), (True, 3.0, [0.1])]
)
def test_between_commits_it_rests_where_searches_come_in(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, searched: bool, took_s: float, rests: list[float]
) -> None:
    slept: list[float] = []
    now = itertools.cycle([0.0, took_s])
    monkeypatch.setattr(writer, "time", SimpleNamespace(monotonic=lambda: next(now)))
    monkeypatch.setattr(bench.writer._closed, "wait", slept.append)
    bench.searched = searched
    bench.writer.submit(note("a")).result(10)
    bench.writer.close()
    assert slept[:1] == pytest.approx(rests)
