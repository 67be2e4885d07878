"""Searches as a light client sends them: messages made beforehand, and each failure seen as it is."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import grpc

from benchmarks.services import COLLECTION
from clothing_retrieval.calls import channel_options, channel_target
from clothing_retrieval.v1.retrieval_service_pb2 import SearchRequest, SearchResponse
from clothing_retrieval.v1.retrieval_service_pb2_grpc import RetrievalServiceStub
from clothing_retrieval.v1.types_pb2 import Image

Search = Callable[[SearchRequest], Awaitable[SearchResponse]]

TIMEOUT_S = 30.0


def search_request(photo: bytes) -> SearchRequest:
    return SearchRequest(collection=COLLECTION, image=Image(encoded=photo))


@asynccontextmanager
async def searching(target: str) -> AsyncIterator[Search]:
    """Raises grpc.RpcError where a search fails: nothing is repeated."""
    options = [*channel_options(target), ("grpc.enable_retries", 0)]
    async with grpc.aio.insecure_channel(channel_target(target), options=options) as channel:
        stub = RetrievalServiceStub(channel)

        async def search(request: SearchRequest) -> SearchResponse:
            return await stub.Search(request, timeout=TIMEOUT_S)

        yield search
