"""Whether a service still answers: a process that hangs does not die by itself."""

import asyncio

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from clothing_retrieval import calls

LOOK_S = 5.0
"""Between two looks. Each waits twice as long for an answer."""

_MISSES = 3
_LIVENESS = "liveness"
"""The health name by which a service tells whether only a restart can help."""


async def until_it_hangs(target: str, look_s: float = LOOK_S) -> None:
    """Returns when a service has three times not answered, or answered that only a restart can help."""
    misses = 0
    async with grpc.aio.insecure_channel(calls.channel_target(target), calls.channel_options(target)) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        while misses < _MISSES:
            await asyncio.sleep(look_s)
            misses = 0 if await _lives(health, 2 * look_s) else misses + 1


async def _lives(health: health_pb2_grpc.HealthStub, within_s: float) -> bool:
    try:
        answer = await health.Check(health_pb2.HealthCheckRequest(service=_LIVENESS), timeout=within_s)
    except grpc.aio.AioRpcError as error:
        return error.code() not in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
