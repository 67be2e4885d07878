"""CatalogService: RPC in, RPC out."""

from itertools import accumulate
from typing import Any

import grpc

from clothing_retrieval.v1 import catalog_service_pb2 as pb
from clothing_retrieval.v1 import catalog_service_pb2_grpc, types_pb2
from search_service import requests
from search_service.backend import Backend
from search_service.calls import Calls
from search_service.records import Summary
from serving.deadline import Deadline

_PAGE_BYTES = 16 * 2**20  # half of what a message may have

Context = grpc.aio.ServicerContext[Any, Any]


class CatalogServicer(catalog_service_pb2_grpc.CatalogServiceServicer):
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def ListCollections(self, request: pb.ListCollectionsRequest, context: Context) -> pb.ListCollectionsResponse:
        summaries = await self._calls.read(Deadline.of(context), lambda index: index.summaries())
        return pb.ListCollectionsResponse(collections=[_collection(summary) for summary in summaries])

    async def DeleteCollection(
        self, request: pb.DeleteCollectionRequest, context: Context
    ) -> pb.DeleteCollectionResponse:
        await self._calls.write(Deadline.of(context), lambda index: index.delete_collection(request.name))
        return pb.DeleteCollectionResponse()

    async def SetAlias(self, request: pb.SetAliasRequest, context: Context) -> pb.SetAliasResponse:
        previous = await self._calls.write(
            Deadline.of(context), lambda index: index.set_alias(request.alias, request.collection)
        )
        return pb.SetAliasResponse(previous_collection=previous)

    async def GetItem(self, request: pb.GetItemRequest, context: Context) -> pb.GetItemResponse:
        item_id = requests.item_id(request.id)
        message = await self._calls.read(
            Deadline.of(context), lambda index: index.message(index.collection(request.collection), item_id)
        )
        return pb.GetItemResponse(item=types_pb2.Item.FromString(message))

    async def ListItems(self, request: pb.ListItemsRequest, context: Context) -> pb.ListItemsResponse:
        size = requests.page_size(request)
        after = requests.page_start(request.page_token)
        wanted = requests.filter_of(request.filter)

        def work(index: Backend) -> pb.ListItemsResponse:
            # One more than asked for tells whether another page follows.
            found = index.page(index.collection(request.collection), wanted, after, size + 1)
            ends = accumulate(len(message) for _, message in found[:size])
            fitting = max(1, sum(1 for end in ends if end <= _PAGE_BYTES))
            items = [types_pb2.Item.FromString(message) for _, message in found[:fitting]]
            token = requests.page_token(items[-1].id) if len(found) > fitting else ""
            return pb.ListItemsResponse(items=items, next_page_token=token)

        return await self._calls.read(Deadline.of(context), work)

    async def GetPicture(self, request: pb.GetPictureRequest, context: Context) -> pb.GetPictureResponse:
        item_id = requests.item_id(request.id)
        jpeg = await self._calls.read(
            Deadline.of(context), lambda index: index.picture(index.collection(request.collection), item_id)
        )
        return pb.GetPictureResponse(jpeg=jpeg)

    async def DeleteItems(self, request: pb.DeleteItemsRequest, context: Context) -> pb.DeleteItemsResponse:
        ids = requests.item_ids(request.ids)
        deadline = Deadline.of(context)
        deleted = await self._calls.write(
            deadline, lambda index: index.delete_items(index.collection(request.collection), ids, deadline)
        )
        return pb.DeleteItemsResponse(deleted=deleted)


def _collection(summary: Summary) -> pb.Collection:
    message = pb.Collection(
        name=summary.collection.name,
        aliases=summary.aliases,
        model_digest=summary.collection.model_digest,
        dimension=summary.collection.dimension,
        item_count=sum(summary.items_by_category.values()),
        view_count=summary.view_count,
        items_by_category=summary.items_by_category,
    )
    message.create_time.FromMicroseconds(summary.collection.create_time_us)
    return message
