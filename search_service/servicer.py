"""SearchService: RPC in, RPC out."""

from typing import Any

import grpc

from clothing_retrieval.v1 import search_service_pb2 as pb
from clothing_retrieval.v1 import search_service_pb2_grpc
from search_service import requests
from search_service.backend import Backend
from search_service.calls import Calls
from search_service.records import Match, Stored
from serving import tracing
from serving.deadline import Deadline
from serving.errors import InvalidField, NotFound

_ANSWER_BYTES = 30 * 2**20  # of items: what stands beside them fits into the rest of a message

Context = grpc.aio.ServicerContext[Any, Any]


class SearchServicer(search_service_pb2_grpc.SearchServiceServicer):
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def CreateCollection(
        self, request: pb.CreateCollectionRequest, context: Context
    ) -> pb.CreateCollectionResponse:
        digest, dimension = requests.model_and_dimension(request)
        created = await self._calls.write(
            Deadline.of(context), lambda index: index.create_collection(request.name, digest, dimension)
        )
        return pb.CreateCollectionResponse(created=created)

    async def UpsertItems(self, request: pb.UpsertItemsRequest, context: Context) -> pb.UpsertItemsResponse:
        deadline = Deadline.of(context)

        def work(index: Backend) -> Any:
            collection = index.collection(request.collection)
            return index.upsert(collection, requests.records(request, collection), deadline)

        done = await self._calls.write(deadline, work, into=request.collection)
        return pb.UpsertItemsResponse(created=done.created, updated=done.updated)

    async def GetFingerprints(self, request: pb.GetFingerprintsRequest, context: Context) -> pb.GetFingerprintsResponse:
        ids = requests.item_ids(request.ids)
        found = await self._calls.read(
            Deadline.of(context), lambda index: index.fingerprints(index.collection(request.collection), ids)
        )
        return pb.GetFingerprintsResponse(fingerprints=found)

    async def GetIndexedItems(self, request: pb.GetIndexedItemsRequest, context: Context) -> pb.GetIndexedItemsResponse:
        ids = requests.item_ids(request.ids, requests.MAX_WHOLE)

        def work(index: Backend) -> pb.GetIndexedItemsResponse:
            found = index.stored(index.collection(request.collection), ids)
            return pb.GetIndexedItemsResponse(items=[_indexed(stored) for stored in found])

        return await self._calls.read(Deadline.of(context), work)

    async def Query(self, request: pb.QueryRequest, context: Context) -> pb.QueryResponse:
        def answers(index: Backend) -> list[list[Match]]:
            collection = index.collection(request.collection)
            while True:
                try:
                    return index.query(collection, requests.query(request, collection))
                except NotFound:
                    # An alias may have been pointed elsewhere since, and what it meant deleted.
                    meant, collection = collection, index.collection(request.collection)
                    if collection == meant:
                        raise

        def work(index: Backend) -> pb.QueryResponse:
            response = pb.QueryResponse()
            size = 0
            with tracing.span("query", probes=len(request.probes), top_k=request.top_k):
                answered = answers(index)
            for matches in answered:
                found = response.results.add().matches
                for match in matches:
                    answer = found.add()
                    answer.distance = match.distance
                    answer.view = match.view
                    answer.item.ParseFromString(match.message)
                    size += len(match.message)
            if size > _ANSWER_BYTES:
                raise InvalidField("top_k", f"{request.top_k} items a probe have {size} bytes here: ask for fewer")
            return response

        return await self._calls.read(Deadline.of(context), work)

    async def CreateBackup(self, request: pb.CreateBackupRequest, context: Context) -> pb.CreateBackupResponse:
        backup = await self._calls.backup(Deadline.of(context))
        return pb.CreateBackupResponse(name=backup.name, size_bytes=backup.size_bytes)


def _indexed(stored: Stored) -> pb.IndexedItem:
    message = pb.IndexedItem(fingerprint=stored.fingerprint, picture_jpeg=stored.picture)
    message.item.ParseFromString(stored.message)
    places = {ordinal: place for place, ordinal in enumerate(stored.view_ordinals)}
    for ordinal in range(stored.view_ordinals[-1] + 1):
        # Where a near-identical view was left out stands the first again, to be left out again: ordinals stay.
        place = places.get(ordinal, 0)
        view = message.views.add(category=stored.view_categories[place])
        view.embedding.values.extend(stored.vectors[place].tolist())
    return message
