import os
import platform
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from serving.scheduling import ask_for_short_slices, ask_for_usual_slices


def slice_ms() -> float:
    """Of this thread, as the kernel tells it."""
    lines = Path("/proc/thread-self/sched").read_text().splitlines()
    (found,) = [line.split(":")[1] for line in lines if line.startswith("se.slice ")]
    return int(found) / 1e6


def kernel() -> tuple[int, ...]:
    return tuple(int(number) for number in platform.release().split("-")[0].split(".")[:2])


@pytest.mark.skipif(kernel() < (6, 12), reason="a thread has a slice of its own since Linux 6.12")
@pytest.mark.skipif(not Path("/proc/thread-self/sched").exists(), reason="this kernel does not tell slices")
def test_slices_are_short_for_a_thread_and_those_that_it_starts_until_one_takes_it_back() -> None:
    def child() -> tuple[float, float]:
        inherited = slice_ms()
        ask_for_usual_slices()
        return inherited, slice_ms()

    def parent() -> tuple[float, float, float]:
        before = slice_ms()
        ask_for_short_slices()
        with ThreadPoolExecutor(1) as children:
            return before, *children.submit(child).result()

    with ThreadPoolExecutor(1) as aside:
        before, inherited, again = aside.submit(parent).result()
    assert inherited == pytest.approx(0.1)
    assert before == again > inherited


def test_it_keeps_how_nice_a_thread_is() -> None:
    def nice() -> int:
        os.nice(7)
        ask_for_short_slices()
        return os.getpriority(os.PRIO_PROCESS, 0)

    with ThreadPoolExecutor(1) as aside:
        assert aside.submit(nice).result() == os.getpriority(os.PRIO_PROCESS, 0) + 7
