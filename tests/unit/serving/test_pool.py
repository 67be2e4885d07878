import asyncio
import threading
import time

import pytest

from serving.deadline import NO_DEADLINE, Deadline
from serving.errors import DeadlineExceeded
from serving.pool import WorkPool
from tests.samples import sample


async def test_work_runs_on_another_thread_and_answers() -> None:
    pool = WorkPool("test", 1)
    assert await pool.run(NO_DEADLINE, threading.get_ident) != threading.get_ident()
    pool.stop()


async def test_work_whose_deadline_passed_before_its_turn_is_not_begun() -> None:
    pool = WorkPool("test", 1)
    release, ran = threading.Event(), []
    holding = asyncio.create_task(pool.run(NO_DEADLINE, lambda: release.wait(10)))
    await asyncio.sleep(0)
    late = asyncio.create_task(pool.run(Deadline.after(0), lambda: ran.append("late")))
    await asyncio.sleep(0)
    release.set()
    assert await holding
    with pytest.raises(DeadlineExceeded, match="'test'"):
        await late
    assert not ran
    pool.stop()


async def test_work_whose_caller_left_before_its_turn_is_not_begun() -> None:
    pool = WorkPool("test", 1)
    release, ran = threading.Event(), []
    holding = asyncio.create_task(pool.run(NO_DEADLINE, lambda: release.wait(10)))
    await asyncio.sleep(0)
    gone = asyncio.create_task(pool.run(NO_DEADLINE, lambda: ran.append("gone")))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    release.set()
    assert await holding
    await pool.run(NO_DEADLINE, lambda: None)
    assert not ran
    pool.stop()


async def test_what_the_work_raises_reaches_the_caller() -> None:
    pool = WorkPool("test", 1)

    def breaks() -> None:
        raise ValueError("broke")

    with pytest.raises(ValueError, match="broke"):
        await pool.run(NO_DEADLINE, breaks)
    pool.stop()


async def test_the_time_that_work_waits_for_a_thread_is_measured() -> None:
    def waited() -> list[float]:
        return [
            sample("clothing_wait_seconds_sum", stage="waits", priority=priority)
            for priority in ("urgent", "background")
        ]

    pool = WorkPool("waits", 1)
    await asyncio.gather(*(pool.run(NO_DEADLINE, lambda: time.sleep(0.05), background=True) for _ in range(2)))
    urgent, background = waited()
    assert urgent == 0
    assert 0.05 <= background < 1
    await asyncio.gather(*(pool.run(NO_DEADLINE, lambda: time.sleep(0.05)) for _ in range(2)))
    urgent, _ = waited()
    assert 0.05 <= urgent < 1
    pool.stop()


async def test_background_work_keeps_no_other_work_waiting() -> None:
    pool = WorkPool("test", 1)
    release = threading.Event()
    holding = asyncio.create_task(pool.run(NO_DEADLINE, lambda: release.wait(10), background=True))
    behind = asyncio.create_task(pool.run(NO_DEADLINE, lambda: None, background=True))
    await asyncio.wait_for(pool.run(NO_DEADLINE, lambda: None), 5)
    assert not behind.done()
    release.set()
    assert await holding
    await behind
    pool.stop()
