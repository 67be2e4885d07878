"""The dynamic batcher: whenever an engine is free, it takes its share of what waits, up to the largest batch."""

import asyncio
import contextlib
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from serving import telemetry, tracing
from serving.deadline import Deadline
from serving.errors import DeadlineExceeded, Unavailable

Work = TypeVar("Work")
Result = TypeVar("Result")

log = logging.getLogger(__name__)

_MOST_PASSED_OVER = 7


@dataclass
class _Entry(Generic[Work, Result]):
    work: Work
    deadline: Deadline
    answer: asyncio.Future[Result]
    background: bool
    alone: bool
    queued_at: float = field(default_factory=time.monotonic)
    run: "_Run | None" = None
    """Of the batch that it is in, once that has begun."""

    def trace(self) -> None:
        """Tells the current trace how long it waited and ran, and among how many."""
        now = time.monotonic()
        error = self.answer.exception() if self.answer.done() and not self.answer.cancelled() else None
        if self.run is None:
            tracing.record("queue", self.queued_at, now, error, background=self.background)
            return
        tracing.record("queue", self.queued_at, self.run.began_at, background=self.background)
        tracing.record("run", self.run.began_at, self.run.ended_at or now, error, batch_size=self.run.batch_size)


@dataclass
class _Run:
    """Of an engine on a batch."""

    batch_size: int
    began_at: float = field(default_factory=time.monotonic)
    ended_at: float | None = None


class _Queue(Generic[Work]):
    """Background work waits for all other, but not for ever: one piece in eight is of it."""

    def __init__(self) -> None:
        self._urgent: deque[Work] = deque()
        self._background: deque[Work] = deque()
        self._passed_over = 0

    def __len__(self) -> int:
        return len(self._urgent) + len(self._background)

    def length(self, *, background: bool) -> int:
        return len(self._background if background else self._urgent)

    def push(self, work: Work, *, background: bool) -> None:
        (self._background if background else self._urgent).append(work)

    def first(self) -> Work:
        return (self._urgent or self._background)[0]

    def pop(self) -> Work:
        if not self._background:
            return self._urgent.popleft()
        if self._urgent and self._passed_over < _MOST_PASSED_OVER:
            self._passed_over += 1
            return self._urgent.popleft()
        self._passed_over = 0
        return self._background.popleft()


