"""What the search service refuses, and what it says of it."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest

from clothing_retrieval.v1 import catalog_service_pb2 as catalog_pb
from clothing_retrieval.v1 import search_service_pb2 as search_pb
from clothing_retrieval.v1.types_pb2 import Condition, Embedding, Filter, Item
from tests.search_calls import DIGEST, Service, any_of, ids, indexed, invalid, missing, near, refused, unit, upserting

LONG = "x" * 129
NAN = [float("nan")] + [0.0] * 7


def with_vector(values: list[float]) -> Any:
    item = indexed("b", 1, 2)
    item.views[1].embedding.values[:] = values
    return item


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ([], "items"),
        ([indexed(f"{i}") for i in range(513)], "items"),
        ([indexed("a"), indexed("")], "items[1].item.id"),
        ([indexed(LONG)], "items[0].item.id"),
        ([indexed("a"), indexed("b"), indexed("a")], "items[2].item.id"),
        ([indexed("a", *range(17))], "items[0].views"),
        ([search_pb.IndexedItem(item=Item(id="a"))], "items[0].views"),
        ([indexed("a"), with_vector([1.0])], "items[1].views[1].embedding.values"),
        ([indexed("a"), with_vector(NAN)], "items[1].views[1].embedding.values"),
        ([indexed("a"), with_vector([0.5] + [0.0] * 7)], "items[1].views[1].embedding.values"),
        ([indexed("a", picture=b"x" * (65536 + 1))], "items[0].picture_jpeg"),
        ([indexed("a", price=float("nan"))], "items[0].item.price"),
        ([indexed("a", sale_price=-1.0)], "items[0].item.sale_price"),
        ([indexed("a", title="x" * 70_000)], "items[0].item"),
        ([indexed("a", category=LONG)], "items[0].views[0].category"),
    ],
)
async def test_an_upsert_of_something_unusable_writes_nothing(service: Service, items: list[Any], field: str) -> None:
    assert await invalid(service.search.UpsertItems(upserting(*items))) == field
    assert ids(await service.search.Query(near(1))) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"probes": []}, "probes"),
        ({"probes": [search_pb.Probe(item_id="a")] * 65}, "probes"),
        ({"probes": [search_pb.Probe(item_id="a"), search_pb.Probe()]}, "probes[1]"),
        ({"probes": [search_pb.Probe(item_id=LONG)]}, "probes[0].item_id"),
        ({"probes": [search_pb.Probe(embedding=Embedding(values=unit(1)[:7]))]}, "probes[0].embedding.values"),
        ({"probes": [search_pb.Probe(embedding=Embedding(values=NAN))]}, "probes[0].embedding.values"),
        ({"probes": [search_pb.Probe(embedding=Embedding())]}, "probes[0].embedding.values"),
        ({"probes": [search_pb.Probe(item_id="a", categories=["x"] * 65)]}, "probes[0].categories"),
        ({"top_k": 101}, "top_k"),
        ({"top_k": -1}, "top_k"),
        ({"max_distance": -0.5}, "max_distance"),
        ({"max_distance": float("nan")}, "max_distance"),
        ({"filter": any_of("colour", "red")}, "filter.all_of[0].field"),
        ({"filter": Filter(all_of=[Condition(field="price")])}, "filter.all_of[0]"),
        ({"collection": "No Name"}, "collection"),
    ],
)
async def test_a_query_that_cannot_be_asked_names_the_field(service: Service, change: Any, field: str) -> None:
    await service.search.UpsertItems(upserting(indexed("a")))
    assert await invalid(service.search.Query(near(1, **change))) == field
    assert ids(await service.search.Query(near(1))) == ["a"]


Call = Callable[[Service], Awaitable[Any]]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (
            lambda s: s.search.CreateCollection(
                search_pb.CreateCollectionRequest(name="A", model_digest="x", dimension=8)
            ),
            "name",
        ),
        (lambda s: s.search.CreateCollection(search_pb.CreateCollectionRequest(name="a", dimension=8)), "model_digest"),
        (
            lambda s: s.search.CreateCollection(search_pb.CreateCollectionRequest(name="a", model_digest="x")),
            "dimension",
        ),
        (
            lambda s: s.search.CreateCollection(
                search_pb.CreateCollectionRequest(name="shop", model_digest=DIGEST, dimension=9)
            ),
            "dimension",
        ),
        (lambda s: s.search.GetFingerprints(search_pb.GetFingerprintsRequest(collection="shop")), "ids"),
        (
            lambda s: s.search.GetFingerprints(search_pb.GetFingerprintsRequest(collection="shop", ids=["a", ""])),
            "ids[1]",
        ),
        (lambda s: s.catalog.DeleteItems(catalog_pb.DeleteItemsRequest(collection="shop", ids=["x"] * 513)), "ids"),
        (lambda s: s.catalog.GetItem(catalog_pb.GetItemRequest(collection="shop")), "id"),
        (lambda s: s.catalog.GetPicture(catalog_pb.GetPictureRequest(collection="shop", id=LONG)), "id"),
        (lambda s: s.catalog.ListItems(catalog_pb.ListItemsRequest(collection="shop", page_size=1001)), "page_size"),
        (lambda s: s.catalog.ListItems(catalog_pb.ListItemsRequest(collection="shop", page_size=-1)), "page_size"),
        (
            lambda s: s.catalog.ListItems(catalog_pb.ListItemsRequest(collection="shop", page_token="no token!")),
            "page_token",
        ),
        (
            lambda s: s.catalog.ListItems(catalog_pb.ListItemsRequest(collection="shop", filter=any_of("price", "x"))),
            "filter.all_of[0].any_of.values[0]",
        ),
        (lambda s: s.catalog.SetAlias(catalog_pb.SetAliasRequest(alias="shop", collection="shop")), "alias"),
        (lambda s: s.catalog.SetAlias(catalog_pb.SetAliasRequest(alias="", collection="shop")), "alias"),
        (lambda s: s.catalog.SetAlias(catalog_pb.SetAliasRequest(alias="a b", collection="shop")), "alias"),
        (lambda s: s.catalog.DeleteCollection(catalog_pb.DeleteCollectionRequest(name="a b")), "name"),
    ],
)
async def test_other_calls_name_the_field_too(service: Service, call: Call, field: str) -> None:
    assert await invalid(call(service)) == field


@pytest.mark.parametrize(
    ("call", "kind", "name"),
    [
        (lambda s: s.search.UpsertItems(upserting(indexed("a"), collection="none")), "collection", "none"),
        (lambda s: s.search.Query(near(1, collection="")), "collection", "default"),
        (
            lambda s: s.search.GetFingerprints(search_pb.GetFingerprintsRequest(collection="none", ids=["a"])),
            "collection",
            "none",
        ),
        (lambda s: s.catalog.GetItem(catalog_pb.GetItemRequest(collection="none", id="a")), "collection", "none"),
        (lambda s: s.catalog.ListItems(catalog_pb.ListItemsRequest(collection="none")), "collection", "none"),
        (
            lambda s: s.catalog.DeleteItems(catalog_pb.DeleteItemsRequest(collection="none", ids=["a"])),
            "collection",
            "none",
        ),
        (lambda s: s.catalog.DeleteCollection(catalog_pb.DeleteCollectionRequest(name="none")), "collection", "none"),
        (
            lambda s: s.catalog.SetAlias(catalog_pb.SetAliasRequest(alias="live", collection="none")),
            "collection",
            "none",
        ),
        (lambda s: s.catalog.GetItem(catalog_pb.GetItemRequest(collection="shop", id="a")), "item", "a"),
        (lambda s: s.catalog.GetPicture(catalog_pb.GetPictureRequest(collection="shop", id="a")), "item", "a"),
        (lambda s: s.catalog.GetPicture(catalog_pb.GetPictureRequest(collection="shop", id="bare")), "picture", "bare"),
        (
            lambda s: s.search.Query(search_pb.QueryRequest(collection="shop", probes=[search_pb.Probe(item_id="a")])),
            "item",
            "a",
        ),
    ],
)
async def test_what_is_not_there_is_not_found(service: Service, call: Call, kind: str, name: str) -> None:
    await service.search.UpsertItems(upserting(indexed("bare")))
    assert await missing(call(service), kind) == name


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.search.CreateCollection(
            search_pb.CreateCollectionRequest(name="shop", model_digest="b", dimension=8)
        ),
        lambda s: s.search.UpsertItems(upserting(indexed("a"), digest="b")),
        lambda s: s.search.Query(near(1, model_digest="b")),
        lambda s: s.search.Query(near(1, probes=[search_pb.Probe(item_id="a")], model_digest="b")),
    ],
)
async def test_another_models_digest_is_told_both_digests(service: Service, call: Call) -> None:
    _, found = await refused(call(service), grpc.StatusCode.FAILED_PRECONDITION, "MODEL_MISMATCH")
    info: Any = found["ErrorInfo"]
    assert (info.metadata["expected_digest"], info.metadata["actual_digest"]) == (DIGEST, "b")


async def test_vectors_without_a_digest_are_refused(service: Service) -> None:
    await refused(service.search.Query(near(1, model_digest="")), grpc.StatusCode.FAILED_PRECONDITION, "MODEL_MISMATCH")
