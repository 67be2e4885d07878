"""Waiting for a stage that is busy or away."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from google.rpc import code_pb2

from serving.deadline import Deadline
from serving.errors import ServiceError

T = TypeVar("T")

_TRANSIENT = (code_pb2.RESOURCE_EXHAUSTED, code_pb2.UNAVAILABLE)
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 2.0


async def patiently(
    attempt: Callable[[], Awaitable[T]],
    deadline: Deadline,
    longest_wait_s: float = _LONGEST_WAIT_S,
    kind: type[ServiceError] = ServiceError,
) -> T:
    """Tries again while the stage is busy or away, with growing, jittered waits, until the deadline is near.

    ``kind``: of the errors that are waited out.

    Raises ServiceError: the last one, when there is no time for another wait or the error is not transient; where the
    time is over in the midst of an attempt, why it had to be made.
    """
    wait_s = _FIRST_WAIT_S
    before: ServiceError | None = None
    while True:
        try:
            return await attempt()
        except kind as error:
            if before and error.code == code_pb2.DEADLINE_EXCEEDED:
                raise before from error
            before = error
            pause_s = max(wait_s, error.retry_after_s or 0.0) * random.uniform(0.5, 1.0)
            if error.code not in _TRANSIENT or deadline.remaining() < pause_s:
                raise
        await asyncio.sleep(pause_s)
        wait_s = min(2 * wait_s, longest_wait_s)
