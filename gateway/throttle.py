"""What the workers would refuse anyway is refused here, where it costs less."""

import math
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from google.rpc import code_pb2

from serving import telemetry
from serving.errors import StageFailed

T = TypeVar("T")

_GROWTH = 0.5
"""Of the limit, while as many calls as it allows are answered: after twice their time the stage is asked for more."""
_OVERLOAD_S = 0.5


class Throttle:
    """Keeps as many calls in flight as the stage takes, where it refuses more, and refuses the others.

    The limit falls to what was in flight when a call was refused, and grows as calls are accepted: additive increase
    (Chiu and Jain, 1989), with a measured decrease. Where nothing was in flight, as other gateways have all there is,
    one call is tried when the stage said so. It ends when the stage has refused nothing for half a second.
    """

    def __init__(self) -> None:
        self._in_flight = 0
        self._limit = math.inf
        self._refused_at = -math.inf
        self._refusal: StageFailed | None = None

    async def run(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Raises what ``attempt`` raises, or StageFailed as the stage last refused a call."""
        refused_for_s = time.monotonic() - self._refused_at
        if refused_for_s >= _OVERLOAD_S:
            self._limit, self._refusal = math.inf, None
        if self._refusal and self._in_flight + 1 > self._allowed(self._refusal, refused_for_s):
            telemetry.THROTTLED.inc()
            raise self._refusal.with_traceback(None)
        self._in_flight += 1
        try:
            answer = await attempt()
        except StageFailed as error:
            if error.code == code_pb2.RESOURCE_EXHAUSTED:
                self._refusal, self._refused_at = error, time.monotonic()
                self._limit = self._in_flight - 1
            raise
        finally:
            self._in_flight -= 1
        self._limit = max(1, self._limit)
        self._limit += _GROWTH / self._limit
        return answer

    def _allowed(self, refusal: StageFailed, refused_for_s: float) -> float:
        may_try = refused_for_s >= (refusal.retry_after_s or 0)
        return max(self._limit, 1 if may_try else 0)
