import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from serving.scheduling import take_turns_as_usual, take_turns_early


def slice_ms() -> float:
    """Of this thread's turns, as the kernel tells it."""
    told = Path("/proc/thread-self/sched")
    lines = told.read_text().splitlines() if told.exists() else []
    found = [line.split(":")[1] for line in lines if line.startswith("se.slice ")]
    if not found:
        pytest.skip("this kernel knows no slices of its own for a thread")
    return int(found[0]) / 1e6


def test_turns_are_short_for_a_thread_and_those_that_it_starts_until_one_takes_it_back() -> None:
    def child() -> tuple[float, float]:
        inherited = slice_ms()
        take_turns_as_usual()
        return inherited, slice_ms()

    def parent() -> tuple[float, float, float]:
        before = slice_ms()
        take_turns_early()
        with ThreadPoolExecutor(1) as children:
            return before, *children.submit(child).result()

    with ThreadPoolExecutor(1) as aside:
        before, inherited, again = aside.submit(parent).result()
    assert inherited == pytest.approx(0.1)
    assert before == again > inherited


def test_it_keeps_how_nice_a_thread_is() -> None:
    def nice() -> int:
        os.nice(7)
        take_turns_early()
        return os.getpriority(os.PRIO_PROCESS, 0)

    with ThreadPoolExecutor(1) as aside:
        assert aside.submit(nice).result() == os.getpriority(os.PRIO_PROCESS, 0) + 7
