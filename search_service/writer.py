"""The one thread that writes: what waits together is committed together, by one fsync."""

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from search_service.writes import Effect
from serving import telemetry
from serving.deadline import NO_DEADLINE, Deadline
from serving.errors import Overloaded, ServiceError, Unavailable

log = logging.getLogger(__name__)

WRITE_MEND = "raise SEARCH_WRITE_QUEUE"
_REST = 2  # times as long as a commit took
_LONGEST_REST_S = 0.1

Write = Callable[[sqlite3.Connection], tuple[Any, Effect]]


@dataclass
class _Waiting:
    write: Write
    deadline: Deadline
    future: "Future[Any]" = field(default_factory=Future)


@dataclass(frozen=True)
class _Done:
    future: "Future[Any]"
    result: Any
    effect: Effect


class Writer:
    """Runs writes in the order they came.

    A write that raises undoes itself alone. A future is resolved when its write is on disk and ``apply`` has shown its
    effect to memory. Where the disk fails, the writes of that commit fail with Unavailable, and the writer goes on;
    where ``apply`` fails, memory no longer shows what the disk holds, so the writer stops: ``failure`` says why.
    While searches come in, it rests between two commits, and leaves them two thirds of the time.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        apply: Callable[[Sequence[Effect]], None],
        limit: int,
        group: int,
        searches_come_in: Callable[[], bool],
    ) -> None:
        self.failure: str | None = None
        self._db = db
        self._apply = apply
        self._limit = limit
        self._group = group
        self._searches_come_in = searches_come_in
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(limit)
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="search-writer", daemon=True)
        self._thread.start()

    def submit(self, write: Write, deadline: Deadline = NO_DEADLINE) -> "Future[Any]":
        """Raises Overloaded when too many wait already, Unavailable when the writer has stopped."""
        waiting = _Waiting(write, deadline)
        with self._lock:
            if self._closed.is_set() or self.failure is not None:
                raise Unavailable("search", self.failure or "stopping")
            try:
                self._queue.put_nowait(waiting)
            except queue.Full:
                raise Overloaded("write", self._limit, 0.5, WRITE_MEND) from None
        return waiting.future

    def close(self) -> None:
        """Finishes what waits, then stops."""
        with self._lock:
            self._closed.set()
        if self._thread.is_alive():
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        stopping = False
        try:
            while not stopping:
                group, stopping = self._take()
                began = time.monotonic()
                self._commit(group)
                if self._searches_come_in():
                    self._closed.wait(min(_REST * (time.monotonic() - began), _LONGEST_REST_S))
        except Exception as error:
            log.exception("the writer stopped")
            self._die(error)

    def _take(self) -> tuple[list[_Waiting], bool]:
        """All that waits, up to one group; whether it is the last."""
        taken = [self._queue.get()]
        while taken[-1] is not None and len(taken) < self._group:
            try:
                taken.append(self._queue.get_nowait())
            except queue.Empty:
                break
        group = [waiting for waiting in taken if waiting is not None]
        return [waiting for waiting in group if waiting.future.set_running_or_notify_cancel()], taken[-1] is None

    def _commit(self, group: Sequence[_Waiting]) -> None:
        done: list[_Done] = []
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for waiting in group:
                done += self._attempt(waiting)
            with telemetry.COMMIT_SECONDS.time():
                self._db.execute("COMMIT")
        except sqlite3.Error as error:
            log.error("a commit of %d writes failed: %s", len(group), error)
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            for waiting in group:
                if not waiting.future.done():
                    waiting.future.set_exception(Unavailable("search", f"unable to write: {error}"))
            return
        try:
            self._apply([each.effect for each in done])
        except BaseException:
            for each in done:
                each.future.set_exception(Unavailable("search", "stopped by an error; the write is on disk"))
            raise
        for each in done:
            each.future.set_result(each.result)

    def _attempt(self, waiting: _Waiting) -> list[_Done]:
        """One write inside the transaction: what it did, or nothing where it failed."""
        self._db.execute("SAVEPOINT one")
        try:
            waiting.deadline.check("search")
            result, effect = waiting.write(self._db)
        except sqlite3.OperationalError:
            raise
        except Exception as error:  # the caller of this write gets it, whatever it is; the others go on
            self._db.execute("ROLLBACK TO one")
            self._db.execute("RELEASE one")
            if not isinstance(error, ServiceError):
                log.exception("a write failed")
            waiting.future.set_exception(error)
            return []
        self._db.execute("RELEASE one")
        return [_Done(waiting.future, result, effect)]

    def _die(self, error: Exception) -> None:
        with self._lock:
            self.failure = f"not writing since an error: {error!r}"
        while True:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                return
            if waiting is not None and waiting.future.set_running_or_notify_cancel():
                waiting.future.set_exception(Unavailable("search", self.failure))