class Batcher(Generic[Work, Result]):
    """Runs work on engines, each on a thread of its own.

    An engine gets a list of 1 to ``max_batch`` pieces and must answer with as many results, in the same order. Where it
    raises, the pieces of that batch fail with what it raised, and ``failing`` is true until a run succeeds.
    """

    def __init__(
        self,
        engines: Sequence[Callable[[list[Work]], Sequence[Result]]],
        *,
        stage: str,
        max_batch: int,
        max_delay_s: float = 0.0,
        wide: Callable[[list[Work]], Sequence[Result]] | None = None,
    ) -> None:
        """``wide`` takes the place of an engine for a piece that is alone."""
        self._engines = engines
        self._wide = wide
        self._stage = stage
        self._max_batch = max_batch
        self._max_delay_s = max_delay_s
        self._queue = _Queue[_Entry[Work, Result]]()
        self._lengths = {
            background: telemetry.QUEUE_LENGTH.labels(stage, telemetry.priority(background))
            for background in (False, True)
        }
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._threads = ThreadPoolExecutor(len(engines), thread_name_prefix=f"{stage}-engine")
        self._running_since: dict[int, float] = {}
        self._dropped = {why: telemetry.DROPPED.labels(stage, why) for why in ("cancelled", "deadline")}
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped = False
        self._quickest_s = math.inf  # of all runs
        self._quickest_piece_s = math.inf  # of a run, for each of its pieces
        self.failing = False

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._serve(index)) for index in range(len(self._engines))]

    async def stop(self) -> None:
        """Stops taking work; what waits or runs fails with Unavailable."""
        self._stopped = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while self._queue:
            self._fail([self._queue.pop()], Unavailable(self._stage, "stopping"))
        self._threads.shutdown(wait=False)

    async def submit(self, work: Work, deadline: Deadline, *, background: bool = False, alone: bool = False) -> Result:
        """Waits for its turn and its result.

        Args:
            alone: there is no other work, nor will there be before this is done, as far as can be told.

        Raises:
            DeadlineExceeded: while it waited the deadline came too near; the engine never saw it.
            Unavailable: the batcher stops.
        """
        if self._stopped:
            raise Unavailable(self._stage, "stopping")
        entry = _Entry[Work, Result](work, deadline, asyncio.get_running_loop().create_future(), background, alone)
        self._queue.push(entry, background=background)
        self._note_length(background=background)
        self._arrived.set()
        if len(self._queue) >= self._max_batch:
            self._full.set()
        try:
            return await entry.answer
        finally:
            entry.trace()

    def least_s(self, ahead: int = 0) -> float:
        """What a piece takes at least, with so many others before it, by the quickest run so far; 0 before any."""
        if math.isinf(self._quickest_s):
            return 0.0
        at_a_time = len(self._engines) * self._max_batch
        full_runs = max(0, ahead - at_a_time) // at_a_time
        return self._quickest_s + full_runs * self._max_batch * self._quickest_piece_s

    def running_for_s(self) -> float:
        """How long the longest present run has taken so far; 0 when idle."""
        return max((time.monotonic() - since for since in self._running_since.values()), default=0.0)

    def dead(self) -> bool:
        """True when a task that feeds an engine ended by itself."""
        return not self._stopped and any(task.done() for task in self._tasks)

    async def _serve(self, index: int) -> None:
        while True:
            await self._run(index, await self._next_batch())

    async def _next_batch(self) -> list[_Entry[Work, Result]]:
        while True:
            while not self._queue:
                self._arrived.clear()
                await self._arrived.wait()
            await self._hold_open()
            if batch := self._take():
                return batch

    async def _hold_open(self) -> None:
        if not self._max_delay_s or len(self._queue) >= self._max_batch:
            return
        self._full.clear()
        delay = self._queue.first().queued_at + self._max_delay_s - time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, delay)):
                await self._full.wait()

    def _take(self) -> list[_Entry[Work, Result]]:
        batch: list[_Entry[Work, Result]] = []
        now = time.monotonic()
        too_late = now + self.least_s()
        idle = len(self._engines) - len(self._running_since)
        share = min(self._max_batch, math.ceil(len(self._queue) / idle))
        while self._queue and len(batch) < share:
            entry = self._queue.pop()
            if entry.answer.done():
                self._dropped["cancelled"].inc()
            elif entry.deadline.at <= too_late:
                self._dropped["deadline"].inc()
                self._fail(
                    [entry], DeadlineExceeded(self._stage, "passed" if entry.deadline.at <= now else "cannot be met")
                )
            else:
                priority = telemetry.priority(entry.background)
                telemetry.QUEUE_SECONDS.labels(self._stage, priority).observe(now - entry.queued_at)
                batch.append(entry)
        for background in self._lengths:
            self._note_length(background=background)
        return batch

    async def _run(self, index: int, batch: list[_Entry[Work, Result]]) -> None:
        run = _Run(len(batch))
        engine = self._wide if self._wide and [entry.alone for entry in batch] == [True] else self._engines[index]
        self._running_since[index] = run.began_at
        for entry in batch:
            entry.run = run
        telemetry.BATCH_SIZE.labels(self._stage).observe(len(batch))
        try:
            results = await asyncio.get_running_loop().run_in_executor(
                self._threads, engine, [entry.work for entry in batch]
            )
            if len(results) != len(batch):
                raise RuntimeError(f"the {self._stage} engine answered {len(results)} results to {len(batch)} pictures")
        except Exception as error:  # whatever the engine raises belongs to the callers of this batch
            self.failing = True
            log.exception("the %s engine failed on a batch of %d", self._stage, len(batch))
            self._fail(batch, error)
        except BaseException:  # this task ends: cancelled by stop(), or for worse
            self._fail(batch, Unavailable(self._stage, "stopping"))
            raise
        else:
            self.failing = False
            for entry, result in zip(batch, results, strict=True):
                if not entry.answer.done():
                    entry.answer.set_result(result)
            took_s = time.monotonic() - run.began_at
            self._quickest_s = min(self._quickest_s, took_s)
            self._quickest_piece_s = min(self._quickest_piece_s, took_s / len(batch))
        finally:
            del self._running_since[index]
            run.ended_at = time.monotonic()
            telemetry.COMPUTE_SECONDS.labels(self._stage).observe(run.ended_at - run.began_at)

    def _fail(self, batch: list[_Entry[Work, Result]], error: Exception) -> None:
        for entry in batch:
            if not entry.answer.done():
                entry.answer.set_exception(error)

    def _note_length(self, *, background: bool) -> None:
        self._lengths[background].set(self._queue.length(background=background))
