"""What the gateway brings to its server."""

import grpc

from clothing_retrieval.v1 import catalog_service_pb2_grpc, retrieval_service_pb2_grpc
from gateway.access import access_of
from gateway.catalog_servicer import CatalogServicer
from gateway.pipeline import Pipeline
from gateway.servicer import RetrievalServicer
from gateway.settings import Settings
from gateway.stages import Stages
from serving.interceptor import Admit


class GatewayWorker:
    """Serves when a search would succeed: its health is that of all stages together."""

    name = "gateway"
    services: tuple[str, ...] = ("clothing_retrieval.v1.RetrievalService", "clothing_retrieval.v1.CatalogService")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stages: Stages | None = None

    @property
    def admit(self) -> Admit:
        return self._access.admit

    def register(self, server: grpc.aio.Server) -> None:
        """Raises RuntimeError: the settings for TLS, keys or both cannot be used."""
        self._access = access_of(self._settings)
        self._stages = stages = Stages(self._settings)
        self._pipeline = Pipeline(stages)
        retrieval_service_pb2_grpc.add_RetrievalServiceServicer_to_server(
            RetrievalServicer(self._settings, stages, self._pipeline), server
        )
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(CatalogServicer(self._settings, stages), server)

    async def start(self) -> None:
        """Nothing to load: `check` tells which stage is missing."""

    async def check(self) -> str | None:
        assert self._stages is not None
        self._access.refresh()
        self._stages.refresh()
        return await self._pipeline.check()

    def needs_restart(self) -> bool:
        return False  # it is well itself: what it waits for is a stage

    async def stop(self) -> None:
        if self._stages:
            await self._stages.close()
