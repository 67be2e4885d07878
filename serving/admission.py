"""How much a worker takes on: what is beyond it is refused at once, before it costs anything."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from serving import telemetry
from serving.errors import Overloaded

_SMOOTHING = 0.1
_SHORTEST_RETRY_S = 0.05
_OVERLOAD_S = 1.0
"""An overload lasts so long after the last refusal."""


class Admission:
    """Counts the pictures that were admitted and not yet answered.

    A burst may fill all ``limit`` places: it is worked off. Where more comes than can be done, a long queue only makes
    everybody late: while work is being refused, there are but ``steady`` places. Background work, which waits for all
    other, has half as many places of its own.
    """

    def __init__(self, stage: str, limit: int, *, steady: int | None = None, mend: str = "add workers") -> None:
        """``mend``: what whoever runs the service can do where it refuses too much."""
        self._stage = stage
        self._mend = mend
        self._limit = limit
        self._steady = limit if steady is None else min(steady, limit)
        self._refused_at = -math.inf
        self._urgent = _Places(stage, background=False)
        self._background = _Places(stage, background=True)

    @contextmanager
    def enter(self, count: int = 1, *, background: bool = False) -> Iterator[None]:
        """Holds ``count`` places. Raises Overloaded where they are not free; an idle worker takes any count."""
        began = time.monotonic()
        places = self._background if background else self._urgent
        limit = self._places(began, background=background)
        if places.taken and places.taken + count > limit:
            if not background:
                self._refused_at = began
            raise Overloaded(self._stage, limit, max(_SHORTEST_RETRY_S, places.usual_s), self._mend)
        places.take(count)
        try:
            yield
        finally:
            places.free(count, time.monotonic() - began)

    def taken(self, *, background: bool = False) -> int:
        """Places that are not free."""
        return (self._background if background else self._urgent).taken

    def only_one(self) -> bool:
        """Whether one picture is all that was admitted."""
        return self._urgent.taken + self._background.taken == 1

    def _places(self, now: float, *, background: bool) -> int:
        if background:
            return max(1, self._limit // 2)
        return self._steady if now - self._refused_at < _OVERLOAD_S else self._limit


class _Places:
    """Those that are taken, and for how long one usually is."""

    def __init__(self, stage: str, *, background: bool) -> None:
        self.taken = 0
        self.usual_s = _SHORTEST_RETRY_S
        self._gauge = telemetry.ADMITTED.labels(stage, telemetry.priority(background))

    def take(self, count: int) -> None:
        self.taken += count
        self._gauge.inc(count)

    def free(self, count: int, held_s: float) -> None:
        self.taken -= count
        self._gauge.dec(count)
        self.usual_s += _SMOOTHING * (held_s - self.usual_s)
