"""Writes, and what reading finds after them."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from clothing_retrieval.v1 import types_pb2
from search_service import store
from search_service.filters import AnyOf, Condition, Filter, compile_filter
from search_service.index import Index
from search_service.names import Collection
from search_service.records import Probe
from serving.errors import InvalidField, ModelMismatch, NotFound
from tests.unit.search_service.indexes import DIGEST, DIMENSION, ask, ids, made, opened, record, search, unit


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with opened(tmp_path) as index:
        yield index


@pytest.fixture
def shop(index: Index) -> Collection:
    return made(index)


def page(index: Index, shop: Collection, after: str = "", size: int = 100) -> list[str]:
    return [item for item, _ in index.page(shop, Filter(), after, size)]


def test_a_collection_is_made_once_and_then_confirmed(index: Index) -> None:
    assert index.create_collection("shop", DIGEST, 8).result() is True
    assert index.create_collection("shop", DIGEST, 8).result() is False


def test_a_collection_of_another_model_or_dimension_is_refused(index: Index, shop: Collection) -> None:
    with pytest.raises(ModelMismatch):
        index.create_collection("shop", "other", 8).result()
    with pytest.raises(InvalidField, match="dimension: 9, but collection 'shop' has 8"):
        index.create_collection("shop", DIGEST, 9).result()


def test_creating_by_an_alias_confirms_what_it_points_at(index: Index, shop: Collection) -> None:
    index.set_alias("live", "shop").result()
    assert index.create_collection("live", DIGEST, 8).result() is False
    with pytest.raises(ModelMismatch):
        index.create_collection("live", "other", 8).result()


def test_an_acknowledged_item_is_found_and_counted(index: Index, shop: Collection) -> None:
    done = index.upsert(shop, [record("a", unit(1)), record("b", unit(2))]).result()
    assert (done.created, done.updated) == (2, 0)
    assert ids(search(index, shop, unit(1), k=1)) == ["a"]
    done = index.upsert(shop, [record("b", unit(3)), record("c", unit(4))]).result()
    assert (done.created, done.updated) == (1, 1)


def test_an_update_replaces_all_of_the_item(index: Index, shop: Collection) -> None:
    first = record("a", unit(1, 3), ["top", "top", "bag"], "one", title="old", picture=b"jpeg", attributes={"x": "1"})
    index.upsert(shop, [first]).result()
    index.upsert(shop, [record("a", unit(9), ["dress"], "two", title="new")]).result()
    assert types_pb2.Item.FromString(index.message(shop, "a")).title == "new"
    assert index.fingerprints(shop, ["a"]) == {"a": "two"}
    with pytest.raises(NotFound, match="picture 'a' was not stored"):
        index.picture(shop, "a")
    (match,) = search(index, shop, unit(9))
    assert (match.distance, match.view) == (0, 0)
    assert search(index, shop, unit(1), categories=["top", "bag"]) == []
    assert index.summaries()[0].view_count == 1


def test_a_deleted_item_is_gone_everywhere(index: Index, shop: Collection) -> None:
    index.upsert(shop, [record("a", unit(1), picture=b"x"), record("b", unit(2))]).result()
    assert index.delete_items(shop, ["a", "none", "a"]).result() == 1
    assert ids(search(index, shop, unit(1))) == ["b"]
    assert page(index, shop) == ["b"]
    assert index.fingerprints(shop, ["a", "b"]) == {"b": ""}
    for read in (index.message, index.picture):
        with pytest.raises(NotFound, match="item 'a' does not exist"):
            read(shop, "a")
    with pytest.raises(NotFound):
        ask(index, shop, Probe(None, "a", ()))


def test_items_come_in_the_order_of_ids_page_by_page(index: Index, shop: Collection) -> None:
    names = ["b", "a", "Z", "é", "10", "9", "a b", "日本", "a\0b", "'\"\\"]
    index.upsert(shop, [record(name, unit(i)) for i, name in enumerate(names)]).result()
    paged: list[str] = []
    while found := page(index, shop, paged[-1] if paged else "", 3):
        paged += found
    assert paged == sorted(names)
    assert index.fingerprints(shop, names).keys() == set(names)


def test_summaries_count_items_views_and_categories(index: Index, shop: Collection) -> None:
    made(index, "another")
    index.set_alias("live", "shop").result()
    index.upsert(shop, [record("a", unit(1, 2), category="top"), record("b", unit(2), category="top")]).result()
    index.upsert(shop, [record("c", unit(3))]).result()
    another, summary = index.summaries()
    assert (another.items_by_category, another.view_count, another.aliases) == ({}, 0, [])
    assert (summary.items_by_category, summary.view_count, summary.aliases) == ({"top": 2, "": 1}, 4, ["live"])


def test_a_deleted_collection_is_gone_and_its_name_is_free(index: Index, shop: Collection) -> None:
    index.set_alias("live", "shop").result()
    index.upsert(shop, [record("a", unit(1))]).result()
    index.delete_collection("shop").result()
    for name in ("shop", "live"):
        with pytest.raises(NotFound):
            index.collection(name)
    with pytest.raises(NotFound):
        index.upsert(shop, [record("b", unit(1))]).result()
    with pytest.raises(NotFound):
        search(index, shop, unit(1))
    again = made(index)
    assert (search(index, again, unit(1)), page(index, again)) == ([], [])


def test_a_collection_is_not_deleted_by_an_alias(index: Index, shop: Collection) -> None:
    index.set_alias("live", "shop").result()
    with pytest.raises(InvalidField, match="'live' is an alias of 'shop'"):
        index.delete_collection("live").result()


def test_an_alias_points_where_it_was_set_last(index: Index, shop: Collection) -> None:
    other = made(index, "other")
    assert index.set_alias("live", "shop").result() == ""
    assert index.collection("live") == shop
    assert index.set_alias("live", "other").result() == "shop"
    assert index.collection("live") == other
    assert index.set_alias("second", "live").result() == ""
    assert index.collection("second") == other
    assert index.set_alias("live", "").result() == "other"
    with pytest.raises(NotFound):
        index.collection("live")


def test_an_alias_may_not_be_the_name_of_a_collection(index: Index, shop: Collection) -> None:
    with pytest.raises(InvalidField, match="'shop' is the name of a collection"):
        index.set_alias("shop", "shop").result()
    with pytest.raises(InvalidField, match="alias: is empty"):
        index.set_alias("", "shop")
    with pytest.raises(NotFound, match="collection 'none'"):
        index.set_alias("live", "none").result()


def test_collections_do_not_see_each_others_items(index: Index, shop: Collection) -> None:
    other = made(index, "other", dimension=4)
    index.upsert(shop, [record("a", unit(1))]).result()
    index.upsert(other, [record("a", unit(1, dimension=4)), record("b", unit(2, dimension=4))]).result()
    assert index.delete_items(shop, ["b"]).result() == 0
    assert ids(search(index, shop, unit(1))) == ["a"]
    assert sorted(ids(search(index, other, unit(1, dimension=4)))) == ["a", "b"]


def test_an_item_that_is_updated_is_found_by_every_search(index: Index, shop: Collection) -> None:
    """It moves between two shelves all the time: a search sees it in one of them, never in none, never twice."""
    places = [record("mover", unit(1), [category]) for category in ("top", "bag")]
    index.upsert(shop, [places[0], *(record(f"other{i}", unit(i + 10)) for i in range(20))]).result()
    stop = threading.Event()

    def move() -> None:
        for turn in range(1_000_000):
            index.upsert(shop, [places[turn % 2]]).result()
            if stop.is_set():
                return

    mover = threading.Thread(target=move)
    mover.start()
    try:
        for _ in range(300):
            found = ids(search(index, shop, unit(1), k=3))
            assert found[0] == "mover"
            assert len(set(found)) == 3
    finally:
        stop.set()
        mover.join()


@pytest.mark.parametrize("item_id", ['a"b', "a\\b", "a\x00b", "a\x1fb", "a,b [c]", "\u00e9\u2028\ud55c\U0001f457"])
def test_an_item_is_found_by_its_id_whatever_that_is(index: Index, shop: Collection, item_id: str) -> None:
    index.upsert(shop, [record(item_id, unit(1), title=item_id)]).result()
    (match,) = search(index, shop, unit(1), 1)
    assert (match.id, types_pb2.Item.FromString(match.message)) == (item_id, types_pb2.Item(id=item_id, title=item_id))


def test_more_items_are_found_than_are_read_at_once(
    index: Index, shop: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_ITEMS_A_ROW", 2)
    index.upsert(shop, [record(f"{i}", unit(i)) for i in range(5)]).result()
    assert sorted(ids(search(index, shop, unit(1), 5))) == ["0", "1", "2", "3", "4"]


def test_more_items_are_kept_by_an_attribute_than_are_read_at_once(
    index: Index, shop: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_KEY_BITS", 1)
    index.upsert(shop, [record(f"{i}", unit(i), attributes={"parity": f"{i % 2}"}) for i in range(9)]).result()
    odd = compile_filter([Condition("attributes.parity", AnyOf(("1",)))])
    assert sorted(ids(search(index, shop, unit(1), 9, filter=odd))) == ["1", "3", "5", "7"]


def test_searches_during_deletes_give_as_many_as_there_are(index: Index, shop: Collection) -> None:
    index.upsert(shop, [record(f"{i:03}", unit(i)) for i in range(400)]).result()
    deleting = threading.Thread(
        target=lambda: [index.delete_items(shop, [f"{i:03}", f"{i + 1:03}"]).result() for i in range(0, 390, 2)]
    )
    deleting.start()
    while deleting.is_alive():
        assert len(search(index, shop, unit(1000), k=10)) == 10
    deleting.join()
    assert page(index, shop) == [f"{i:03}" for i in range(390, 400)]


def test_vectors_come_back_as_they_were_written(index: Index, shop: Collection) -> None:
    vectors = unit(5, 16)
    index.upsert(shop, [record("a", vectors)]).result()
    for i in range(16):
        (match,) = search(index, shop, vectors[i : i + 1])
        assert (match.distance, match.view) == (0, i)
    assert np.float32(vectors).shape == (16, DIMENSION)
