"""What four processes and gRPC cost by themselves: the services' own functions behind bare ``grpc.aio`` servers.

They pass on the same pictures and vectors by the same calls, and do nothing else: no queue, no batch, no admission, no
deadline, no retry, no cache, no metric, no check of what a stranger sends.
"""

import asyncio
import functools
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import grpc
import numpy as np
from google.protobuf.message import Message

import embed_service.settings
import gateway.settings
import segment_service.settings
from benchmarks.in_process import TOP_K, Floats, InProcessEmbedder, InProcessParser, Run, default_scopes, opened, run
from benchmarks.services import free_ports
from clothing_retrieval.v1.embed_service_pb2 import EmbedRequest, EmbedResponse
from clothing_retrieval.v1.embed_service_pb2_grpc import EmbedServiceStub
from clothing_retrieval.v1.retrieval_service_pb2 import GarmentMatches, SearchRequest, SearchResponse
from clothing_retrieval.v1.search_service_pb2 import Probe, QueryRequest, QueryResponse
from clothing_retrieval.v1.search_service_pb2_grpc import SearchServiceStub
from clothing_retrieval.v1.segment_service_pb2 import SegmentRequest, SegmentResponse
from clothing_retrieval.v1.segment_service_pb2_grpc import SegmentServiceStub
from clothing_retrieval.v1.types_pb2 import Embedding, Garment, Image
from gateway.matching import merge
from search_service import requests
from search_service.folder import Folder
from serving.channels import MAX_MESSAGE_BYTES
from serving.cpus import available_cpus
from serving.images import fit_square
from serving.memory import set_aside_what_stays
from serving.models import DEFAULT_FOLDER, Manifest, newest_version, read_manifest
from serving.settings import WorkerSettings

T = TypeVar("T")

_OPTIONS = [("grpc.max_send_message_length", MAX_MESSAGE_BYTES), ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)]
_SERVICES = ("segment", "embed", "search", "gateway")
"""In the order of their ports."""
_READY_S = 60.0


