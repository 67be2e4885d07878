"""What the workers would refuse anyway is refused here, where it costs less."""

import math
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from google.rpc import code_pb2

from serving import telemetry
from serving.errors import StageFailed

T = TypeVar("T")

_SURPLUS = 2.0
_HALF_LIFE_S = 2.0
_OVERLOAD_S = 0.5


class Throttle:
    """Lets a stage that refuses calls have twice as many as it accepts, and refuses the others at random.

    "Client-side throttling" of Beyer et al., Site Reliability Engineering (2016), chapter 21, over the last few
    seconds. It ends when the stage has refused nothing for half a second.
    """

    def __init__(self) -> None:
        self._asked = 0.0
        self._accepted = 0.0
        self._counted_at = 0.0
        self._refused_at = -math.inf
        self._refusal: StageFailed | None = None

    async def run(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Raises what ``attempt`` raises, or StageFailed as the stage last refused a call."""
        now = time.monotonic()
        self._forget(now)
        self._asked += 1
        if self._refusal and now - self._refused_at < _OVERLOAD_S and random.random() < self._share_to_refuse():
            telemetry.THROTTLED.inc()
            raise self._refusal.with_traceback(None)
        try:
            answer = await attempt()
        except StageFailed as error:
            if error.code == code_pb2.RESOURCE_EXHAUSTED:
                self._refusal, self._refused_at = error, time.monotonic()
            else:
                self._accepted += 1
            raise
        self._accepted += 1
        return answer

    def _share_to_refuse(self) -> float:
        return (self._asked - _SURPLUS * self._accepted) / (self._asked + 1)

    def _forget(self, now: float) -> None:
        kept = 0.5 ** ((now - self._counted_at) / _HALF_LIFE_S)
        self._asked *= kept
        self._accepted *= kept
        self._counted_at = now
