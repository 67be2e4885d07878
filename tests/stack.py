"""All four services in this process, on free ports, as they run in earnest but for their models."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

import embed_service.settings
import gateway.settings
import search_service.settings
import segment_service.settings
from clothing_retrieval.v1 import (
    catalog_service_pb2_grpc,
    embed_service_pb2_grpc,
    retrieval_service_pb2,
    retrieval_service_pb2_grpc,
    search_service_pb2_grpc,
    segment_service_pb2_grpc,
    types_pb2,
)
from embed_service.worker import EmbedWorker
from gateway.worker import GatewayWorker
from search_service.worker import SearchWorker
from segment_service.worker import SegmentWorker
from serving.server import Server
from tests.pictures import message
from tests.servers import AT_ONCE, channel_to, wait_for_health


@dataclass
class Stack:
    """Stubs of every service, and the servers behind them by stage."""

    retrieval: retrieval_service_pb2_grpc.RetrievalServiceStub
    catalog: catalog_service_pb2_grpc.CatalogServiceStub
    segment: segment_service_pb2_grpc.SegmentServiceStub
    embed: embed_service_pb2_grpc.EmbedServiceStub
    search: search_service_pb2_grpc.SearchServiceStub
    channels: Mapping[str, grpc.aio.Channel]
    servers: Mapping[str, Server]

    async def find(self, picture: Any, **fields: Any) -> retrieval_service_pb2.SearchResponse:
        request = retrieval_service_pb2.SearchRequest(image=message(picture), **fields)
        return await self.retrieval.Search(request, timeout=20)

    async def load(self, *items: retrieval_service_pb2.ImportItemsRequest) -> dict[str, Any]:
        """Imports items. The answers, by id."""
        stream = self.retrieval.ImportItems(iter(items), timeout=60)
        return {answer.id: answer async for answer in stream}


def item(name: str, *pictures: Any, **fields: Any) -> retrieval_service_pb2.ImportItemsRequest:
    """What is no field of an Item is one of the request."""
    known = retrieval_service_pb2.ImportItemsRequest.DESCRIPTOR.fields_by_name
    request = {key: fields.pop(key) for key in list(fields) if key in known}
    return retrieval_service_pb2.ImportItemsRequest(
        item=types_pb2.Item(id=name, **fields), images=[message(picture) for picture in pictures], **request
    )


@asynccontextmanager
async def running(models: Path | None, data: Path, **settings: Mapping[str, Any]) -> AsyncIterator[Stack]:
    """``settings`` by stage. Without ``models`` the shipped ones are served."""
    own = {stage: {**AT_ONCE, **settings.get(stage, {})} for stage in ("segment", "embed", "search", "gateway")}
    models_dir = {"models_dir": str(models)} if models else {}
    workers: dict[str, tuple[Any, Any]] = {}
    segment_settings = segment_service.settings.Settings(**models_dir | own["segment"])
    embed_settings = embed_service.settings.Settings(**models_dir | own["embed"])
    search_settings = search_service.settings.Settings(**{"data_dir": data} | own["search"])
    workers["segment"] = segment_settings, SegmentWorker(segment_settings)
    workers["embed"] = embed_settings, EmbedWorker(embed_settings)
    workers["search"] = search_settings, SearchWorker(search_settings)
    servers: dict[str, Server] = {}
    try:
        for stage, (stage_settings, worker) in workers.items():
            servers[stage] = Server(stage_settings, worker)
            await servers[stage].start()
            # An index may still look for its graphs, and the gateway sends nothing to what does not serve.
            if stage_settings.tls_certificate is None:
                async with channel_to(servers[stage].address) as channel:
                    await wait_for_health(channel, "SERVING")
        targets = {f"{stage}_target": f"dns:///{server.address}" for stage, server in servers.items()}
        gateway_settings = gateway.settings.Settings(**targets | own["gateway"])
        servers["gateway"] = Server(gateway_settings, GatewayWorker(gateway_settings))
        await servers["gateway"].start()
        async with channels(servers) as open_channels:
            yield _stack(open_channels, servers)
    finally:
        for server in reversed(servers.values()):
            await server.stop()


@asynccontextmanager
async def channels(servers: Mapping[str, Server]) -> AsyncIterator[dict[str, grpc.aio.Channel]]:
    async with AsyncExitStack() as stack:
        yield {stage: await stack.enter_async_context(channel_to(server.address)) for stage, server in servers.items()}


def _stack(to: Mapping[str, grpc.aio.Channel], servers: Mapping[str, Server]) -> Stack:
    return Stack(
        retrieval_service_pb2_grpc.RetrievalServiceStub(to["gateway"]),
        catalog_service_pb2_grpc.CatalogServiceStub(to["gateway"]),
        segment_service_pb2_grpc.SegmentServiceStub(to["segment"]),
        embed_service_pb2_grpc.EmbedServiceStub(to["embed"]),
        search_service_pb2_grpc.SearchServiceStub(to["search"]),
        to,
        servers,
    )
