"""CatalogService, forwarded to the search service as it comes.

What writes is not repeated: the second answer to "delete this" would be that there is no such thing.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import grpc

from clothing_retrieval.v1 import catalog_service_pb2 as pb
from clothing_retrieval.v1 import catalog_service_pb2_grpc
from gateway.calls import Call, call
from gateway.settings import Settings
from gateway.stages import Stages
from serving.deadline import Deadline

T = TypeVar("T")

Context = grpc.aio.ServicerContext[Any, Any]


class CatalogServicer(catalog_service_pb2_grpc.CatalogServiceServicer):
    def __init__(self, settings: Settings, stages: Stages) -> None:
        self._timeout_s = settings.timeout_s
        self._stages = stages

    async def ListCollections(self, request: pb.ListCollectionsRequest, context: Context) -> pb.ListCollectionsResponse:
        return await self._read(lambda: self._stages.catalog.ListCollections, request, context)

    async def DeleteCollection(
        self, request: pb.DeleteCollectionRequest, context: Context
    ) -> pb.DeleteCollectionResponse:
        return await self._write(self._stages.catalog.DeleteCollection, request, context)

    async def SetAlias(self, request: pb.SetAliasRequest, context: Context) -> pb.SetAliasResponse:
        return await self._write(self._stages.catalog.SetAlias, request, context)

    async def GetItem(self, request: pb.GetItemRequest, context: Context) -> pb.GetItemResponse:
        return await self._read(lambda: self._stages.catalog.GetItem, request, context)

    async def ListItems(self, request: pb.ListItemsRequest, context: Context) -> pb.ListItemsResponse:
        return await self._read(lambda: self._stages.catalog.ListItems, request, context)

    async def GetPicture(self, request: pb.GetPictureRequest, context: Context) -> pb.GetPictureResponse:
        return await self._read(lambda: self._stages.catalog.GetPicture, request, context)

    async def DeleteItems(self, request: pb.DeleteItemsRequest, context: Context) -> pb.DeleteItemsResponse:
        return await self._write(self._stages.catalog.DeleteItems, request, context)

    async def _read(self, method: Callable[[], Call[T]], request: Any, context: Context) -> T:
        return await self._stages.index.ask(method, request, Deadline.of(context, self._timeout_s))

    async def _write(self, method: Call[T], request: Any, context: Context) -> T:
        return await call("search", method, request, Deadline.of(context, self._timeout_s))
