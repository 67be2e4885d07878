"""Work outside the webhook's request: LINE is answered at once, the shopper when the answer is found."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from storefront.line.events import Event

log = logging.getLogger(__name__)


class Backlog:
    """Events that are answered, ``at_a_time`` of them, or wait for it; no more than ``most`` together."""

    def __init__(self, answer: Callable[[Event], Awaitable[None]], *, at_a_time: int, most: int) -> None:
        self._answer = answer
        self._turns = asyncio.Semaphore(at_a_time)
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def take(self, event: Event) -> bool:
        """False where there is no room for it, or the backlog is closed."""
        if self._closed or len(self._tasks) >= self._most:
            return False
        task = asyncio.create_task(self._work(event))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return True

    async def close(self, grace_s: float) -> None:
        """Takes no more; returns when all are answered. Those that are not after ``grace_s`` are given up."""
        self._closed = True
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=grace_s)
        for task in late:
            task.cancel()
        if late:
            log.error("stopped with %d shoppers unanswered: they took longer than %g s", len(late), grace_s)
            await asyncio.wait(late)

    async def _work(self, event: Event) -> None:
        async with self._turns:
            await self._answer(event)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("an event could not be answered", exc_info=error)
