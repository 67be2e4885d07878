"""How much a worker takes on: what is beyond it is refused at once, before it costs anything."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from serving import telemetry
from serving.errors import Overloaded

_SMOOTHING = 0.1
_SHORTEST_RETRY_S = 0.05


class Admission:
    """Counts the pictures that were admitted and not yet answered."""

    def __init__(self, stage: str, limit: int) -> None:
        self._stage = stage
        self._limit = limit
        self._admitted = 0
        self._usual_s = _SHORTEST_RETRY_S
        self._gauge = telemetry.ADMITTED.labels(stage)

    @contextmanager
    def enter(self, count: int = 1) -> Iterator[None]:
        """Holds ``count`` places. Raises Overloaded where they are not free; an idle worker takes any count."""
        if self._admitted and self._admitted + count > self._limit:
            raise Overloaded(self._stage, self._limit, max(_SHORTEST_RETRY_S, self._usual_s))
        self._change(count)
        began = time.monotonic()
        try:
            yield
        finally:
            self._change(-count)
            self._usual_s += _SMOOTHING * (time.monotonic() - began - self._usual_s)

    def _change(self, count: int) -> None:
        self._admitted += count
        self._gauge.set(self._admitted)
