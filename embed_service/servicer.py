"""EmbedService: RPC in, RPC out."""

from typing import Any

import grpc

from clothing_retrieval.v1 import embed_service_pb2, embed_service_pb2_grpc, types_pb2
from embed_service.embedder import Embedder
from serving.deadline import Deadline
from serving.errors import InvalidField

Context = grpc.aio.ServicerContext[Any, Any]

_MOST_IMAGES = 64


class EmbedServicer(embed_service_pb2_grpc.EmbedServiceServicer):
    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def Embed(self, request: embed_service_pb2.EmbedRequest, context: Context) -> embed_service_pb2.EmbedResponse:
        if not 1 <= len(request.images) <= _MOST_IMAGES:
            raise InvalidField("images", f"has {len(request.images)} pictures, 1 to {_MOST_IMAGES} are allowed")
        vectors = await self._embedder.embed(request.images, Deadline.of(context), background=request.background)
        return embed_service_pb2.EmbedResponse(
            embeddings=[types_pb2.Embedding(values=vector.tolist()) for vector in vectors],
            model_digest=self._embedder.runner.digest,
        )

    async def GetEmbedModel(
        self, request: embed_service_pb2.GetEmbedModelRequest, context: Context
    ) -> embed_service_pb2.GetEmbedModelResponse:
        return embed_service_pb2.GetEmbedModelResponse(model=self._embedder.runner.describe())
