"""The search service as it is called for somebody who waits: there is one, and while it restarts, calls wait for it."""

import math
import time
from typing import Any, TypeVar

from google.rpc import code_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.calls import Call, call
from gateway.patience import patiently
from serving.deadline import Deadline
from serving.errors import ServiceError, StageFailed

T = TypeVar("T")

_LONGEST_WAIT_S = 0.3


class Index:
    """Calls wait for it until ``patience_s`` after it was last there; then they fail at once, until it is back."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._seen_at = -math.inf

    async def ask(self, method: Call[T], request: Any, deadline: Deadline) -> T:
        """Raises DeadlineExceeded, StageFailed or BadAnswer."""
        bound = Deadline(min(deadline.at, self._seen_at + self._patience_s))
        return await patiently(
            lambda: call("search", method, request, deadline), bound, transient=_is_away, longest_wait_s=_LONGEST_WAIT_S
        )

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


def _is_away(error: ServiceError) -> bool:
    return isinstance(error, StageFailed) and error.code == code_pb2.UNAVAILABLE
