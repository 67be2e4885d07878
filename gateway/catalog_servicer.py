"""CatalogService, forwarded to the search service as it comes."""

from typing import Any

import grpc

from clothing_retrieval.v1 import catalog_service_pb2 as pb
from clothing_retrieval.v1 import catalog_service_pb2_grpc
from gateway.settings import Settings
from gateway.stages import Stages
from serving.deadline import Deadline

Context = grpc.aio.ServicerContext[Any, Any]


class CatalogServicer(catalog_service_pb2_grpc.CatalogServiceServicer):
    def __init__(self, settings: Settings, stages: Stages) -> None:
        self._timeout_s = settings.timeout_s
        self._stages = stages

    async def ListCollections(self, request: pb.ListCollectionsRequest, context: Context) -> pb.ListCollectionsResponse:
        return await self._stages.index.ask(self._stages.catalog.ListCollections, request, self._deadline(context))

    async def DeleteCollection(
        self, request: pb.DeleteCollectionRequest, context: Context
    ) -> pb.DeleteCollectionResponse:
        return await self._stages.index.ask(self._stages.catalog.DeleteCollection, request, self._deadline(context))

    async def SetAlias(self, request: pb.SetAliasRequest, context: Context) -> pb.SetAliasResponse:
        return await self._stages.index.ask(self._stages.catalog.SetAlias, request, self._deadline(context))

    async def GetItem(self, request: pb.GetItemRequest, context: Context) -> pb.GetItemResponse:
        return await self._stages.index.ask(self._stages.catalog.GetItem, request, self._deadline(context))

    async def ListItems(self, request: pb.ListItemsRequest, context: Context) -> pb.ListItemsResponse:
        return await self._stages.index.ask(self._stages.catalog.ListItems, request, self._deadline(context))

    async def GetPicture(self, request: pb.GetPictureRequest, context: Context) -> pb.GetPictureResponse:
        return await self._stages.index.ask(self._stages.catalog.GetPicture, request, self._deadline(context))

    async def DeleteItems(self, request: pb.DeleteItemsRequest, context: Context) -> pb.DeleteItemsResponse:
        return await self._stages.index.ask(self._stages.catalog.DeleteItems, request, self._deadline(context))

    def _deadline(self, context: Context) -> Deadline:
        return Deadline.of(context, self._timeout_s)
