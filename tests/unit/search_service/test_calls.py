"""Writes that wait a little where the index is behind, and do not else."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import pytest

from search_service import calls
from search_service.calls import Calls
from serving.deadline import NO_DEADLINE


class Behind:
    """An index that is behind for the first ``times`` that it is asked."""

    def __init__(self, times: float) -> None:
        self.times = times
        self.asked = 0

    def behind(self, name: str) -> bool:
        self.asked += 1
        return self.asked <= self.times


@contextmanager
def over(index: Any) -> Iterator[Calls]:
    made = Calls(threads=1, queue=8, write_queue=8)
    made.index = index
    try:
        yield made
    finally:
        made.stop()


async def write(made: Calls, into: str | None = "shop") -> int:
    """How often the index had been asked when the write was begun."""

    def work(index: Any) -> "Future[int]":
        done: Future[int] = Future()
        done.set_result(index.asked)
        return done

    return await made.write(NO_DEADLINE, work, into)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(calls, "_GIVES_WAY_S", 60.0)


async def test_a_write_begins_when_the_index_is_no_longer_behind() -> None:
    with over(Behind(3)) as made:
        assert await write(made) == 4


async def test_a_write_waits_no_longer_than_a_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_GIVES_WAY_S", 0.02)
    with over(Behind(float("inf"))) as made:
        assert await write(made) >= 1


async def test_what_adds_little_does_not_wait() -> None:
    with over(Behind(3)) as made:
        assert await write(made, into=None) == 0
