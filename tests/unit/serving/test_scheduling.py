import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from serving.scheduling import ask_for_short_slices, ask_for_usual_slices
from tests.servers import REPOSITORY


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


@pytest.mark.parametrize("own_session", [True, False])
def test_a_process_that_gives_way_is_nice_and_so_is_its_session_where_it_has_one_of_its_own(own_session: bool) -> None:
    script = """
import json, os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from serving.scheduling import give_way

def niceness():
    session = Path("/proc/self/autogroup")
    told = session.read_text() if session.exists() else ""  # also where there is no session, as in some sandboxes
    return os.getpriority(os.PRIO_PROCESS, 0), told.split()[-1:]

before = niceness()
give_way()
with ThreadPoolExecutor(1) as threads:
    print(json.dumps([before, threads.submit(niceness).result()]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        start_new_session=own_session,
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    (before, session_before), (after, session_after) = json.loads(done.stdout)
    assert after == min(19, before + 5)
    if session_before:
        assert session_after == (["5"] if own_session else session_before)
