"""The search service as it is called for somebody who waits: there is one, and while it restarts, calls wait for it."""

import math
import time
from collections.abc import Callable
from typing import Any, TypeVar

from google.rpc import code_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.calls import Call, call
from gateway.patience import patiently
from serving.deadline import Deadline
from serving.errors import ServiceError, StageFailed

T = TypeVar("T")

_LONGEST_WAIT_S = 0.3
_MOST_WAITING = 1000
_MOST_WAITING_BYTES = 128 << 20
"""Of messages: grpc keeps what it read each from beside it."""


class Index:
    """Calls wait for it until ``patience_s`` after it was last there; then they fail at once, until it is back."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._seen_at = -math.inf
        self._waiting = 0
        self._waiting_bytes = 0

    async def ask(self, method: Callable[[], Call[T]], request: Any, deadline: Deadline, held_bytes: int = 0) -> T:
        """For what may be asked twice. ``method`` is looked up each time: channels are exchanged while calls wait.

        ``held_bytes``: what is in memory for the caller until it is answered, its own request for one.

        Raises DeadlineExceeded, StageFailed or BadAnswer.
        """

        async def attempt() -> T:
            return await call("search", method(), request, deadline)

        patience = Deadline(min(deadline.at, self._seen_at + self._patience_s))
        try:
            return await attempt()
        except StageFailed as error:
            is_away = error.code == code_pb2.UNAVAILABLE
            if not is_away or patience.remaining() <= 0 or not self._has_room(held_bytes):
                raise
        self._waiting += 1
        self._waiting_bytes += held_bytes
        try:  # also where it is busy: when it is back, all who waited come at once
            return await patiently(attempt, patience, _LONGEST_WAIT_S)
        finally:
            self._waiting -= 1
            self._waiting_bytes -= held_bytes

    def _has_room(self, held_bytes: int) -> bool:
        return self._waiting < _MOST_WAITING and self._waiting_bytes + held_bytes <= _MOST_WAITING_BYTES

    async def trouble(self, health: health_pb2_grpc.HealthStub, deadline: Deadline) -> str | None:
        """Why calls would fail now; None where they would succeed, if only after a wait."""
        request = health_pb2.HealthCheckRequest(service="clothing_retrieval.v1.SearchService")
        try:
            response = await call("search", health.Check, request, deadline)
            trouble = None if response.status == health_pb2.HealthCheckResponse.SERVING else "search: not serving"
        except ServiceError as error:
            trouble = str(error)
        now = time.monotonic()
        if trouble is None:
            self._seen_at = now
        return trouble if now >= self._seen_at + self._patience_s else None
