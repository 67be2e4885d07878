"""How a call reaches the index: on a thread, if there is room, before its deadline."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from search_service.backend import Backend
from search_service.backup import Backup
from search_service.writer import WRITE_MEND
from serving import tracing
from serving.admission import Admission
from serving.deadline import Deadline
from serving.errors import Unavailable
from serving.pool import WorkPool

STAGE = "search"
_GIVES_WAY_S = 0.1
_LOOK_EVERY_S = 0.01
T = TypeVar("T")


class Calls:
    """The event loop never computes and never touches the disk.

    The hop to a thread costs some 0.1 ms of a call's 1 to 2 ms, and buys that no filter, large shelf or cold page makes
    other calls wait, and that comparing uses all CPUs, since numpy, hnswlib and SQLite let go of the interpreter.
    """

    def __init__(self, threads: int, queue: int, write_queue: int) -> None:
        self.index: Backend | None = None
        self._admission = Admission(STAGE, queue, mend="raise SEARCH_QUEUE")
        self._write_admission = Admission("write", write_queue, mend=WRITE_MEND)
        self._pool = WorkPool(STAGE, threads)
        # Of its own, so that no search waits behind an import's items.
        self._writes = WorkPool(STAGE, 1)
        self._backups = WorkPool("backup", 1)

    async def read(self, deadline: Deadline, work: Callable[[Backend], T]) -> T:
        """Raises Overloaded, DeadlineExceeded, Unavailable, or what ``work`` raises."""
        index = self._open()
        with self._admission.enter():
            return await self._pool.run(deadline, lambda: work(index))

    async def write(self, deadline: Deadline, work: "Callable[[Backend], Future[T]]", into: str | None = None) -> T:
        """Raises as ``read`` does. The write is taken back where the caller leaves before it is begun.

        ``into``: a collection that it adds much to.
        """
        index = self._open()
        with self._write_admission.enter():
            if into is not None:
                await self._let_searches_go_first(index, into)
            future = await self._writes.run(deadline, lambda: work(index))
        with tracing.span("commit"):
            return await asyncio.wrap_future(future)

    async def backup(self, deadline: Deadline) -> Backup:
        """One at a time, beside the thread pool: it may take minutes. Raises as ``read`` does."""
        return await self._backups.run(deadline, self._open().create_backup)

    def stop(self) -> None:
        for pool in (self._pool, self._writes, self._backups):
            pool.stop()

    async def _let_searches_go_first(self, index: Backend, name: str) -> None:
        """Waits a little where the index is behind.

        A load of many items then goes at the pace at which they are linked, yet each of its callers gets done ten
        writes a second.
        """
        until = time.monotonic() + _GIVES_WAY_S
        while time.monotonic() < until:
            if not index.behind(name):
                break
            await asyncio.sleep(_LOOK_EVERY_S)

    def _open(self) -> Backend:
        if self.index is None:
            raise Unavailable(STAGE, "still loading")
        return self.index
