"""What is Milvus's own; what both backends must do is tested with either, here and in tests/integration."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pymilvus import MilvusClient
from pymilvus.client.grpc_handler import GrpcHandler
from pymilvus.client.types import LoadState

from clothing_retrieval.v1.types_pb2 import Item
from search_service.filters import AnyOf, Condition, compile_filter
from search_service.milvus.backend import MilvusBackend
from search_service.milvus.connection import Connection, View
from search_service.milvus.rows import Head
from search_service.milvus.settings import MilvusSettings
from search_service.names import Collection
from search_service.records import Matrix, Probe
from search_service.requests import MAX_ITEM_BYTES
from serving.errors import InvalidField, NotFound, NotOffered, Overloaded, Unavailable
from tests.servers import free_port
from tests.unit.search_service.indexes import (
    DIGEST,
    DIMENSION,
    PARAMETERS,
    WRITE_QUEUE,
    ask,
    ids,
    made,
    opened_milvus,
    record,
    search,
    unit,
)

ODD = [
    *('"', "\\", '\\"', "\n", "\r\n", "\t", "\0", "\x1f", "\\u0022", '" or pk != "'),
    *("雪", "😀", "\u2028", "it's", "%", "{x}"),
]


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[MilvusBackend]:
    with opened_milvus(tmp_path) as backend:
        yield backend


@pytest.fixture
def shop(backend: MilvusBackend) -> Collection:
    return made(backend)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusBackend]:
    with opened_milvus(tmp_path_factory.mktemp("odd")) as backend:
        records = [record(text, unit(i), gender=text, attributes={text: text}) for i, text in enumerate(ODD)]
        backend.upsert(made(backend), records).result()
        yield backend


@contextmanager
def milvus(path: Path) -> Iterator[MilvusClient]:
    client = MilvusClient(uri=str(path / "milvus.db"))
    try:
        yield client
    finally:
        client.close()


def in_milvus(path: Path) -> list[str]:
    """The names that Milvus has for its collections."""
    with milvus(path) as client:
        return list(client.list_collections())


def refuse(*_: object) -> None:
    raise Unavailable("search", "out of memory")


def kept(backend: MilvusBackend, field: str, value: str) -> list[str]:
    wanted = compile_filter([Condition(field, AnyOf([value]))])
    return [item_id for item_id, _ in backend.page(backend.collection("shop"), wanted, "", 100)]


@pytest.mark.parametrize("text", ODD)
def test_a_value_means_itself_whatever_it_is_made_of(odd: MilvusBackend, text: str) -> None:
    shop = odd.collection("shop")
    assert kept(odd, "gender", text) == [text]
    assert kept(odd, f"attributes.{text}", text) == [text]
    assert list(odd.fingerprints(shop, [text])) == [text]


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from('"\\ abx=or\nu0'), min_size=1, max_size=12))
@example('"] or item != "')
def test_no_value_is_read_as_an_expression(odd: MilvusBackend, text: str) -> None:
    assert kept(odd, "gender", text) == [each for each in ODD if each == text]
    assert kept(odd, f"attributes.{text}", text) == [each for each in ODD if each == text]


def test_what_a_dead_process_left_of_an_older_generation_does_not_count(
    backend: MilvusBackend, shop: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        backend.upsert(shop, [record("coat", unit(1, rows=3)), record("hat", unit(2))]).result()
        broken.setattr(Connection, "delete", lambda *_: None)  # as if it had died before
        backend.upsert(shop, [record("coat", unit(4))]).result()
    assert ids(search(backend, shop, unit(1)[:1], k=5)) == ids(search(backend, shop, unit(1)[:1], k=5, exact=True))
    near_old = search(backend, shop, unit(1, rows=3)[2:], k=5)
    assert sorted(ids(near_old)) == ["coat", "hat"]
    assert min(match.distance for match in near_old) > 0.1
    assert [match.distance for match in search(backend, shop, unit(4), k=1)] == pytest.approx([0], abs=1e-6)


def test_rows_that_do_not_count_cost_no_result(
    backend: MilvusBackend, shop: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "delete", lambda *_: None)
    for _ in range(6):  # 90 rows of other generations, nearer than anything else
        backend.upsert(shop, [record("coat", unit(1).repeat(16, axis=0))]).result()
    backend.upsert(shop, [record("coat", unit(2)), *(record(f"{i}", unit(10 + i)) for i in range(4))]).result()
    assert sorted(ids(search(backend, shop, unit(1), k=5))) == ["0", "1", "2", "3", "coat"]


@pytest.mark.parametrize("exact", [False, True])
def test_an_item_that_is_updated_while_it_is_searched_for_is_found(
    backend: MilvusBackend, shop: Collection, monkeypatch: pytest.MonkeyPatch, exact: bool
) -> None:
    backend.upsert(shop, [record("coat", unit(1)), record("hat", unit(2))]).result()
    heads, updates = Connection.heads, [record("coat", unit(3))]

    def overtaken(*args: Any) -> dict[str, Head]:
        if updates:
            backend.upsert(shop, [updates.pop()]).result()
        return heads(*args)

    monkeypatch.setattr(Connection, "heads", overtaken)
    assert sorted(ids(search(backend, shop, unit(1), exact=exact))) == ["coat", "hat"]


def test_what_a_dead_process_left_is_searched_for_once_more_and_no_longer(
    backend: MilvusBackend, shop: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.upsert(shop, [record("coat", unit(1, rows=3))]).result()
    monkeypatch.setattr(Connection, "delete", lambda *_: None)
    backend.upsert(shop, [record("coat", unit(4))]).result()
    find, searches = Connection.search, []

    def counted(*args: Any) -> list[list[View]]:
        searches.append(args)
        return find(*args)

    monkeypatch.setattr(Connection, "search", counted)
    assert ids(search(backend, shop, unit(1)[:1])) == ["coat"]
    assert len(searches) == 2


def test_an_item_that_is_updated_while_its_like_are_searched_for_counts_with_all_views(
    backend: MilvusBackend, shop: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.upsert(shop, [record("coat", unit(1, rows=3)), record("twin", unit(2, rows=3)[2:])]).result()
    rows, updates = Connection.rows, [record("coat", unit(2, rows=3))]

    def overtaken(connection: Connection, collection: Collection, keys: Any, fields: Any) -> list[dict[str, Any]]:
        if fields == ("vector",) and updates:
            backend.upsert(shop, [updates.pop()]).result()
        return rows(connection, collection, keys, fields)

    monkeypatch.setattr(Connection, "rows", overtaken)
    assert [match.distance for match in ask(backend, shop, Probe(None, "coat", ()))] == pytest.approx([0], abs=1e-4)


def test_an_updated_item_has_the_picture_it_was_given_last(backend: MilvusBackend, shop: Collection) -> None:
    backend.upsert(shop, [record("coat", unit(1), picture=b"one")]).result()
    backend.upsert(shop, [record("coat", unit(1), picture=b"two"), record("hat", unit(2))]).result()
    assert backend.picture(shop, "coat") == b"two"
    with pytest.raises(NotFound, match="picture 'hat' was not stored"):
        backend.picture(shop, "hat")


def test_a_replica_without_the_pictures_says_so(backend: MilvusBackend, shop: Collection, tmp_path: Path) -> None:
    backend.upsert(shop, [record("coat", unit(1), picture=b"one")]).result()
    (tmp_path / "pictures").rename(tmp_path / "elsewhere")
    with pytest.raises(NotFound, match="all must see the same SEARCH_DATA_DIR"):
        backend.picture(shop, "coat")


def test_a_collection_made_anew_under_its_name_is_another(backend: MilvusBackend, shop: Collection) -> None:
    backend.upsert(shop, [record("coat", unit(1), picture=b"one")]).result()
    backend.delete_collection("shop").result()
    again = made(backend)
    assert again.key != shop.key
    with pytest.raises(NotFound, match="collection 'shop'"):
        backend.upsert(shop, [record("coat", unit(1))]).result()
    assert ids(search(backend, again, unit(1))) == []


def test_of_two_that_make_one_name_at_once_the_second_leaves_nothing(
    backend: MilvusBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point, first = Connection.point_alias, [Collection(1, "shop", DIGEST, DIMENSION, 1)]

    def overtaken(connection: Connection, *args: Any, **rest: Any) -> None:
        if first:
            assert connection.create(first.pop(), m=8, ef_construction=64)
        point(connection, *args, **rest)

    monkeypatch.setattr(Connection, "point_alias", overtaken)
    assert not backend.create_collection("shop", DIGEST, DIMENSION).result()
    assert in_milvus(tmp_path) == ["clothing_shopC1"]
    assert backend.collection("shop").key == 1


def test_a_collection_of_somebody_else_is_left_alone(backend: MilvusBackend, shop: Collection, tmp_path: Path) -> None:
    with milvus(tmp_path) as client:
        client.create_collection("clothing_theirs", dimension=8)
    assert [each.collection for each in backend.summaries()] == [shop]
    with pytest.raises(NotFound, match="theirs"):
        backend.collection("theirs")
    assert "clothing_theirs" in in_milvus(tmp_path)


def test_a_collection_that_could_not_be_made_is_not_left_there(
    backend: MilvusBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Connection, "load", refuse)
        with pytest.raises(Unavailable, match="out of memory"):
            made(backend)
    assert in_milvus(tmp_path) == []
    made(backend)


def test_a_collection_is_made_though_the_last_answer_was_lost(
    backend: MilvusBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = Connection.point_alias

    def lost(*args: Any, **rest: Any) -> None:
        point(*args, **rest)
        refuse()

    monkeypatch.setattr(Connection, "point_alias", lost)
    assert backend.create_collection("shop", DIGEST, DIMENSION).result()
    assert backend.collection("shop").dimension == DIMENSION


@pytest.fixture
def broken_off(backend: MilvusBackend, shop: Collection, monkeypatch: pytest.MonkeyPatch) -> MilvusBackend:
    """With a collection that has lost its name, and not gone."""
    backend.upsert(shop, [record("coat", unit(1), picture=b"one")]).result()
    with monkeypatch.context() as broken:
        broken.setattr(Connection, "drop", refuse)
        with pytest.raises(Unavailable, match="out of memory"):
            backend.delete_collection("shop").result()
    return backend


def test_a_deletion_that_broke_off_is_finished_at_the_next_start(broken_off: MilvusBackend, tmp_path: Path) -> None:
    assert len(in_milvus(tmp_path)) == 1
    with opened_milvus(tmp_path):
        assert in_milvus(tmp_path) == []
    assert [path for path in (tmp_path / "pictures").rglob("*") if path.is_file()] == []


def test_a_deletion_that_broke_off_is_finished_with_the_next_one(broken_off: MilvusBackend, tmp_path: Path) -> None:
    made(broken_off)
    broken_off.delete_collection("shop").result()
    assert in_milvus(tmp_path) == []


def test_a_collection_that_could_not_be_hidden_stays(
    backend: MilvusBackend, shop: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Connection, "drop_aliases", refuse)
        with pytest.raises(Unavailable, match="out of memory"):
            backend.delete_collection("shop").result()
    with opened_milvus(tmp_path) as again:
        assert again.collection("shop") == shop


def test_a_collection_that_was_restored_without_its_alias_stays(
    backend: MilvusBackend, shop: Collection, tmp_path: Path
) -> None:
    connection = Connection(MilvusSettings(uri=str(tmp_path / "milvus.db")))
    connection.drop_aliases(shop)
    connection.close()
    with opened_milvus(tmp_path):
        assert in_milvus(tmp_path) == [f"clothing_shopC{shop.key}"]


def test_attributes_that_milvus_cannot_hold_are_an_invalid_field(backend: MilvusBackend, shop: Collection) -> None:
    many = {f"{number}": "x" for number in range(3000)}
    with pytest.raises(InvalidField, match=r"items\[1\].item.attributes: take .* at most 65536"):
        backend.upsert(shop, [record("coat", unit(1)), record("hat", unit(2), attributes=many)]).result()
    assert backend.fingerprints(shop, ["coat", "hat"]) == {}


def test_the_largest_item_that_is_accepted_fits(backend: MilvusBackend, shop: Collection) -> None:
    title = "x" * (MAX_ITEM_BYTES - 10)
    backend.upsert(shop, [record("coat", unit(1), title=title)]).result()
    assert Item.FromString(backend.message(shop, "coat")).title == title


def test_a_write_beyond_the_limit_is_refused_at_once(
    backend: MilvusBackend, shop: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, free = threading.Event(), threading.Event()
    heads = Connection.heads

    def held(*args: Any) -> dict[str, Head]:
        reached.set()
        free.wait(10)
        return heads(*args)

    monkeypatch.setattr(Connection, "heads", held)
    running = backend.delete_items(shop, ["coat"])
    reached.wait(10)
    left, *waiting = [backend.delete_items(shop, ["coat"]) for _ in range(WRITE_QUEUE)]
    assert left.cancel()  # yet it still holds its items
    with pytest.raises(Overloaded, match=r"write queue is full .*, or raise SEARCH_WRITE_QUEUE"):
        backend.delete_items(shop, ["coat"])
    free.set()
    assert [write.result(10) for write in (running, *waiting)] == [0] * WRITE_QUEUE
    assert backend.delete_items(shop, ["coat"]).result(10) == 0


def test_whether_it_is_behind_is_told_without_asking_milvus(
    backend: MilvusBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "_describe", lambda *_: pytest.fail("asked Milvus"))
    assert not backend.behind("shop")


def test_backups_are_not_offered(backend: MilvusBackend) -> None:
    with pytest.raises(NotOffered, match="milvus-backup"):
        backend.create_backup()


def test_a_start_waits_for_no_loading_and_tells_of_it(
    shop: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GrpcHandler, "get_load_state", lambda *_, **__: LoadState.Loading)
    monkeypatch.setattr(GrpcHandler, "get_loading_progress", lambda *_, **__: 30)
    with opened_milvus(tmp_path) as again:
        assert again.starting() == "loading collection 'shop': 30 %"
        monkeypatch.undo()
        assert again.starting() is None


def test_what_milvus_gave_up_to_load_is_asked_for_again(shop: Collection, tmp_path: Path) -> None:
    with opened_milvus(tmp_path) as again:
        with milvus(tmp_path) as client:
            client.release_collection(f"clothing_shopC{shop.key}")
        assert again.starting() == "loading collection 'shop': 0 %"
        assert again.starting() is None


def test_nothing_waits_for_a_collection_that_is_deleted_while_it_loads(shop: Collection, tmp_path: Path) -> None:
    with opened_milvus(tmp_path) as again:
        again.delete_collection("shop").result()
        assert again.starting() is None


def test_a_milvus_that_is_away_is_told(tmp_path: Path) -> None:
    away = MilvusSettings(uri=f"http://127.0.0.1:{free_port()}", timeout_s=0.5)
    with pytest.raises(Unavailable, match="unable to use Milvus"):
        MilvusBackend(away, tmp_path, PARAMETERS, write_queue=1)


class Mute(grpc.GenericRpcHandler):
    """A Milvus that lets clients connect, and answers nothing until it is let go."""

    def __init__(self) -> None:
        self.free = threading.Event()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            if not handler_call_details.method.endswith("/Connect"):
                self.free.wait(10)
            return b""

        return grpc.unary_unary_rpc_method_handler(answer)


def test_a_milvus_that_does_not_answer_in_time_is_told(tmp_path: Path) -> None:
    mute = Mute()
    server = grpc.server(ThreadPoolExecutor(4), handlers=[mute])
    slow = MilvusSettings(uri=f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}", timeout_s=0.2)
    server.start()
    with pytest.raises(Unavailable, match="unable to use Milvus: DEADLINE_EXCEEDED"):
        MilvusBackend(slow, tmp_path, PARAMETERS, WRITE_QUEUE)
    mute.free.set()
    server.stop(None).wait()


def test_kill_9_leaves_every_acknowledged_item_whole(tmp_path: Path) -> None:
    """Milvus Lite in the process that is killed: its log outlives a process, though not a loss of power."""
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-m", "tests.unit.search_service.test_milvus", str(tmp_path)],
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout is not None
            told = [next(writer.stdout) for _ in range(20)]
            writer.kill()
            told += list(writer.stdout)
        acknowledged = int(told[-1])
        with opened_milvus(tmp_path) as backend:
            shop = backend.collection("shop")
            for number in range(4):
                version = int(backend.fingerprints(shop, [f"item {number}"])[f"item {number}"])
                assert version in (acknowledged, acknowledged + 1)
                for view, vector in enumerate(views(number, version)):
                    (match,) = search(backend, shop, vector[np.newaxis], k=1)
                    assert (match.id, match.view) == (f"item {number}", view)
                    assert match.distance == pytest.approx(0, abs=1e-4)


def views(number: int, version: int) -> Matrix:
    return unit(version * 10 + number, rows=3)[: version % 3 + 1]


def write_for_ever(path: Path) -> None:
    with opened_milvus(path) as backend:
        shop = made(backend)
        version = int(backend.fingerprints(shop, ["item 0"]).get("item 0", 0))
        while True:
            version += 1
            items = [record(f"item {i}", views(i, version), fingerprint=str(version)) for i in range(4)]
            backend.upsert(shop, items).result()
            print(version, flush=True)


if __name__ == "__main__":
    write_for_ever(Path(sys.argv[1]))
