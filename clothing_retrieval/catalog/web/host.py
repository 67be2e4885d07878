"""One host: whose turn it is, and how patient one must be with it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from clothing_retrieval.catalog.web.connection import Connection
from clothing_retrieval.catalog.web.errors import Closed, GivenUp
from clothing_retrieval.catalog.web.robots import Robots

_LOOK_UP_S = 0.2
_CLOSE_S = 2.0


class Host:
    """Used from many threads; one of them at a time has the turn, and the connection with it."""

    def __init__(self, closed: threading.Event) -> None:
        self._closed = closed
        self._turn = threading.Lock()
        self._not_before = 0.0
        self._failures = 0
        self._given_up = ""
        self.connection: Connection | None = None
        """Kept open between requests; belongs to whoever has the turn."""
        self.robots: Robots | None = None
        self.robots_lock = threading.Lock()

    @contextmanager
    def turn(self, delay_s: float) -> Iterator[None]:
        """Waits until nobody else asks the host, and the time for the next request has come.

        Raises:
            Closed: meanwhile fetching was given up.
        """
        while not self._turn.acquire(timeout=_LOOK_UP_S):
            self._look_up()
        try:
            while (wait_s := self._not_before - time.monotonic()) > 0:
                self._closed.wait(wait_s)
                self._look_up()
            self._look_up()
            self._not_before = time.monotonic() + delay_s
            yield
        finally:
            self._turn.release()

    def pause(self, wait_s: float) -> None:
        """Nobody asks for so long."""
        self._not_before = max(self._not_before, time.monotonic() + wait_s)

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1

    def give_up(self, why: str) -> None:
        self._given_up = why

    def check(self, most_failures: int) -> None:
        """Raises GivenUp where the host was given up, or has failed so often that it is left alone."""
        if self._given_up:
            raise GivenUp(self._given_up)
        if self._failures >= most_failures:
            raise GivenUp(f"the host has failed {self._failures} times in a row, and is not asked any more")

    def close(self) -> None:
        """After ``closed`` was set: wakes whoever has the turn."""
        if connection := self.connection:
            connection.cut()
        if self._turn.acquire(timeout=_CLOSE_S):
            if self.connection:
                self.connection.close()
            self._turn.release()

    def _look_up(self) -> None:
        if self._closed.is_set():
            raise Closed("given up")
