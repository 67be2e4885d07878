"""The search service through a real server: what its calls do."""

import asyncio
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from clothing_retrieval.v1 import catalog_service_pb2 as catalog_pb
from clothing_retrieval.v1 import search_service_pb2 as search_pb
from clothing_retrieval.v1.search_service_pb2_grpc import SearchServiceStub
from clothing_retrieval.v1.types_pb2 import Condition, Filter, Range
from search_service.backend import Backend
from search_service.names import Collection
from search_service.records import Match, Query
from tests.search_calls import (
    BACKENDS,
    DIGEST,
    DIMENSION,
    Service,
    any_of,
    distances,
    ids,
    indexed,
    missing,
    near,
    started,
    upserting,
)
from tests.servers import channel_to, free_port, process, wait_for_health


async def test_both_services_are_healthy(service: Service) -> None:
    for name in ("", "clothing_retrieval.v1.SearchService", "clothing_retrieval.v1.CatalogService"):
        await wait_for_health(service.channel, "SERVING", name)


async def test_a_collection_is_made_and_then_confirmed(service: Service) -> None:
    request = search_pb.CreateCollectionRequest(name="new", model_digest=DIGEST, dimension=DIMENSION)
    assert (await service.search.CreateCollection(request)).created
    assert not (await service.search.CreateCollection(request)).created


async def test_upserted_items_are_found_listed_and_told(service: Service) -> None:
    item = indexed("a", 1, 2, title="Coat", price=10.5, picture=b"\xff\xd8jpeg", attributes={"color": "red"})
    response = await service.search.UpsertItems(upserting(item, indexed("b", 3, category="bag")))
    assert (response.created, response.updated) == (2, 0)
    response = await service.search.UpsertItems(upserting(indexed("b", 3, category="bag"), indexed("c", 4)))
    assert (response.created, response.updated) == (1, 1)

    found = await service.search.Query(near(2))
    assert ids(found)[0] == "a"
    best = found.results[0].matches[0]
    assert (best.distance, best.view, best.item.title) == (pytest.approx(0, abs=1e-6), 1, "Coat")
    assert best.item.HasField("update_time")

    got = (await service.catalog.GetItem(catalog_pb.GetItemRequest(collection="shop", id="a"))).item
    assert (got.price, dict(got.attributes), got.update_time) == (10.5, {"color": "red"}, best.item.update_time)
    picture = await service.catalog.GetPicture(catalog_pb.GetPictureRequest(collection="shop", id="a"))
    assert picture.jpeg == b"\xff\xd8jpeg"
    prints = await service.search.GetFingerprints(
        search_pb.GetFingerprintsRequest(collection="shop", ids=["a", "none", "c"])
    )
    assert dict(prints.fingerprints) == {"a": "print of a", "c": "print of c"}


async def test_our_own_update_time_wins(service: Service) -> None:
    item = indexed("a")
    item.item.update_time.FromSeconds(1)
    await service.search.UpsertItems(upserting(item))
    got = await service.catalog.GetItem(catalog_pb.GetItemRequest(collection="shop", id="a"))
    assert got.item.update_time.seconds > 1_600_000_000


async def test_query_honours_each_of_its_fields(service: Service) -> None:
    await service.search.UpsertItems(
        upserting(
            *(indexed(f"{i}", i, category="top" if i % 2 else "bag", price=float(i), in_stock=i > 5) for i in range(12))
        )
    )
    assert len(ids(await service.search.Query(near(3)))) == 5
    assert len(ids(await service.search.Query(near(3, top_k=100)))) == 12
    assert set(ids(await service.search.Query(near(3, top_k=100, categories=["bag"])))) == {
        "0",
        "2",
        "4",
        "6",
        "8",
        "10",
    }
    assert ids(await service.search.Query(near(3, max_distance=1e-3))) == ["3"]
    cheap = Filter(all_of=[Condition(field="price", range=Range(max=2)), *any_of("in_stock", "false").all_of])
    assert set(ids(await service.search.Query(near(3, filter=cheap)))) == {"0", "1", "2"}
    exact, walked = [await service.search.Query(near(3, exact=exact)) for exact in (True, False)]
    assert ids(exact) == ids(walked)
    assert distances(exact) == pytest.approx(distances(walked), abs=1e-6)


async def test_items_are_probes_too_and_answers_come_in_their_order(service: Service) -> None:
    await service.search.UpsertItems(upserting(indexed("a", 1, 2), indexed("b", 1), indexed("c", 2), indexed("d", 9)))
    probes = [
        search_pb.Probe(item_id="a"),
        search_pb.Probe(item_id="d", categories=["none"]),
        search_pb.Probe(item_id="b"),
    ]
    response = await service.search.Query(search_pb.QueryRequest(collection="shop", probes=probes, top_k=2))
    assert [ids(response, probe) for probe in range(3)] == [["b", "c"], [], ["a", ids(response, 2)[1]]]
    assert [match.distance for match in response.results[0].matches] == pytest.approx([0, 0], abs=1e-6)


