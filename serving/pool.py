"""Threads for the work around the engine: decoding before it, cutting out after it."""

import asyncio
import contextvars
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from serving import telemetry, tracing
from serving.deadline import Deadline

T = TypeVar("T")

_BACKGROUND_NICENESS = 10


class WorkPool:
    """A fixed number of threads. Work whose deadline has passed when its turn comes is not begun.

    Background work has as many threads of its own, which give way to the others.
    """

    def __init__(self, stage: str, threads: int) -> None:
        self._stage = stage
        self._threads = ThreadPoolExecutor(threads, f"{stage}-pool")
        self._background = ThreadPoolExecutor(threads, f"{stage}-background", os.nice, (_BACKGROUND_NICENESS,))

    async def run(self, deadline: Deadline, work: Callable[[], T], *, background: bool = False) -> T:
        """Runs it in the caller's context: it logs with its request id, its spans are children of the caller's.

        Raises DeadlineExceeded, or what ``work`` raises.
        """
        asked = time.monotonic()
        priority = telemetry.priority(background)

        def begin() -> T:
            telemetry.WAIT_SECONDS.labels(self._stage, priority).observe(time.monotonic() - asked)
            tracing.waited(asked)
            deadline.check(self._stage)
            return work()

        return await asyncio.get_running_loop().run_in_executor(
            self._background if background else self._threads, contextvars.copy_context().run, begin
        )

    def stop(self) -> None:
        for threads in (self._threads, self._background):
            threads.shutdown(wait=False, cancel_futures=True)
