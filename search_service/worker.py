"""What the search service brings to its server."""

import asyncio

import grpc
import prometheus_client

from clothing_retrieval.v1 import catalog_service_pb2_grpc, search_service_pb2_grpc
from search_service.calls import STAGE, Calls
from search_service.catalog_servicer import CatalogServicer
from search_service.folder import Folder
from search_service.gardener import Plan
from search_service.graph import GraphParameters
from search_service.index import Index, Limits
from search_service.metrics import IndexCollector
from search_service.servicer import SearchServicer
from search_service.settings import Settings


class SearchWorker:
    name = STAGE
    services: tuple[str, ...] = ("clothing_retrieval.v1.SearchService", "clothing_retrieval.v1.CatalogService")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._calls = Calls(settings.threads, settings.queue)
        self._folder: Folder | None = None
        self._metrics: IndexCollector | None = None

    def register(self, server: grpc.aio.Server) -> None:
        search_service_pb2_grpc.add_SearchServiceServicer_to_server(SearchServicer(self._calls), server)
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(CatalogServicer(self._calls), server)

    async def start(self) -> None:
        """Raises FolderBusy, SchemaTooNew."""
        self._folder = Folder(self._settings.data_dir)
        self._calls.index = await asyncio.to_thread(self._open, self._folder)
        self._metrics = IndexCollector(self._calls.index)
        prometheus_client.REGISTRY.register(self._metrics)

    async def check(self) -> str | None:
        index = self._calls.index
        return index.failure() or index.starting() if index else "still loading"

    async def stop(self) -> None:
        if self._metrics:
            prometheus_client.REGISTRY.unregister(self._metrics)
        self._calls.stop()
        if self._calls.index:
            await asyncio.to_thread(self._calls.index.close)
        if self._folder:
            self._folder.close()

    def _open(self, folder: Folder) -> Index:
        settings = self._settings
        parameters = GraphParameters(settings.m, settings.ef_construction, settings.ef)
        plan = Plan(
            settings.exact_below,
            settings.tail,
            settings.dead_share,
            parameters,
            settings.build_threads,
            unsaved_share=settings.unsaved_share,
        )
        limits = Limits(settings.threads, settings.write_queue, settings.group)
        return Index(folder, settings.backups(), plan, limits)
