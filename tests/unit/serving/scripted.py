"""A worker whose calls do what a test says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc

from clothing_retrieval.v1 import (
    embed_service_pb2,
    embed_service_pb2_grpc,
    retrieval_service_pb2,
    retrieval_service_pb2_grpc,
)
from serving.interceptor import anyone
from serving.settings import ServerSettings
from tests.servers import channel_to, serving

EMBED = "clothing_retrieval.v1.EmbedService"
RETRIEVAL = "clothing_retrieval.v1.RetrievalService"
Behaviour = Callable[[Any, Any], Awaitable[Any]]


async def answer_nothing(request: Any, context: Any) -> Any:
    return embed_service_pb2.EmbedResponse()


class ScriptedWorker:
    """Embed runs ``behaviour``; ImportItems echoes ids, and raises ``stream_error`` at the end."""

    name = "scripted"
    services: tuple[str, ...] = (EMBED, RETRIEVAL)
    admit = staticmethod(anyone)

    def __init__(self, behaviour: Behaviour = answer_nothing) -> None:
        self.behaviour = behaviour
        self.stream_error: Exception | None = None
        self.problem: str | None = None
        self.loaded = asyncio.Event()
        self.loaded.set()
        self.broken = False
        self.stopped = False
        self.streams_closed = 0

    def register(self, server: grpc.aio.Server) -> None:
        worker = self

        class Embed(embed_service_pb2_grpc.EmbedServiceServicer):
            async def Embed(self, request: Any, context: Any) -> Any:
                return await worker.behaviour(request, context)

        class Retrieval(retrieval_service_pb2_grpc.RetrievalServiceServicer):
            async def ImportItems(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:
                try:
                    async for request in request_iterator:
                        yield retrieval_service_pb2.ImportItemsResponse(id=request.item.id)
                    if worker.stream_error:
                        raise worker.stream_error
                finally:
                    worker.streams_closed += 1

        embed_service_pb2_grpc.add_EmbedServiceServicer_to_server(Embed(), server)
        retrieval_service_pb2_grpc.add_RetrievalServiceServicer_to_server(Retrieval(), server)

    async def start(self) -> None:
        await self.loaded.wait()

    async def check(self) -> str | None:
        if self.problem == "raise":
            raise ValueError("the check itself broke")
        return self.problem

    def needs_restart(self) -> bool:
        return self.broken

    async def stop(self) -> None:
        self.stopped = True


@asynccontextmanager
async def scripted(
    behaviour: Behaviour = answer_nothing, settings: ServerSettings | None = None
) -> AsyncIterator[tuple[ScriptedWorker, grpc.aio.Channel]]:
    worker = ScriptedWorker(behaviour)
    async with serving(worker, settings) as address, channel_to(address) as channel:
        yield worker, channel


def embed(channel: grpc.aio.Channel, **options: Any) -> Any:
    return embed_service_pb2_grpc.EmbedServiceStub(channel).Embed(embed_service_pb2.EmbedRequest(), **options)
