"""A search service over real calls, with either backend; requests to it, and what its errors say."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.message import Message

from clothing_retrieval.v1 import search_service_pb2 as search_pb
from clothing_retrieval.v1.catalog_service_pb2_grpc import CatalogServiceStub
from clothing_retrieval.v1.search_service_pb2_grpc import SearchServiceStub
from clothing_retrieval.v1.types_pb2 import Condition, Embedding, Filter, Item, Values
from search_service.index import Index
from search_service.milvus.backend import MilvusBackend
from search_service.milvus.settings import MilvusSettings
from search_service.settings import Settings
from search_service.worker import SearchWorker
from tests.servers import AT_ONCE, channel_to, details, serving

DIGEST = "a" * 64
DIMENSION = 8


@dataclass
class Service:
    channel: grpc.aio.Channel
    search: Any
    catalog: Any


BACKENDS = {"local": Index, "milvus": MilvusBackend}


@asynccontextmanager
async def started(path: Path, **knobs: Any) -> AsyncIterator[Service]:
    settings = Settings(**{**AT_ONCE, "data_dir": path / "data", "backup_dir": path / "backups", **knobs})
    milvus = MilvusSettings(uri=str(path / "milvus.db"))
    async with serving(SearchWorker(settings, milvus), settings) as address, channel_to(address) as channel:
        service = Service(channel, SearchServiceStub(channel), CatalogServiceStub(channel))
        shop = search_pb.CreateCollectionRequest(name="shop", model_digest=DIGEST, dimension=DIMENSION)
        await service.search.CreateCollection(shop)
        yield service


def unit(seed: int) -> list[float]:
    vector = np.random.default_rng(seed).standard_normal(DIMENSION)
    return list(vector / np.linalg.norm(vector))


def indexed(item_id: str, *seeds: int, category: str = "top", picture: bytes = b"", **fields: Any) -> Any:
    return search_pb.IndexedItem(
        item=Item(id=item_id, category=category, **fields),
        views=[search_pb.View(category=category, embedding=Embedding(values=unit(seed))) for seed in seeds or (1,)],
        fingerprint=f"print of {item_id}",
        picture_jpeg=picture,
    )


def upserting(*items: Any, collection: str = "shop", digest: str = DIGEST) -> search_pb.UpsertItemsRequest:
    return search_pb.UpsertItemsRequest(collection=collection, model_digest=digest, items=items)


def near(seed: int, **rest: Any) -> search_pb.QueryRequest:
    """``categories``: of the probe."""
    probe = search_pb.Probe(embedding=Embedding(values=unit(seed)), categories=rest.pop("categories", ()))
    return search_pb.QueryRequest(**{"collection": "shop", "model_digest": DIGEST, "probes": [probe], **rest})


def any_of(field: str, *values: str) -> Filter:
    return Filter(all_of=[Condition(field=field, any_of=Values(values=values))])


def ids(response: Any, probe: int = 0) -> list[str]:
    return [match.item.id for match in response.results[probe].matches]


def distances(response: Any, probe: int = 0) -> list[float]:
    return [match.distance for match in response.results[probe].matches]


async def refused(call: Awaitable[Any], code: grpc.StatusCode, reason: str) -> tuple[str, dict[str, Message]]:
    """What the error says, and its details."""
    with pytest.raises(grpc.aio.AioRpcError) as seen:
        await call
    assert seen.value.code() is code, seen.value.details()
    found: dict[str, Any] = details(seen.value)
    assert (found["ErrorInfo"].domain, found["ErrorInfo"].reason) == ("clothing-retrieval", reason)
    return seen.value.details() or "", found


async def invalid(call: Awaitable[Any]) -> str:
    """The field that was found invalid."""
    _, found = await refused(call, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    bad: Any = found["BadRequest"]
    return str(bad.field_violations[0].field)


async def missing(call: Awaitable[Any], kind: str) -> str:
    """The name of the thing that was not found."""
    _, found = await refused(call, grpc.StatusCode.NOT_FOUND, f"{kind.upper()}_NOT_FOUND")
    resource: Any = found["ResourceInfo"]
    assert resource.resource_type == kind
    return str(resource.resource_name)
