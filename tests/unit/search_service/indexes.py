"""Small indexes, and records to put into them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from clothing_retrieval.v1 import types_pb2
from search_service.backend import Backend
from search_service.fields import Fields
from search_service.filters import Filter
from search_service.folder import Folder
from search_service.gardener import Plan
from search_service.graph import GraphParameters
from search_service.index import Index, Limits
from search_service.milvus.backend import MilvusBackend
from search_service.milvus.settings import MilvusSettings
from search_service.names import Collection
from search_service.records import Match, Matrix, Probe, Query, Record

DIGEST = "d" * 64
DIMENSION = 8
WRITE_QUEUE = 64
PARAMETERS = GraphParameters(m=8, ef_construction=64, ef=64)


def plan(exact_below: int = 10_000, tail: int = 1, dead_share: float = 0.2, unsaved_share: float = 1_000) -> Plan:
    return Plan(
        exact_below,
        tail,
        dead_share,
        PARAMETERS,
        threads=1,
        least_dead=8,
        unsaved_share=unsaved_share,
        save_patience_s=0,
    )


@contextmanager
def opened(path: Path, tending: Plan | None = None) -> Iterator[Index]:
    with Folder(path) as folder:
        index = Index(folder, path / "backups", tending or plan(), Limits(readers=2, write_queue=WRITE_QUEUE, group=16))
        try:
            yield index
        finally:
            index.close()


@contextmanager
def opened_milvus(path: Path) -> Iterator[MilvusBackend]:
    settings = MilvusSettings(uri=str(path / "milvus.db"))
    backend = MilvusBackend(settings, path / "pictures", PARAMETERS, WRITE_QUEUE)
    try:
        yield backend
    finally:
        backend.close()


def made(index: Backend, name: str = "shop", dimension: int = DIMENSION) -> Collection:
    index.create_collection(name, DIGEST, dimension).result()
    return index.collection(name)


def unit(seed: int, rows: int = 1, dimension: int = DIMENSION) -> Matrix:
    """(rows, dimension), the same for the same seed."""
    vectors = np.random.default_rng(seed).standard_normal((rows, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def record(
    item_id: str, vectors: Matrix, categories: Sequence[str] = (), fingerprint: str = "", **fields: Any
) -> Record:
    """``categories``: of the views; "top" where none is given. ``fields``: of the item."""
    picture = fields.pop("picture", b"")
    item = types_pb2.Item(id=item_id, **fields)
    return Record(
        id=item_id,
        fields=Fields(
            category=item.category,
            gender=item.gender,
            currency=item.currency,
            price=fields.get("price"),
            sale_price=fields.get("sale_price"),
            in_stock=fields.get("in_stock"),
        ),
        attributes=dict(item.attributes),
        message=item.SerializeToString(),
        fingerprint=fingerprint,
        picture=picture,
        view_categories=tuple(categories) or ("top",) * len(vectors),
        view_ordinals=range(len(vectors)),
        vectors=vectors,
    )


def search(index: Backend, collection: Collection, vector: Matrix, k: int = 5, **rest: Any) -> list[Match]:
    """``vector``: (1, dimension)."""
    probe = Probe(vector, "", rest.pop("categories", ()))
    return ask(index, collection, probe, k, **rest)


def ask(index: Backend, collection: Collection, probe: Probe, k: int = 5, **rest: Any) -> list[Match]:
    query = Query([probe], k, rest.get("filter", Filter()), rest.get("max_distance"), rest.get("exact", False))
    return index.query(collection, query)[0]


def ids(matches: Sequence[Match]) -> list[str]:
    return [match.id for match in matches]
