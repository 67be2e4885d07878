"""The three stages behind the gateway, in one server, with answers and faults by a test's choice."""

import math
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc

from clothing_retrieval.v1 import (
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    embed_service_pb2,
    embed_service_pb2_grpc,
    retrieval_service_pb2_grpc,
    search_service_pb2,
    search_service_pb2_grpc,
    segment_service_pb2,
    segment_service_pb2_grpc,
    types_pb2,
)
from gateway.settings import Settings
from gateway.worker import GatewayWorker
from search_service.requests import MAX_PROBES
from serving.errors import InvalidField, NotFound
from serving.interceptor import anyone
from tests.servers import AT_ONCE, channel_to, serving

Behaviour = Callable[[Any], Awaitable[Any]]
SIZE = 8


def direction(index: int) -> list[float]:
    """The vector of the picture that comes ``index``-th in a call."""
    return [math.cos(index / 100), math.sin(index / 100)]


def index_of(values: Sequence[float]) -> int:
    """Which picture of its call a vector is of."""
    return round(100 * math.atan2(values[1], values[0]))


class FakeStages:
    """Finds one top in every photo. ``on[method]`` is awaited with each request before the usual answer."""

    name = "stages"
    services: tuple[str, ...] = tuple(
        f"clothing_retrieval.v1.{name}"
        for name in ("SegmentService", "EmbedService", "SearchService", "CatalogService")
    )
    admit = staticmethod(anyone)

    def __init__(self) -> None:
        self.on: dict[str, Behaviour] = {}
        self.calls: Counter[str] = Counter()
        self.requests: list[tuple[str, Any]] = []
        self.garments = [("top", 0.5)]
        self.matches: list[list[tuple[str, float]]] = []
        self.confusion: dict[str, dict[str, float]] = {}
        self.collections: dict[str, dict[str, search_service_pb2.IndexedItem]] = {}
        self.digest = "e" * 64
        self.parser_digest = "s" * 64

    def register(self, server: grpc.aio.Server) -> None:
        stages = self

        def answers(name: str) -> Any:
            async def method(self: Any, request: Any, context: Any) -> Any:
                stages.calls[name] += 1
                stages.requests.append((name, request))
                if name in stages.on and (answer := await stages.on[name](request)) is not None:
                    return answer
                return getattr(stages, f"_{name}")(request)

            return method

        for add, base, names in (
            (segment_service_pb2_grpc.add_SegmentServiceServicer_to_server,
             segment_service_pb2_grpc.SegmentServiceServicer, ("Segment", "GetSegmentModel")),
            (embed_service_pb2_grpc.add_EmbedServiceServicer_to_server,
             embed_service_pb2_grpc.EmbedServiceServicer, ("Embed", "GetEmbedModel")),
            (search_service_pb2_grpc.add_SearchServiceServicer_to_server,
             search_service_pb2_grpc.SearchServiceServicer,
             ("Query", "GetFingerprints", "CreateCollection", "UpsertItems")),
            (catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server,
             catalog_service_pb2_grpc.CatalogServiceServicer,
             ("ListCollections", "GetItem", "ListItems", "DeleteItems", "DeleteCollection", "SetAlias", "GetPicture")),
        ):  # fmt: skip
            add(type("Servicer", (base,), {name: answers(name) for name in names})(), server)  # type: ignore[operator]

    async def start(self) -> None: ...

    async def check(self) -> str | None:
        return None

    def needs_restart(self) -> bool:
        return False

    async def stop(self) -> None: ...

    def last(self, name: str) -> Any:
        return [request for method, request in self.requests if method == name][-1]

    def _Segment(self, request: Any) -> Any:
        pixels = types_pb2.Pixels(width=SIZE, height=SIZE, rgb=bytes(SIZE * SIZE * 3))
        garments = [
            types_pb2.Garment(
                category=category,
                area=area,
                confidence=0.9,
                cutout=pixels if request.cutout_size else None,
                mask_png=b"mask" if request.include_masks else b"",
            )
            for category, area in self.garments
        ]
        return segment_service_pb2.SegmentResponse(
            garments=garments, image_width=300, image_height=400, model_digest=self.parser_digest
        )

    def _GetSegmentModel(self, request: Any) -> Any:
        model = types_pb2.Model(name="parser", version="1", digest=self.parser_digest, categories=["top", "pants"])
        for predicted, shares in self.confusion.items():
            for actual, share in shares.items():
                model.confusions.add(predicted=predicted, actual=actual, share=share)
        return segment_service_pb2.GetSegmentModelResponse(model=model)

    def _Embed(self, request: Any) -> Any:
        vectors = [types_pb2.Embedding(values=direction(index)) for index in range(len(request.images))]
        return embed_service_pb2.EmbedResponse(embeddings=vectors, model_digest=self.digest)

    def _GetEmbedModel(self, request: Any) -> Any:
        model = types_pb2.Model(name="embedder", version="1", digest=self.digest, dimension=2, input_size=SIZE)
        return embed_service_pb2.GetEmbedModelResponse(model=model)

    def _Query(self, request: Any) -> Any:
        if len(request.probes) > MAX_PROBES:
            raise InvalidField("probes", f"has {len(request.probes)}")
        answers = iter(self.matches)
        return search_service_pb2.QueryResponse(
            results=[
                search_service_pb2.ProbeMatches(
                    matches=[
                        types_pb2.Match(item=types_pb2.Item(id=name), distance=distance)
                        for name, distance in next(answers, [])
                    ]
                )
                for _ in request.probes
            ]
        )

    def _GetFingerprints(self, request: Any) -> Any:
        if request.collection not in self.collections:
            raise NotFound("collection", request.collection)
        items = self.collections[request.collection]
        found = {name: items[name].fingerprint for name in request.ids if name in items}
        return search_service_pb2.GetFingerprintsResponse(fingerprints=found)

    def _CreateCollection(self, request: Any) -> Any:
        self.collections.setdefault(request.name, {})
        return search_service_pb2.CreateCollectionResponse(created=True)

    def _UpsertItems(self, request: Any) -> Any:
        items = self.collections[request.collection]
        created = sum(indexed.item.id not in items for indexed in request.items)
        items.update({indexed.item.id: indexed for indexed in request.items})
        return search_service_pb2.UpsertItemsResponse(created=created, updated=len(request.items) - created)

    def _ListCollections(self, request: Any) -> Any:
        return catalog_service_pb2.ListCollectionsResponse(
            collections=[catalog_service_pb2.Collection(name=name) for name in self.collections]
        )

    def _GetItem(self, request: Any) -> Any:
        return catalog_service_pb2.GetItemResponse(item=types_pb2.Item(id=request.id))

    def _ListItems(self, request: Any) -> Any:
        return catalog_service_pb2.ListItemsResponse(next_page_token=f"after {request.page_token}")

    def _DeleteItems(self, request: Any) -> Any:
        return catalog_service_pb2.DeleteItemsResponse(deleted=len(request.ids))

    def _DeleteCollection(self, request: Any) -> Any:
        return catalog_service_pb2.DeleteCollectionResponse()

    def _SetAlias(self, request: Any) -> Any:
        return catalog_service_pb2.SetAliasResponse(previous_collection=request.alias)

    def _GetPicture(self, request: Any) -> Any:
        return catalog_service_pb2.GetPictureResponse(jpeg=b"jpeg")


class Gateway:
    """Stubs of a gateway in front of fake stages."""

    def __init__(self, stages: FakeStages, channel: grpc.aio.Channel) -> None:
        self.stages = stages
        self.channel = channel
        self.retrieval = retrieval_service_pb2_grpc.RetrievalServiceStub(channel)
        self.catalog = catalog_service_pb2_grpc.CatalogServiceStub(channel)


@asynccontextmanager
async def gateway(stages: FakeStages | None = None, **settings: Any) -> AsyncIterator[Gateway]:
    stages = stages or FakeStages()
    async with serving(stages) as address:
        targets = {f"{stage}_target": f"dns:///{address}" for stage in ("segment", "embed", "search")}
        worker = GatewayWorker(Settings(**{**AT_ONCE, **targets, **settings}))
        async with serving(worker) as front, channel_to(front) as channel:
            yield Gateway(stages, channel)
