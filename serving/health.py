"""Health as ``grpc.health.v1`` defines it, with watches that end when the server stops.

Of each service, and of "", it says whether calls would succeed now: readiness. Of ``LIVENESS`` it says whether the
process is worth keeping.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving import telemetry

Context = grpc.aio.ServicerContext[Any, Any]
_Response = health_pb2.HealthCheckResponse

LIVENESS = "liveness"
"""Not a service. SERVING from the moment the server answers; NOT_SERVING when only a restart can help."""


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """The status of some services, told alike for all of them, and the liveness of their process.

    grpcio's own servicer never ends a watch. Every caller that picks replicas by health keeps one open, so a server
    that stops would wait for them until its grace is over.
    """

    def __init__(self, services: Iterable[str]) -> None:
        self._services = frozenset(services)
        self._status = _Response.NOT_SERVING
        self._liveness = _Response.SERVING
        self._closed = False
        self._changed = asyncio.Condition()

    async def tell(self, *, serving: bool, alive: bool = True) -> None:
        async with self._changed:
            self._status = _Response.SERVING if serving else _Response.NOT_SERVING
            self._liveness = _Response.SERVING if alive else _Response.NOT_SERVING
            self._changed.notify_all()
            telemetry.SERVING.set(serving)

    async def close(self) -> None:
        """Ends the watches."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> health_pb2.HealthCheckResponse:
        status = self._of(request.service)
        if status == _Response.SERVICE_UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no service is called {request.service!r} here")
        return _Response(status=status)

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        told = None
        while not self._closed:
            status = self._of(request.service)
            if status != told:
                told = status
                yield _Response(status=status)
            async with self._changed:
                if not self._closed and self._of(request.service) == told:
                    await self._changed.wait()

    def _of(self, service: str) -> Any:
        if service == LIVENESS:
            return self._liveness
        return self._status if service in self._services else _Response.SERVICE_UNKNOWN
