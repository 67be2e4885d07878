import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from serving.batching import Batcher
from serving.deadline import NO_DEADLINE, Deadline
from serving.errors import DeadlineExceeded, Unavailable
from tests.samples import sample


class Engine:
    """Doubles numbers. Each run waits until it is let go, and notes its batch."""

    def __init__(self, *, open_gate: bool = True) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.entered = threading.Semaphore(0)
        if open_gate:
            self.gate.set()

    def __call__(self, work: list[int]) -> Sequence[int]:
        self.batches.append(work)
        self.entered.release()
        assert self.gate.wait(10)
        if -1 in work:
            raise ValueError("the engine broke")
        return [number * 2 for number in work]

    async def running(self) -> None:
        """Waits until a run has begun."""
        assert await asyncio.to_thread(self.entered.acquire, timeout=10)


@asynccontextmanager
async def started(*engines: Callable[[list[int]], Sequence[int]], **options: Any) -> AsyncIterator[Batcher[int, int]]:
    batcher = Batcher[int, int](engines, **{"stage": "test", "max_batch": 4, **options})
    batcher.start()
    try:
        yield batcher
    finally:
        await batcher.stop()


def submit(
    batcher: Batcher[int, int], *works: int, deadline: Deadline = NO_DEADLINE, background: bool = False
) -> list[asyncio.Task[int]]:
    return [asyncio.create_task(batcher.submit(work, deadline, background=background)) for work in works]


async def test_each_caller_gets_the_result_of_its_own_work() -> None:
    async with started(Engine(), Engine()) as batcher:
        assert await asyncio.gather(*submit(batcher, *range(50))) == [number * 2 for number in range(50)]


async def test_work_that_waited_goes_into_one_batch_in_order_of_arrival() -> None:
    engine = Engine(open_gate=False)
    async with started(engine) as batcher:
        first = submit(batcher, 0)
        await engine.running()
        rest = submit(batcher, 1, 2, 3)
        await asyncio.sleep(0)
        engine.gate.set()
        await asyncio.gather(*first, *rest)
    assert engine.batches == [[0], [1, 2, 3]]


async def test_a_piece_that_is_alone_runs_on_the_wide_engine_and_no_other_does() -> None:
    engine, wide = Engine(), Engine()
    async with started(engine, wide=wide) as batcher:
        assert await batcher.submit(1, NO_DEADLINE, alone=True) == 2
        assert await batcher.submit(2, NO_DEADLINE) == 4
        assert await asyncio.gather(*submit(batcher, 3, 4)) == [6, 8]
    assert (engine.batches, wide.batches) == ([[2], [3, 4]], [[1]])


async def test_a_batch_is_never_larger_than_the_largest() -> None:
    engine = Engine(open_gate=False)
    async with started(engine, max_batch=3) as batcher:
        first = submit(batcher, 0)
        await engine.running()
        rest = submit(batcher, *range(1, 8))
        await asyncio.sleep(0)
        engine.gate.set()
        await asyncio.gather(*first, *rest)
    assert engine.batches == [[0], [1, 2, 3], [4, 5, 6], [7]]


async def test_idle_engines_share_what_waits() -> None:
    engines = Engine(), Engine(), Engine()
    async with started(*engines, max_batch=4) as batcher:
        await asyncio.gather(*submit(batcher, *range(7)))
    assert [engine.batches for engine in engines] == [[[0, 1, 2]], [[3, 4]], [[5, 6]]]


async def test_background_work_waits_for_all_other_but_not_for_ever() -> None:
    engine = Engine(open_gate=False)
    async with started(engine, max_batch=1) as batcher:
        tasks = submit(batcher, 0)
        await engine.running()
        tasks += submit(batcher, 100, 101, background=True)
        tasks += submit(batcher, *range(1, 11))
        await asyncio.sleep(0)
        engine.gate.set()
        await asyncio.gather(*tasks)
    assert [work for (work,) in engine.batches] == [0, 1, 2, 3, 4, 5, 6, 7, 100, 8, 9, 10, 101]


async def test_background_work_fills_the_room_that_is_left_in_a_batch() -> None:
    engine = Engine(open_gate=False)
    async with started(engine, max_batch=3) as batcher:
        tasks = submit(batcher, 0)
        await engine.running()
        tasks += submit(batcher, 100, 101, background=True) + submit(batcher, 1, 2)
        await asyncio.sleep(0)
        engine.gate.set()
        await asyncio.gather(*tasks)
    assert engine.batches == [[0], [1, 2, 100], [101]]


async def test_what_waits_and_what_has_waited_is_told_by_priority() -> None:
    def told(name: str) -> list[float]:
        return [sample(f"clothing_{name}", stage="told", priority=each) for each in ("urgent", "background")]

    engine = Engine(open_gate=False)
    async with started(engine, max_batch=1, stage="told") as batcher:
        tasks = submit(batcher, 0)
        await engine.running()
        tasks += submit(batcher, 1) + submit(batcher, 100, 101, background=True)
        await asyncio.sleep(0)
        assert told("queue_length") == [1, 2]
        engine.gate.set()
        await asyncio.gather(*tasks)
    assert told("queue_length") == [0, 0]
    assert told("queue_seconds_count") == [2, 2]


async def test_a_batch_is_held_open_for_work_that_comes_within_the_delay() -> None:
    engine = Engine()
    async with started(engine, max_batch=3, max_delay_s=30) as batcher:
        tasks = submit(batcher, 0)
        await asyncio.sleep(0.01)
        tasks += submit(batcher, 1, 2)
        await asyncio.gather(*tasks)  # full: the delay is not waited for
    assert engine.batches == [[0, 1, 2]]


