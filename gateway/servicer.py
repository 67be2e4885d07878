"""RetrievalService: RPC in, RPC out."""

from collections.abc import AsyncIterator
from typing import Any

import grpc

from clothing_retrieval.v1 import (
    catalog_service_pb2,
    retrieval_service_pb2,
    retrieval_service_pb2_grpc,
    search_service_pb2,
)
from gateway.imports import ItemImporter, answer_each
from gateway.pipeline import Pipeline
from gateway.search import PhotoSearch, bound_distance, checked_top_k
from gateway.settings import Settings
from gateway.stages import Stages
from serving import tracing
from serving.admission import Admission
from serving.deadline import Deadline

Context = grpc.aio.ServicerContext[Any, Any]


class RetrievalServicer(retrieval_service_pb2_grpc.RetrievalServiceServicer):
    def __init__(self, settings: Settings, stages: Stages, pipeline: Pipeline) -> None:
        self._settings = settings
        self._stages = stages
        self._pipeline = pipeline
        self._search = PhotoSearch(settings, stages, pipeline)
        self._importer = ItemImporter(stages, pipeline)
        self._imports = Admission("import", settings.import_streams, mend="raise GATEWAY_IMPORT_STREAMS")

    async def Search(
        self, request: retrieval_service_pb2.SearchRequest, context: Context
    ) -> retrieval_service_pb2.SearchResponse:
        return await self._search.search(request, self._deadline(context))

    async def SearchByItem(
        self, request: retrieval_service_pb2.SearchByItemRequest, context: Context
    ) -> retrieval_service_pb2.SearchByItemResponse:
        query = search_service_pb2.QueryRequest(
            collection=request.collection,
            probes=[search_service_pb2.Probe(item_id=request.id)],
            top_k=checked_top_k(request.top_k),
            filter=request.filter,
        )
        bound_distance(query, request, self._settings.max_distance)
        response = await self._stages.query(query, self._deadline(context))
        return retrieval_service_pb2.SearchByItemResponse(matches=response.results[0].matches)

    async def ImportItems(
        self, request_iterator: AsyncIterator[retrieval_service_pb2.ImportItemsRequest], context: Context
    ) -> AsyncIterator[retrieval_service_pb2.ImportItemsResponse]:
        async def import_item(
            request: retrieval_service_pb2.ImportItemsRequest,
        ) -> retrieval_service_pb2.ImportItemsResponse:
            deadline = Deadline.of(context, self._settings.import_item_timeout_s)
            with tracing.trace("import item", item_id=request.item.id):
                return await self._importer.import_item(request, deadline)

        settings = self._settings
        with self._imports.enter():
            async for response in answer_each(
                request_iterator, import_item, settings.import_in_flight, settings.import_silence_s
            ):
                yield response

    async def GetPipeline(
        self, request: retrieval_service_pb2.GetPipelineRequest, context: Context
    ) -> retrieval_service_pb2.GetPipelineResponse:
        deadline = self._deadline(context)
        await self._pipeline.refresh(deadline)
        segment_model, embed_model = await self._pipeline.models(deadline)
        listed = await self._stages.index.ask(
            lambda: self._stages.catalog.ListCollections, catalog_service_pb2.ListCollectionsRequest(), deadline
        )
        return retrieval_service_pb2.GetPipelineResponse(
            segment_model=segment_model, embed_model=embed_model, collections=listed.collections
        )

    def _deadline(self, context: Context) -> Deadline:
        return Deadline.of(context, self._settings.timeout_s)
