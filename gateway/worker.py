"""What the gateway brings to its server."""

import grpc

from clothing_retrieval.v1 import catalog_service_pb2_grpc, retrieval_service_pb2_grpc
from gateway.catalog_servicer import CatalogServicer
from gateway.pipeline import Pipeline
from gateway.servicer import RetrievalServicer
from gateway.settings import Settings
from gateway.stages import Stages


class GatewayWorker:
    """Serves when a search would succeed: its health is that of all stages together."""

    name = "gateway"
    services: tuple[str, ...] = ("clothing_retrieval.v1.RetrievalService", "clothing_retrieval.v1.CatalogService")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def register(self, server: grpc.aio.Server) -> None:
        self._stages = Stages(self._settings)
        self._pipeline = Pipeline(self._stages)
        retrieval_service_pb2_grpc.add_RetrievalServiceServicer_to_server(
            RetrievalServicer(self._settings, self._stages, self._pipeline), server
        )
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(
            CatalogServicer(self._settings, self._stages), server
        )

    async def start(self) -> None:
        """Nothing to load: `check` tells which stage is missing."""

    async def check(self) -> str | None:
        return await self._pipeline.check()

    def needs_restart(self) -> bool:
        return False  # it is well itself: what it waits for is a stage

    async def stop(self) -> None:
        await self._stages.close()