async def test_a_batch_held_open_runs_when_the_delay_is_over() -> None:
    engine = Engine()
    async with started(engine, max_batch=3, max_delay_s=0.02) as batcher:
        await asyncio.gather(*submit(batcher, 0, 1))
    assert engine.batches == [[0, 1]]


async def test_work_past_its_deadline_fails_and_never_reaches_the_engine() -> None:
    engine = Engine(open_gate=False)
    async with started(engine) as batcher:
        (first,) = submit(batcher, 0)
        await engine.running()
        (late,) = submit(batcher, 1, deadline=Deadline.after(0.0))
        (timely,) = submit(batcher, 2, deadline=Deadline.after(60))
        await asyncio.sleep(0)
        engine.gate.set()
        with pytest.raises(DeadlineExceeded, match="'test'"):
            await late
        assert await first == 0
        assert await timely == 4
    assert engine.batches == [[0], [2]]


async def test_work_that_the_quickest_run_would_finish_too_late_never_reaches_the_engine() -> None:
    engine = Engine(open_gate=False)
    async with started(engine) as batcher:
        assert batcher.least_s() == 0.0
        first = submit(batcher, 0)
        await engine.running()
        await asyncio.sleep(0.2)
        engine.gate.set()
        await asyncio.gather(*first)
        assert batcher.least_s() >= 0.2
        with pytest.raises(DeadlineExceeded, match="cannot be met in stage 'test'"):
            await batcher.submit(1, Deadline.after(0.1))
        assert await batcher.submit(2, Deadline.after(10)) == 4
    assert engine.batches == [[0], [2]]


async def test_what_a_piece_takes_at_least_grows_with_those_before_it() -> None:
    async with started(Engine(), Engine(), max_batch=4) as batcher:
        await asyncio.gather(*submit(batcher, *range(8)))  # a full batch for each engine
        run_s = batcher.least_s()
        assert run_s > 0
        assert [round(batcher.least_s(ahead) / run_s) for ahead in (0, 8, 15, 16, 24)] == [1, 1, 1, 2, 3]


async def test_cancelled_work_never_reaches_the_engine() -> None:
    engine = Engine(open_gate=False)
    async with started(engine) as batcher:
        (first,) = submit(batcher, 0)
        await engine.running()
        gone, stays = submit(batcher, 1, 2)
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        engine.gate.set()
        assert await first == 0
        assert await stays == 4
    assert engine.batches == [[0], [2]]


async def test_cancelling_running_work_harms_no_other_in_its_batch() -> None:
    engine = Engine(open_gate=False)
    async with started(engine, max_delay_s=0.01) as batcher:
        gone, stays = submit(batcher, 1, 2)
        await engine.running()
        gone.cancel()
        await asyncio.wait([gone])
        engine.gate.set()
        assert await stays == 4
        assert not batcher.failing


async def test_an_engine_that_raises_fails_only_its_batch_and_the_next_one_clears_the_failure() -> None:
    async with started(Engine(), max_batch=1) as batcher:
        answers = await asyncio.gather(*submit(batcher, 1, -1), return_exceptions=True)
        assert answers[0] == 2
        assert isinstance(answers[1], ValueError)
        assert batcher.failing
        assert not batcher.dead()
        assert await batcher.submit(3, NO_DEADLINE) == 6
        assert not batcher.failing


async def test_an_engine_that_answers_too_few_results_fails_the_whole_batch() -> None:
    def loses_one(work: list[int]) -> list[int]:
        return work[1:]

    async with started(loses_one) as batcher:
        with pytest.raises(RuntimeError, match="0 results to 1"):
            await batcher.submit(1, NO_DEADLINE)
        assert batcher.failing


async def test_stopping_fails_what_waits_and_what_runs_and_what_comes_later() -> None:
    engine = Engine(open_gate=False)
    async with started(engine, max_batch=1) as batcher:
        tasks = submit(batcher, 0, 1)
        await engine.running()
        await batcher.stop()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Unavailable, Unavailable]
        with pytest.raises(Unavailable, match="stopping"):
            await batcher.submit(2, NO_DEADLINE)
        assert not batcher.dead()
        engine.gate.set()


async def test_it_tells_how_long_the_present_run_has_taken() -> None:
    engine = Engine(open_gate=False)
    async with started(engine) as batcher:
        assert batcher.running_for_s() == 0
        (task,) = submit(batcher, 1)
        await engine.running()
        await asyncio.sleep(0.02)
        assert batcher.running_for_s() >= 0.02
        engine.gate.set()
        await task
        await asyncio.sleep(0)
        assert batcher.running_for_s() == 0


async def test_two_engines_run_side_by_side() -> None:
    engines = Engine(open_gate=False), Engine(open_gate=False)
    async with started(*engines, max_batch=1) as batcher:
        tasks = submit(batcher, 1, 2)
        await asyncio.gather(*(engine.running() for engine in engines))
        for engine in engines:
            engine.gate.set()
        assert await asyncio.gather(*tasks) == [2, 4]


async def test_a_feeding_task_that_ends_by_itself_is_told_and_fails_what_it_held() -> None:
    class EndsTheTask(BaseException):
        pass

    def breaks_out(work: list[int]) -> list[int]:
        raise EndsTheTask

    async with started(breaks_out) as batcher:
        assert not batcher.dead()
        with pytest.raises(Unavailable):
            await batcher.submit(1, NO_DEADLINE)
        await asyncio.sleep(0)
        assert batcher.dead()
