"""The services behind the gateway, as it calls them: under a deadline, with errors that name the stage."""

import asyncio
import functools
from collections.abc import Sequence

from grpc_health.v1 import health_pb2_grpc

from clothing_retrieval.v1 import (
    catalog_service_pb2_grpc,
    embed_service_pb2,
    embed_service_pb2_grpc,
    search_service_pb2,
    search_service_pb2_grpc,
    segment_service_pb2,
    segment_service_pb2_grpc,
    types_pb2,
)
from gateway.answers import check_embedder, check_embeddings, check_garments, check_results
from gateway.calls import call
from gateway.index import Index
from gateway.settings import Settings
from serving.channels import connect
from serving.deadline import Deadline
from serving.errors import ModelChanged
from serving.tls import TlsFiles, channel_credentials

_MOST_IMAGES = 64
"""Of one call, by the embed service."""


class Stages:
    """Channels and stubs of the three services. Every method raises StageFailed, BadAnswer or DeadlineExceeded."""

    def __init__(self, settings: Settings) -> None:
        """Raises TlsError: the files for TLS cannot be used."""
        self._settings = settings
        self._tls = _tls_of(settings)
        self._retiring: set[asyncio.Task[None]] = set()
        self.index = Index(settings.search_patience_s)
        self._dimensions: dict[str, int] = {}  # of the embedding model that was seen last, by its digest
        self._connect()

    def _connect(self) -> None:
        self._pem = self._tls.current() if self._tls else None
        credentials = channel_credentials(self._pem) if self._pem else None
        connected = functools.partial(connect, credentials=credentials)
        settings = self._settings
        self._channels = [
            connected(settings.segment_target, "clothing_retrieval.v1.SegmentService"),
            connected(settings.embed_target, "clothing_retrieval.v1.EmbedService"),
            connected(
                settings.search_target,
                "clothing_retrieval.v1.SearchService",
                "clothing_retrieval.v1.CatalogService",
                once=("DeleteCollection", "SetAlias", "DeleteItems"),
            ),
        ]
        segment, embed, search = self._channels
        self._segment = segment_service_pb2_grpc.SegmentServiceStub(segment)
        self._embed = embed_service_pb2_grpc.EmbedServiceStub(embed)
        self._search_health = health_pb2_grpc.HealthStub(search)
        self.search = search_service_pb2_grpc.SearchServiceStub(search)
        self.catalog = catalog_service_pb2_grpc.CatalogServiceStub(search)

    def refresh(self) -> None:
        """Connects anew where the files for TLS have changed. Calls in flight keep their connection."""
        if not self._tls or self._tls.current() is self._pem:
            return
        longest_s = max(self._settings.timeout_s, self._settings.import_item_timeout_s)
        for channel in self._channels:
            retiring = asyncio.create_task(channel.close(longest_s))
            self._retiring.add(retiring)
            retiring.add_done_callback(self._retiring.discard)
        self._connect()

    async def segment(
        self, request: segment_service_pb2.SegmentRequest, deadline: Deadline, field: str = "image"
    ) -> segment_service_pb2.SegmentResponse:
        """``field`` is what the caller calls the photo."""
        answer = await call("segment", self._segment.Segment, request, deadline, renamed=("image", field))
        check_garments(answer, request)
        return answer

    async def embed(
        self,
        pictures: Sequence[types_pb2.Image | types_pb2.Pixels],
        deadline: Deadline,
        field: str = "images[0]",
        *,
        background: bool = False,
    ) -> embed_service_pb2.EmbedResponse:
        """One call, unless there are more pictures than one may bring. ``field`` is what the caller calls the first.

        Raises ModelChanged, too: between two calls.
        """
        answer = embed_service_pb2.EmbedResponse()
        for start in range(0, len(pictures), _MOST_IMAGES):
            request = embed_service_pb2.EmbedRequest(background=background)
            for picture in pictures[start : start + _MOST_IMAGES]:
                if isinstance(picture, types_pb2.Pixels):
                    request.images.add().pixels.CopyFrom(picture)
                else:
                    request.images.add().CopyFrom(picture)
            part = await call("embed", self._embed.Embed, request, deadline, renamed=("images[0]", field))
            check_embeddings(part, len(request.images), self._dimensions.get(part.model_digest))
            if answer.model_digest not in ("", part.model_digest):
                raise ModelChanged("embed")
            answer.MergeFrom(part)
        return answer

    async def query(
        self, request: search_service_pb2.QueryRequest, deadline: Deadline, held_bytes: int = 0
    ) -> search_service_pb2.QueryResponse:
        """``held_bytes``: as ``Index.ask`` has it."""
        answer = await self.index.ask(lambda: self.search.Query, request, deadline, held_bytes)
        check_results(answer, len(request.probes))
        return answer

    async def segment_model(self, deadline: Deadline) -> types_pb2.Model:
        request = segment_service_pb2.GetSegmentModelRequest()
        return (await call("segment", self._segment.GetSegmentModel, request, deadline)).model

    async def embed_model(self, deadline: Deadline) -> types_pb2.Model:
        request = embed_service_pb2.GetEmbedModelRequest()
        model = (await call("embed", self._embed.GetEmbedModel, request, deadline)).model
        check_embedder(model)
        self._dimensions = {model.digest: model.dimension}
        return model

    async def index_trouble(self, deadline: Deadline) -> str | None:
        """Why a query would fail now; None when it would succeed."""
        return await self.index.trouble(self._search_health, deadline)

    async def close(self) -> None:
        for retiring in self._retiring:
            retiring.cancel()
        for channel in self._channels:
            await channel.close()


def _tls_of(settings: Settings) -> TlsFiles | None:
    certificate, key, authorities = settings.workers_certificate, settings.workers_key, settings.workers_ca
    return TlsFiles(certificate, key, authorities) if certificate or key or authorities else None
