"""The caller's deadline, carried from stage to stage."""

import math
import time
from dataclasses import dataclass
from typing import Any

import grpc

from serving.errors import DeadlineExceeded


@dataclass(frozen=True)
class Deadline:
    """A point on the monotonic clock, in seconds."""

    at: float

    @classmethod
    def of(cls, context: grpc.aio.ServicerContext[Any, Any], at_most_s: float = math.inf) -> "Deadline":
        """The caller's deadline, or ``at_most_s`` from now where that is sooner."""
        remaining = context.time_remaining()
        return cls.after(at_most_s if remaining is None else min(remaining, at_most_s))

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Seconds left; below 0 when it has passed."""
        return self.at - time.monotonic()

    def check(self, stage: str, needed_s: float = 0.0) -> None:
        """Raises DeadlineExceeded when it has passed, or will before ``needed_s`` are over."""
        if (remaining := self.remaining()) <= needed_s:
            raise DeadlineExceeded(stage, "passed" if remaining <= 0 else "cannot be met")


NO_DEADLINE = Deadline(math.inf)
