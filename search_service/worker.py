"""What the search service brings to its server."""

import asyncio
import os

import grpc
import prometheus_client

from clothing_retrieval.v1 import catalog_service_pb2_grpc, search_service_pb2_grpc
from search_service.backend import Backend
from search_service.calls import STAGE, Calls
from search_service.catalog_servicer import CatalogServicer
from search_service.folder import Folder
from search_service.gardener import Plan
from search_service.graph import GraphParameters
from search_service.index import Index, Limits
from search_service.metrics import IndexCollector
from search_service.milvus.settings import MilvusSettings
from search_service.servicer import SearchServicer
from search_service.settings import Settings
from serving.interceptor import anyone
from serving.settings import read


class SearchWorker:
    name = STAGE
    services: tuple[str, ...] = ("clothing_retrieval.v1.SearchService", "clothing_retrieval.v1.CatalogService")
    admit = staticmethod(anyone)

    def __init__(self, settings: Settings, milvus: MilvusSettings | None = None) -> None:
        self._settings = settings
        self._milvus = milvus or read(MilvusSettings)
        self._calls = Calls(settings.threads, settings.queue, settings.write_queue)
        self._folder: Folder | None = None
        self._metrics: IndexCollector | None = None

    def register(self, server: grpc.aio.Server) -> None:
        search_service_pb2_grpc.add_SearchServiceServicer_to_server(SearchServicer(self._calls), server)
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(CatalogServicer(self._calls), server)

    async def start(self) -> None:
        """Raises FolderBusy, SchemaTooNew, Unavailable."""
        self._calls.index = await asyncio.to_thread(self._open)

    async def check(self) -> str | None:
        index = self._calls.index
        return await asyncio.to_thread(_problem, index) if index else "still loading"

    def needs_restart(self) -> bool:
        index = self._calls.index
        return isinstance(index, Index) and index.failure() is not None  # Milvus comes back by itself

    async def stop(self) -> None:
        if self._metrics:
            prometheus_client.REGISTRY.unregister(self._metrics)
        self._calls.stop()
        if self._calls.index:
            await asyncio.to_thread(self._calls.index.close)
        if self._folder:
            self._folder.close()

    def _open(self) -> Backend:
        return self._open_milvus() if self._settings.backend == "milvus" else self._open_index()

    def _open_index(self) -> Index:
        settings = self._settings
        self._folder = Folder(settings.data_dir)
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
        index = Index(self._folder, settings.backups(), plan, limits)
        self._metrics = IndexCollector(index, settings.data_dir)
        prometheus_client.REGISTRY.register(self._metrics)
        return index

    def _open_milvus(self) -> Backend:
        # Read already. pymilvus reads it too as it is imported, and refuses the path of a file there.
        os.environ.pop("MILVUS_URI", None)
        try:
            from search_service.milvus.backend import MilvusBackend
        except ImportError as error:
            raise RuntimeError(
                f"SEARCH_BACKEND=milvus needs an extra: pip install 'clothing-retrieval[milvus]' ({error})"
            ) from error
        settings = self._settings
        parameters = GraphParameters(settings.m, settings.ef_construction, settings.ef)
        return MilvusBackend(self._milvus, settings.pictures(), parameters, settings.write_queue)


def _problem(index: Backend) -> str | None:
    return index.failure() or index.starting()