class Threads:
    """One for each CPU."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(available_cpus())
        self.busy = 0

    async def run(self, work: Callable[[], T]) -> T:
        self.busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self.busy -= 1


class Segment:
    def __init__(self) -> None:
        self._parser = InProcessParser()
        self._threads = Threads()

    async def segment(self, request: SegmentRequest, context: Any) -> SegmentResponse:
        engines = self._parser.engines
        parse = engines.run if self._threads.busy else engines.run_alone

        def work() -> SegmentResponse:
            pixels, garments = self._parser.find(request.image.encoded, parse)
            response = SegmentResponse()
            for garment in garments:
                cutout = garment.trimmed(garment.cutout(pixels, request.cutout_size, self._parser.rules))
                message = response.garments.add(category=garment.category)
                message.cutout.height, message.cutout.width = cutout.shape[:2]
                message.cutout.rgb = cutout.tobytes()
            return response

        return await self._threads.run(work)


class Embed:
    def __init__(self) -> None:
        self._embedder = InProcessEmbedder()
        self._threads = Threads()

    async def embed(self, request: EmbedRequest, context: Any) -> EmbedResponse:
        engines = self._embedder.engines
        run = engines.run if self._threads.busy or len(request.images) > 1 else engines.run_alone
        embedding = (self._threads.run(functools.partial(self._embed, image, run)) for image in request.images)
        vectors = await asyncio.gather(*embedding)
        return EmbedResponse(embeddings=[Embedding(values=vector.tolist()) for vector in vectors])

    def _embed(self, image: Image, run: Run) -> Floats:
        if image.HasField("encoded"):
            return self._embedder.embed(image.encoded, run)
        pixels = np.frombuffer(image.pixels.rgb, np.uint8).reshape(image.pixels.height, image.pixels.width, 3)
        return run(fit_square(pixels, self._embedder.side))


class Search:
    def __init__(self, folder: Path) -> None:
        self._index = opened(Folder(folder))
        self._threads = Threads()

    async def query(self, request: QueryRequest, context: Any) -> QueryResponse:
        def work() -> QueryResponse:
            collection = self._index.collection(request.collection)
            request.model_digest = collection.model_digest
            response = QueryResponse()
            for matches in self._index.query(collection, requests.query(request, collection)):
                result = response.results.add()
                for match in matches:
                    answer = result.matches.add(distance=match.distance, view=match.view)
                    answer.item.ParseFromString(match.message)
            return response

        return await self._threads.run(work)


class Gateway:
    def __init__(self, first_port: int) -> None:
        segment, embed, search = (
            grpc.aio.insecure_channel(_address(name, first_port), _OPTIONS) for name in ("segment", "embed", "search")
        )
        self._segment = SegmentServiceStub(segment)
        self._embed = EmbedServiceStub(embed)
        self._search = SearchServiceStub(search)
        self._settings = gateway.settings.Settings()
        parser, embedder = segment_service.settings.Settings(), embed_service.settings.Settings()
        self._confusion = _manifest(parser, parser.model).confusion
        self._side = _manifest(embedder, embedder.model).input.height

    async def search(self, request: SearchRequest, context: Any) -> SearchResponse:
        wanted = SegmentRequest(cutout_size=self._side, trim_cutouts=True)
        wanted.image.CopyFrom(request.image)
        garments = (await self._segment.Segment(wanted)).garments
        pictures = EmbedRequest()
        for garment in garments:
            pictures.images.add().pixels.CopyFrom(garment.cutout)
        if not garments:
            pictures.images.add().CopyFrom(request.image)
        embedded = await self._embed.Embed(pictures)
        categories = [garment.category for garment in garments] or [""]
        scopes = [default_scopes(category, self._settings, self._confusion) for category in categories]
        probes = [
            Probe(embedding=embedding, categories=scope.categories)
            for own, embedding in zip(scopes, embedded.embeddings, strict=True)
            for scope in own
        ]
        found = await self._search.Query(QueryRequest(collection=request.collection, top_k=TOP_K, probes=probes))
        results = iter(found.results)
        return SearchResponse(
            results=[
                GarmentMatches(
                    garment=Garment(category=category),
                    matches=merge([(scope, next(results).matches) for scope in own], TOP_K),
                )
                for category, own in zip(categories, scopes, strict=True)
            ]
        )


@asynccontextmanager
async def running_bare(services: Sequence[str] = _SERVICES, index_folder: Path = Path()) -> AsyncIterator[str]:
    """They are ready; the address of the last. ``index_folder`` is one that no search service has open."""
    first_port = free_ports(len(_SERVICES))
    command = [sys.executable, "-m", "benchmarks.bare", str(first_port), str(index_folder)]
    processes = [await asyncio.create_subprocess_exec(*command, name) for name in services]
    try:
        async with asyncio.timeout(_READY_S):
            for name in services:
                async with grpc.aio.insecure_channel(_address(name, first_port)) as channel:
                    await channel.channel_ready()
        yield _address(services[-1], first_port)
    finally:
        for process in processes:
            process.kill()
            await process.wait()


async def main() -> None:
    first_port, index_folder, name = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    handlers = {
        "segment": lambda: _handler("SegmentService", "Segment", Segment().segment, SegmentRequest),
        "embed": lambda: _handler("EmbedService", "Embed", Embed().embed, EmbedRequest),
        "search": lambda: _handler("SearchService", "Query", Search(index_folder).query, QueryRequest),
        "gateway": lambda: _handler("RetrievalService", "Search", Gateway(first_port).search, SearchRequest),
    }
    server = grpc.aio.server(options=_OPTIONS)
    server.add_generic_rpc_handlers((handlers[name](),))
    server.add_insecure_port(_address(name, first_port))
    set_aside_what_stays()
    await server.start()
    await server.wait_for_termination()


def _handler(service: str, method: str, behaviour: Any, request: Any) -> grpc.GenericRpcHandler:
    unary = grpc.unary_unary_rpc_method_handler(behaviour, request.FromString, _serialized)
    return grpc.method_handlers_generic_handler(f"clothing_retrieval.v1.{service}", {method: unary})


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


def _address(service: str, first_port: int) -> str:
    return f"127.0.0.1:{first_port + _SERVICES.index(service)}"


def _manifest(settings: WorkerSettings, model: str) -> Manifest:
    folder = Path(settings.models_dir) if settings.models_dir else DEFAULT_FOLDER
    return read_manifest(newest_version(folder / model) / "model.json")


if __name__ == "__main__":
    run(main)
