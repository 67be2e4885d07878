"""Any history of calls to the search service, held against dictionaries and exact search."""

import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from clothing_retrieval.v1 import catalog_service_pb2 as catalog_pb
from clothing_retrieval.v1 import search_service_pb2 as search_pb
from clothing_retrieval.v1.catalog_service_pb2_grpc import CatalogServiceStub
from clothing_retrieval.v1.search_service_pb2_grpc import SearchServiceStub
from clothing_retrieval.v1.types_pb2 import Condition, Embedding, Filter, Item, Range, Values
from search_service.milvus.settings import MilvusSettings
from search_service.records import Matrix
from search_service.settings import Settings
from search_service.vectors import unit_vectors
from search_service.worker import SearchWorker
from tests.servers import AT_ONCE, channel_to, serving

DIMENSION = 4

# For each probe the items and their distances.
Answers = list[list[tuple[str, float]]]


def points(count: int) -> Matrix:
    """Unit vectors that stay as they are to the last bit when the service scales them to unit length."""
    drawn = np.random.default_rng(3).standard_normal((4 * count, DIMENSION)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    steady = drawn[(unit_vectors(drawn.tolist(), DIMENSION, str) == drawn).all(axis=1)]
    assert len(steady) >= count
    return steady[:count]


POINTS = points(440)
DIGESTS = ("a" * 64, "b" * 64)
NAMES = ("default", "spring")
ALIASES = ("live", "next")
CATEGORIES = ("", "top", "bag")
IDS = tuple(f"item {number:02}" for number in range(30))


def any_of(name: str, *values: str) -> Condition:
    return Condition(field=name, any_of=Values(values=values))


FILTERS: Sequence[tuple[Sequence[Condition], Callable[[Item], bool]]] = (
    ((), lambda item: True),
    ((any_of("category", "top", "bag"),), lambda item: item.category in ("top", "bag")),
    ((Condition(field="price", range=Range(min=10, max=20)),), lambda item: 10 <= item.price <= 20),
    (
        (Condition(field="effective_price", range=Range(max=10)),),
        lambda item: (item.sale_price if item.HasField("sale_price") else item.price) <= 10,
    ),
    ((any_of("in_stock", "true"), any_of("gender", "female")), lambda item: item.in_stock and item.gender == "female"),
    ((any_of("attributes.color", "red"),), lambda item: item.attributes.get("color") == "red"),
    ((any_of("attributes.color", "none"),), lambda item: False),
)

names = st.sampled_from(("", "", "", "default", "spring", *ALIASES))
indexed_items = st.builds(
    lambda item_id, category, price, sale, stock, gender, color, views, fingerprint: search_pb.IndexedItem(
        item=Item(
            id=item_id,
            category=category,
            price=price,
            sale_price=sale,
            in_stock=stock,
            gender=gender,
            attributes={"color": color},
        ),
        views=[search_pb.View(category=kind, embedding=Embedding(values=POINTS[point])) for kind, point in views],
        fingerprint=fingerprint,
        picture_jpeg=fingerprint.encode(),
    ),
    st.sampled_from(IDS),
    st.sampled_from(CATEGORIES),
    st.sampled_from((5.0, 15.0, 25.0)),
    st.sampled_from((None, 10.0)),
    st.booleans(),
    st.sampled_from(("", "female")),
    st.sampled_from(("red", "blue")),
    st.lists(st.tuples(st.sampled_from(CATEGORIES), st.integers(0, 39)), min_size=1, max_size=4),
    st.text("xyz", max_size=3),
)
batches = st.lists(indexed_items, min_size=1, max_size=12, unique_by=lambda indexed: indexed.item.id)
probes = st.builds(
    lambda at, categories: search_pb.Probe(categories=categories, **at),
    st.one_of(
        st.integers(0, 39).map(lambda point: {"embedding": Embedding(values=POINTS[point])}),
        st.sampled_from(IDS).map(lambda item_id: {"item_id": item_id}),
    ),
    st.lists(st.sampled_from(CATEGORIES), max_size=2),
)


def assert_close(found: Answers, wanted: Answers, rounding: float) -> None:
    """But for rounding, which may exchange items that are as far."""
    for mine, theirs in zip(found, wanted, strict=True):
        distances = [distance for _, distance in theirs]
        assert [distance for _, distance in mine] == pytest.approx(distances, abs=rounding)
        last = max(distances, default=0) - rounding
        assert {item for item, distance in mine if distance < last} <= {item for item, _ in theirs}
        assert {item for item, distance in theirs if distance < last} <= {item for item, _ in mine}


def crowd(number: int) -> Any:
    """One of many plain items."""
    view = search_pb.View(category="top", embedding=Embedding(values=POINTS[40 + number]))
    return search_pb.IndexedItem(item=Item(id=f"one of many {number:03}", category="top", price=15), views=[view])


@dataclass
class Shop:
    digest: str
    items: dict[str, Any] = field(default_factory=dict)

    def views(self, item_id: str) -> list[tuple[int, str, Any]]:
        """Ordinal, category and vector of those that are stored: none twice."""
        found: dict[tuple[str, bytes], tuple[int, str, Any]] = {}
        for ordinal, view in enumerate(self.items[item_id].views):
            vector = np.array(view.embedding.values, np.float32)
            found.setdefault((view.category, vector.tobytes()), (ordinal, view.category, vector))
        return list(found.values())

    def nearest(
        self, probes: Sequence[Any], request: Any, keeps: Callable[[Item], bool]
    ) -> list[list[tuple[str, float]]]:
        """For each probe its items and their distances, by comparing all."""
        stored = [
            (item_id, category, vector)
            for item_id, indexed in self.items.items()
            if keeps(indexed.item)
            for _, category, vector in self.views(item_id)
        ]
        owners, categories, vectors = zip(*stored, strict=True) if stored else ((), (), ())
        matrix = np.array(vectors, np.float64).reshape(-1, DIMENSION)
        bound = request.max_distance if request.HasField("max_distance") else 2.0
        answers = []
        for probe in probes:
            own = probe.item_id or None
            centres = [view[2] for view in self.views(own)] if own else [np.array(probe.embedding.values, np.float32)]
            squares = np.min([np.square(matrix - centre).sum(axis=1) for centre in centres], axis=0)
            best: dict[str, float] = {}
            for owner, category, distance in zip(owners, categories, np.sqrt(squares).astype(np.float32), strict=True):
                if owner != own and (not probe.categories or category in probe.categories):
                    best[owner] = min(best.get(owner, np.inf), float(distance))
            ranked = sorted((distance, owner) for owner, distance in best.items() if distance <= bound)
            answers.append([(owner, distance) for distance, owner in ranked[: request.top_k]])
        return answers


class History(RuleBasedStateMachine):
    backend = "local"

    def __init__(self) -> None:
        super().__init__()
        self.shops: dict[str, Shop] = {}
        self.aliases: dict[str, str] = {}
        self.steps = 0
        self.loop = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.stack = contextlib.AsyncExitStack()
        self.start()

    def start(self) -> None:
        async def begin() -> None:
            # Shelves so small that graphs are planted, extended and swept.
            folder = Path(self.folder.name)
            settings_ = Settings(
                **AT_ONCE,
                backend=self.backend,
                data_dir=folder,
                exact_below=6,
                tail=3,
                dead_share=0.1,
                write_queue=64,
            )
            worker = SearchWorker(settings_, MilvusSettings(uri=str(folder / "milvus.db")))
            address = await self.stack.enter_async_context(serving(worker, settings_))
            channel = await self.stack.enter_async_context(channel_to(address))
            self.search: Any = SearchServiceStub(channel)
            self.catalog: Any = CatalogServiceStub(channel)

        self.loop.run(begin())

    def teardown(self) -> None:
        self.loop.run(self.stack.aclose())
        self.loop.close()
        self.folder.cleanup()

    def call(self, method: Any, request: Any) -> Any:
        async def wait() -> Any:
            return await method(request, timeout=20)

        return self.loop.run(wait())

    def refused(self, method: Any, request: Any) -> str:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            self.call(method, request)
        return str(error.value.code().name)

    def find(self, name: str) -> Shop | None:
        name = name or "default"
        return self.shops.get(self.aliases.get(name, name))

    @initialize(items=st.lists(indexed_items, min_size=20, max_size=30, unique_by=lambda indexed: indexed.item.id))
    def fill(self, items: list[Any]) -> None:
        self.create("default", DIGESTS[0])
        self.upsert("", items)
        self.upsert("", [crowd(number) for number in range(400)])  # a graph is walked from 256 vectors on

    @rule(name=st.sampled_from(NAMES), digest=st.sampled_from(DIGESTS))
    def create(self, name: str, digest: str) -> None:
        request = search_pb.CreateCollectionRequest(name=name, model_digest=digest, dimension=DIMENSION)
        if name in self.shops and self.shops[name].digest != digest:
            assert self.refused(self.search.CreateCollection, request) == "FAILED_PRECONDITION"
            return
        assert self.call(self.search.CreateCollection, request).created == (name not in self.shops)
        self.shops.setdefault(name, Shop(digest))

    @rule(name=st.sampled_from(("spring", *ALIASES)))  # the default one stays, and grows
    def delete_collection(self, name: str) -> None:
        request = catalog_pb.DeleteCollectionRequest(name=name)
        if name in self.aliases:
            assert self.refused(self.catalog.DeleteCollection, request) == "INVALID_ARGUMENT"
        elif name not in self.shops:
            assert self.refused(self.catalog.DeleteCollection, request) == "NOT_FOUND"
        else:
            self.call(self.catalog.DeleteCollection, request)
            del self.shops[name]
            self.aliases = {alias: target for alias, target in self.aliases.items() if target != name}

    @rule(alias=st.sampled_from(ALIASES), collection=names)
    def set_alias(self, alias: str, collection: str) -> None:
        request = catalog_pb.SetAliasRequest(alias=alias, collection=collection)
        if collection and self.find(collection) is None:
            assert self.refused(self.catalog.SetAlias, request) == "NOT_FOUND"
            return
        assert self.call(self.catalog.SetAlias, request).previous_collection == self.aliases.get(alias, "")
        if collection:
            self.aliases[alias] = self.aliases.get(collection, collection)
        else:
            self.aliases.pop(alias, None)

    @rule(name=names, items=batches)
    def upsert(self, name: str, items: list[Any]) -> None:
        shop = self.find(name)
        digest = shop.digest if shop else DIGESTS[0]
        request = search_pb.UpsertItemsRequest(collection=name, model_digest=digest, items=items)
        if shop is None:
            assert self.refused(self.search.UpsertItems, request) == "NOT_FOUND"
            return
        answer = self.call(self.search.UpsertItems, request)
        created = sum(indexed.item.id not in shop.items for indexed in items)
        assert (answer.created, answer.updated) == (created, len(items) - created)
        shop.items |= {indexed.item.id: indexed for indexed in items}

    @rule(name=names, ids=st.lists(st.sampled_from(IDS), min_size=1, max_size=10))
    def delete(self, name: str, ids: list[str]) -> None:
        shop, request = self.find(name), catalog_pb.DeleteItemsRequest(collection=name, ids=ids)
        if shop is None:
            assert self.refused(self.catalog.DeleteItems, request) == "NOT_FOUND"
            return
        there = shop.items.keys() & set(ids)
        assert self.call(self.catalog.DeleteItems, request).deleted == len(there)
        for item_id in there:
            del shop.items[item_id]

    @rule(
        name=names,
        probes=st.lists(probes, min_size=1, max_size=3),
        top_k=st.integers(1, 12),
        max_distance=st.sampled_from((None, 0.5, 1.2)),
        exact=st.booleans(),
        chosen=st.sampled_from(FILTERS),
    )
    def query(
        self, name: str, probes: list[Any], top_k: int, max_distance: float | None, exact: bool, chosen: Any
    ) -> None:
        conditions, keeps = chosen
        shop = self.find(name)
        request = search_pb.QueryRequest(
            collection=name,
            model_digest=shop.digest if shop else DIGESTS[0],
            probes=probes,
            top_k=top_k,
            filter=Filter(all_of=conditions),
            max_distance=max_distance,
            exact=exact,
        )
        if shop is None or any(probe.item_id and probe.item_id not in shop.items for probe in probes):
            assert self.refused(self.search.Query, request) == "NOT_FOUND"
        else:
            self.check_answers(shop, request, keeps)

    def check_answers(self, shop: Shop, request: Any, keeps: Callable[[Item], bool]) -> None:
        results = self.call(self.search.Query, request).results
        found = [[(match.item.id, match.distance) for match in result.matches] for result in results]
        self.compare(found, shop.nearest(request.probes, request, keeps), request.exact)

    def compare(self, found: Answers, wanted: Answers, exact: bool) -> None:
        if exact:
            assert found == wanted
        else:
            assert_close(found, wanted, 1e-6)

    @rule(name=names, ids=st.lists(st.sampled_from(IDS), min_size=1, max_size=5), chosen=st.sampled_from(FILTERS))
    def look(self, name: str, ids: list[str], chosen: Any) -> None:
        conditions, keeps = chosen
        shop = self.find(name)
        fingerprints = search_pb.GetFingerprintsRequest(collection=name, ids=ids)
        get = catalog_pb.GetItemRequest(collection=name, id=ids[0])
        if shop is None or ids[0] not in shop.items:
            assert self.refused(self.catalog.GetItem, get) == "NOT_FOUND"
        else:
            item = self.call(self.catalog.GetItem, get).item
            item.ClearField("update_time")
            assert item == shop.items[ids[0]].item
        if shop is None:
            assert self.refused(self.search.GetFingerprints, fingerprints) == "NOT_FOUND"
            return
        answer = self.call(self.search.GetFingerprints, fingerprints)
        assert answer.fingerprints == {i: shop.items[i].fingerprint for i in ids if i in shop.items}
        listed, token = [], ""
        for page in itertools.count():
            request = catalog_pb.ListItemsRequest(
                collection=name, page_size=40, page_token=token, filter=Filter(all_of=conditions)
            )
            found = self.call(self.catalog.ListItems, request)
            listed += [item.id for item in found.items]
            token = found.next_page_token
            if not token or page > len(shop.items):
                break
        assert listed == sorted(item_id for item_id, indexed in shop.items.items() if keeps(indexed.item))

    @rule(name=names, item_id=st.sampled_from(IDS))
    def picture(self, name: str, item_id: str) -> None:
        shop, request = self.find(name), catalog_pb.GetPictureRequest(collection=name, id=item_id)
        if shop is None or item_id not in shop.items or not shop.items[item_id].picture_jpeg:
            assert self.refused(self.catalog.GetPicture, request) == "NOT_FOUND"
        else:
            assert self.call(self.catalog.GetPicture, request).jpeg == shop.items[item_id].picture_jpeg

    @rule(backed_up=st.booleans())
    def start_again(self, backed_up: bool) -> None:
        self.restart(backed_up)

    def restart(self, backed_up: bool) -> None:
        backup = self.call(self.search.CreateBackup, search_pb.CreateBackupRequest()).name if backed_up else ""
        self.loop.run(self.stack.aclose())
        if backup:
            old = self.folder
            self.folder = tempfile.TemporaryDirectory()
            (Path(old.name) / "backups" / backup / "catalog.sqlite3").rename(Path(self.folder.name) / "catalog.sqlite3")
            old.cleanup()
        self.start()

    @invariant()
    def all_points_have_their_nearest(self) -> None:
        self.steps += 1
        conditions, keeps = FILTERS[self.steps % 3]
        for name, shop in self.shops.items():
            request = search_pb.QueryRequest(
                collection=name, model_digest=shop.digest, top_k=1 + self.steps % 7, filter=Filter(all_of=conditions)
            )
            for point in POINTS[:40]:
                request.probes.add(embedding=Embedding(values=point), categories=CATEGORIES[: self.steps % 4])
            self.check_answers(shop, request, keeps)

    @invariant()
    def collections_are_listed(self) -> None:
        listed = self.call(self.catalog.ListCollections, catalog_pb.ListCollectionsRequest()).collections
        assert [found.name for found in listed] == sorted(self.shops)
        for found in listed:
            shop = self.shops[found.name]
            assert found.model_digest == shop.digest
            assert list(found.aliases) == sorted(a for a, target in self.aliases.items() if target == found.name)
            assert found.item_count == len(shop.items)
            assert found.view_count == sum(len(shop.views(item_id)) for item_id in shop.items)


class MilvusHistory(History):
    backend = "milvus"

    def compare(self, found: Answers, wanted: Answers, exact: bool) -> None:
        assert_close(found, wanted, 1e-4)

    def restart(self, backed_up: bool) -> None:
        self.loop.run(self.stack.aclose())
        self.start()


PHASES = [Phase.explicit, Phase.generate]
History.TestCase.settings = settings(
    max_examples=6, stateful_step_count=40, deadline=None, derandomize=True, phases=PHASES
)
MilvusHistory.TestCase.settings = settings(
    max_examples=2, stateful_step_count=30, deadline=None, derandomize=True, phases=PHASES
)
TestHistory = History.TestCase
TestMilvusHistory = MilvusHistory.TestCase
