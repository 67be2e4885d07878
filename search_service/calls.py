"""How a call reaches the index: on a thread, if there is room, before its deadline."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from search_service.backend import Backend
from search_service.backup import Backup
from serving import tracing
from serving.admission import Admission
from serving.deadline import Deadline
from serving.errors import Unavailable
from serving.pool import WorkPool

STAGE = "search"
T = TypeVar("T")


class Calls:
    """The event loop never computes and never touches the disk.

    The hop to a thread costs some 0.1 ms of a call's 1 to 2 ms, and buys that no filter, large shelf or cold page makes
    other calls wait, and that comparing uses all CPUs, since numpy, hnswlib and SQLite let go of the interpreter.
    """

    def __init__(self, threads: int, limit: int) -> None:
        self.index: Backend | None = None
        self._admission = Admission(STAGE, limit)
        self._pool = WorkPool(STAGE, threads)
        # Of its own, so that no search waits behind an import's items.
        self._writes = WorkPool(STAGE, 1)
        self._backups = WorkPool("backup", 1)

    async def read(self, deadline: Deadline, work: Callable[[Backend], T]) -> T:
        """Raises Overloaded, DeadlineExceeded, Unavailable, or what ``work`` raises."""
        return await self._run(self._pool, deadline, work)

    async def write(self, deadline: Deadline, work: "Callable[[Backend], Future[T]]") -> T:
        """Raises as ``read`` does. The write is taken back where the caller leaves before it is begun."""
        future = await self._run(self._writes, deadline, work)
        with tracing.span("commit"):
            return await asyncio.wrap_future(future)

    async def backup(self, deadline: Deadline) -> Backup:
        """One at a time, beside the thread pool: it may take minutes. Raises as ``read`` does."""
        return await self._backups.run(deadline, self._open().create_backup)

    def stop(self) -> None:
        for pool in (self._pool, self._writes, self._backups):
            pool.stop()

    async def _run(self, pool: WorkPool, deadline: Deadline, work: Callable[[Backend], T]) -> T:
        index = self._open()
        with self._admission.enter():
            return await pool.run(deadline, lambda: work(index))

    def _open(self) -> Backend:
        if self.index is None:
            raise Unavailable(STAGE, "still loading")
        return self.index