async def test_items_are_listed_page_by_page(service: Service) -> None:
    await service.search.UpsertItems(
        upserting(*(indexed(f"{i:02}", i, gender="male" if i < 7 else "female") for i in range(10)))
    )
    seen, token, pages = [], "", 0
    while pages == 0 or token:
        response = await service.catalog.ListItems(
            catalog_pb.ListItemsRequest(
                collection="shop", page_size=3, page_token=token, filter=any_of("gender", "male")
            )
        )
        seen += [item.id for item in response.items]
        token, pages = response.next_page_token, pages + 1
    assert (seen, pages) == ([f"{i:02}" for i in range(7)], 3)
    whole = await service.catalog.ListItems(catalog_pb.ListItemsRequest(collection="shop"))
    assert (len(whole.items), whole.next_page_token) == (10, "")


async def test_deleted_items_are_gone(service: Service) -> None:
    await service.search.UpsertItems(upserting(indexed("a", 1), indexed("b", 2)))
    request = catalog_pb.DeleteItemsRequest(collection="shop", ids=["a", "none", "a"])
    assert (await service.catalog.DeleteItems(request)).deleted == 1
    assert ids(await service.search.Query(near(1))) == ["b"]


async def test_collections_are_listed_and_deleted(service: Service) -> None:
    await service.search.UpsertItems(upserting(indexed("a", 1, 2), indexed("b", 2, category="bag")))
    await service.catalog.SetAlias(catalog_pb.SetAliasRequest(alias="live", collection="shop"))
    (listed,) = (await service.catalog.ListCollections(catalog_pb.ListCollectionsRequest())).collections
    assert (listed.name, list(listed.aliases), listed.model_digest, listed.dimension) == ("shop", ["live"], DIGEST, 8)
    assert (listed.item_count, listed.view_count, dict(listed.items_by_category)) == (2, 3, {"top": 1, "bag": 1})
    assert listed.create_time.seconds > 1_600_000_000
    await service.catalog.DeleteCollection(catalog_pb.DeleteCollectionRequest(name="shop"))
    assert not (await service.catalog.ListCollections(catalog_pb.ListCollectionsRequest())).collections
    assert await missing(service.search.Query(near(1, collection="live")), "collection") == "live"


async def test_a_catalogue_embedded_anew_goes_live_without_one_failed_search(service: Service) -> None:
    await service.search.UpsertItems(upserting(indexed("old", 1)))
    await service.search.CreateCollection(
        search_pb.CreateCollectionRequest(name="shop-2", model_digest=DIGEST, dimension=DIMENSION)
    )
    await service.search.UpsertItems(upserting(indexed("new", 1), collection="shop-2"))
    await service.catalog.SetAlias(catalog_pb.SetAliasRequest(alias="live", collection="shop"))
    searches = asyncio.gather(*(service.search.Query(near(1, collection="live")) for _ in range(100)))
    switched = await service.catalog.SetAlias(catalog_pb.SetAliasRequest(alias="live", collection="shop-2"))
    assert switched.previous_collection == "shop"
    assert ids(await service.search.Query(near(1, collection="live"))) == ["new"]
    await service.catalog.DeleteCollection(catalog_pb.DeleteCollectionRequest(name="shop"))
    assert {ids(response)[0] for response in await searches} <= {"old", "new"}


async def test_near_identical_views_of_an_item_are_stored_once(service: Service) -> None:
    item = indexed("a", 1, 1, 2)
    item.views[1].embedding.values[0] += 1e-4
    bag = search_pb.View(category="bag", embedding=item.views[0].embedding)
    await service.search.UpsertItems(upserting(search_pb.IndexedItem(item=item.item, views=[*item.views, bag])))
    (shop,) = (await service.catalog.ListCollections(catalog_pb.ListCollectionsRequest())).collections
    assert shop.view_count == 3
    for seed, category, view in ((1, "top", 0), (2, "top", 2), (1, "bag", 3)):
        (match,) = (await service.search.Query(near(seed, categories=[category]))).results[0].matches
        assert (match.view, match.distance) == (view, pytest.approx(0, abs=1e-6))


async def test_no_name_means_default(service: Service) -> None:
    await service.search.CreateCollection(search_pb.CreateCollectionRequest(model_digest=DIGEST, dimension=DIMENSION))
    await service.search.UpsertItems(upserting(indexed("a"), collection=""))
    assert ids(await service.search.Query(near(1, collection="default"))) == ["a"]


@pytest.mark.parametrize("backend", ["local"])
async def test_a_backup_is_restored_where_nothing_else_is_left(service: Service, tmp_path: Path) -> None:
    await service.search.UpsertItems(upserting(indexed("a", 1)))
    backup = await service.search.CreateBackup(search_pb.CreateBackupRequest())
    await service.search.UpsertItems(upserting(indexed("later", 1)))
    folder = tmp_path / "backups" / backup.name
    assert backup.size_bytes == sum(file.stat().st_size for file in folder.iterdir())
    kept = folder.rename(tmp_path / "kept")
    command = [Path(sys.executable).with_name("clothing-retrieval"), "restore", kept, tmp_path / "restored" / "search"]
    restoring = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert (await restoring.communicate())[0] == f"1 items are in {tmp_path / 'restored' / 'search'}\n".encode()
    shutil.rmtree(kept)
    async with started(tmp_path / "restored", data_dir=tmp_path / "restored" / "search") as restored:
        assert ids(await restored.search.Query(near(1))) == ["a"]


