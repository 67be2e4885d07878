"""Writes to Milvus, one after the other."""

import logging
import queue
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from search_service.writer import WRITE_MEND
from serving.deadline import NO_DEADLINE, Deadline
from serving.errors import Overloaded, ServiceError

log = logging.getLogger(__name__)
T = TypeVar("T")


class Writer:
    """Runs writes in the order they came: Milvus Lite asks for it, and to others one request of 512 items is plenty."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # Apart from the thread's own queue, which has no limit, and in which a write that was taken back would stay
        # with all its items.
        self._waiting: queue.Queue[Callable[[], None]] = queue.Queue(limit)
        self._thread = ThreadPoolExecutor(1, "milvus-writer")

    def submit(self, write: Callable[[], T], deadline: Deadline = NO_DEADLINE) -> "Future[T]":
        """Raises Overloaded when too many wait already."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                deadline.check("search")
                future.set_result(write())
            except Exception as error:  # its caller gets it, whatever it is
                if not isinstance(error, ServiceError):
                    log.exception("a write failed")
                future.set_exception(error)

        try:
            self._waiting.put_nowait(run)
        except queue.Full:
            raise Overloaded("write", self._limit, retry_after_s=0.5, mend=WRITE_MEND) from None
        self._thread.submit(self._run_next)
        return future

    def close(self) -> None:
        """Finishes what waits, then stops."""
        self._thread.shutdown()

    def _run_next(self) -> None:
        self._waiting.get()()
