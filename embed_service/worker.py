"""What the embed service brings to its server."""

import grpc

from clothing_retrieval.v1 import embed_service_pb2_grpc
from embed_service.embedder import STAGE, Embedder
from embed_service.servicer import EmbedServicer
from embed_service.settings import Settings
from serving.interceptor import anyone


class EmbedWorker:
    name = STAGE
    services: tuple[str, ...] = ("clothing_retrieval.v1.EmbedService",)
    admit = staticmethod(anyone)

    def __init__(self, settings: Settings) -> None:
        self._embedder = Embedder(settings)

    def register(self, server: grpc.aio.Server) -> None:
        embed_service_pb2_grpc.add_EmbedServiceServicer_to_server(EmbedServicer(self._embedder), server)

    async def start(self) -> None:
        await self._embedder.runner.start()

    async def check(self) -> str | None:
        return await self._embedder.runner.check()

    def needs_restart(self) -> bool:
        return True

    async def stop(self) -> None:
        await self._embedder.stop()
