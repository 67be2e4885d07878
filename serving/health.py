"""Health as ``grpc.health.v1`` defines it, with watches that end when the server stops."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving import telemetry

Context = grpc.aio.ServicerContext[Any, Any]
_Response = health_pb2.HealthCheckResponse


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """The status of some services, told alike for all of them.

    grpcio's own servicer never ends a watch. Every caller that picks replicas by health keeps one open, so a server
    that stops would wait for them until its grace is over.
    """

    def __init__(self, services: Iterable[str]) -> None:
        self._services = frozenset(services)
        self._status = _Response.NOT_SERVING
        self._closed = False
        self._changed = asyncio.Condition()

    async def tell(self, *, serving: bool) -> None:
        async with self._changed:
            self._status = _Response.SERVING if serving else _Response.NOT_SERVING
            self._changed.notify_all()
            telemetry.SERVING.set(serving)

    async def close(self) -> None:
        """Ends the watches."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> health_pb2.HealthCheckResponse:
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no service is called {request.service!r} here")
        return _Response(status=self._status)

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
        return self._status if service in self._services else _Response.SERVICE_UNKNOWN