async def test_a_catalogue_is_exchanged_for_another_without_one_failed_search(service: Service) -> None:
    """Blue and green: filled beside the old one, the alias pointed at it, the old one deleted."""

    async def made(name: str, digest: str) -> None:
        request = search_pb.CreateCollectionRequest(name=name, model_digest=digest, dimension=DIMENSION)
        await service.search.CreateCollection(request)
        for start in range(0, 200, 50):
            items = [indexed(f"{name}-{i}", i) for i in range(start, start + 50)]
            await service.search.UpsertItems(upserting(*items, collection=name, digest=digest))

    await made("blue", DIGEST)
    await service.catalog.SetAlias(catalog_pb.SetAliasRequest(alias="live", collection="blue"))
    seen: list[str] = []
    done = asyncio.Event()

    async def shopper() -> None:
        while not done.is_set():
            found = ids(await service.search.Query(near(7, collection="live", top_k=1)))
            seen.extend(found)

    shopping = [asyncio.create_task(shopper()) for _ in range(4)]
    for turn in range(5):
        new, old = ("green", "blue") if turn % 2 == 0 else ("blue", "green")
        await made(new, DIGEST)
        await service.catalog.SetAlias(catalog_pb.SetAliasRequest(alias="live", collection=new))
        await service.catalog.DeleteCollection(catalog_pb.DeleteCollectionRequest(name=old))
        assert ids(await service.search.Query(near(7, collection="live", top_k=1))) == [f"{new}-7"]
    done.set()
    await asyncio.gather(*shopping)
    assert set(seen) == {"blue-7", "green-7"}


async def test_a_search_that_began_before_the_exchange_is_answered_by_the_new_catalogue(
    service: Service, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind: Any = BACKENDS[backend]
    for name in ("blue", "green"):
        request = search_pb.CreateCollectionRequest(name=name, model_digest=DIGEST, dimension=DIMENSION)
        await service.search.CreateCollection(request)
        await service.search.UpsertItems(upserting(indexed(name, 1), collection=name))
    await service.catalog.SetAlias(catalog_pb.SetAliasRequest(alias="live", collection="blue"))
    query = kind.query

    def late(index: Backend, collection: Collection, asked: Query) -> list[list[Match]]:
        if collection.name == "blue":
            index.set_alias("live", "green").result()
            index.delete_collection("blue").result()
        found: list[list[Match]] = query(index, collection, asked)
        return found

    monkeypatch.setattr(kind, "query", late)
    assert ids(await service.search.Query(near(1, collection="live"))) == ["green"]


async def test_an_index_with_a_graph_answers_as_one_without(tmp_path: Path) -> None:
    async with started(tmp_path, exact_below=100, tail=10) as service:
        for start in range(0, 1500, 500):
            await service.search.UpsertItems(upserting(*(indexed(f"{i}", i) for i in range(start, start + 500))))
        same = 0
        for seed in range(2000, 2020):
            exact, walked = [await service.search.Query(near(seed, exact=exact)) for exact in (True, False)]
            same += len(set(ids(exact)) & set(ids(walked)))
        assert same >= 98


async def test_what_was_acknowledged_outlives_kill_9_and_sigterm_ends_it_cleanly(tmp_path: Path, backend: str) -> None:
    port = free_port()
    environment = {
        "SEARCH_LISTEN": f"127.0.0.1:{port}",
        "SEARCH_DATA_DIR": str(tmp_path),
        "SEARCH_DRAIN_S": "0",
        "SEARCH_BACKEND": backend,
        "MILVUS_URI": str(tmp_path / "milvus.db"),
    }
    async with process("search_service", **environment) as first, channel_to(f"127.0.0.1:{port}") as channel:
        await wait_for_health(channel, "SERVING")
        stub: Any = SearchServiceStub(channel)
        await stub.CreateCollection(
            search_pb.CreateCollectionRequest(name="shop", model_digest=DIGEST, dimension=DIMENSION)
        )
        await stub.UpsertItems(upserting(indexed("a", 1)))
        await first.kill()
    async with process("search_service", **environment) as second, channel_to(f"127.0.0.1:{port}") as channel:
        await wait_for_health(channel, "SERVING", "clothing_retrieval.v1.SearchService")
        stub = SearchServiceStub(channel)
        assert ids(await stub.Query(near(1))) == ["a"]
        async with process("search_service", **{**environment, "SEARCH_LISTEN": "127.0.0.1:0"}) as third:
            assert await third.ended() == 1
            assert f"cannot start: {'data folder' if backend == 'local' else 'search is unable'}" in third.output
        second.send(signal.SIGTERM)
        assert await second.ended() == 0
