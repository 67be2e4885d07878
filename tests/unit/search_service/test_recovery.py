"""What is on disk is what is found, after whatever end."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from clothing_retrieval.v1 import types_pb2
from search_service.folder import Folder, FolderBusy
from search_service.records import Probe
from search_service.schema import _MIGRATIONS, VERSION, SchemaTooNew, open_database
from serving.errors import NotFound
from tests.unit.search_service.indexes import DIGEST, DIMENSION, ask, ids, made, opened, plan, record, search, unit


@pytest.mark.parametrize("exact_below", [10_000, 100])
def test_everything_is_there_again_when_it_is_opened_again(tmp_path: Path, exact_below: int) -> None:
    with opened(tmp_path, plan(exact_below)) as index:
        shop = made(index)
        index.set_alias("live", "shop").result()
        index.upsert(shop, [record(f"{i:03}", unit(i, 2), ["top", "bag"]) for i in range(500)]).result()
        index.upsert(shop, [record("007", unit(1007), ["dress"], "new")]).result()
        index.delete_items(shop, ["008"]).result()
        index.settle(10)
        before = [search(index, shop, unit(i), 5, exact=True) for i in range(20)]
        summaries = index.summaries()
    with opened(tmp_path, plan(exact_below)) as index:
        shop = index.collection("live")
        assert [search(index, shop, unit(i), 5, exact=True) for i in range(20)] == before
        assert index.summaries() == summaries
        assert ids(search(index, shop, unit(1007), 1, categories=["dress"])) == ["007"]
        assert index.fingerprints(shop, ["007", "008"]) == {"007": "new"}
        with pytest.raises(NotFound):
            ask(index, shop, Probe(None, "008", ()))


def test_labels_and_keys_are_never_used_again(tmp_path: Path) -> None:
    with opened(tmp_path) as index:
        shop = made(index)
        index.upsert(shop, [record("a", unit(1))]).result()
        index.delete_items(shop, ["a"]).result()
        index.delete_collection("shop").result()
    with opened(tmp_path) as index:
        again = made(index)
        assert again.key > shop.key
        index.upsert(again, [record("a", unit(1))]).result()
        with index._store.reading() as db:
            assert db.execute("SELECT label, item FROM views").fetchall() == [(2, 2)]


def test_it_is_durable_by_its_settings(tmp_path: Path) -> None:
    db = open_database(tmp_path / "x.sqlite3")
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert db.execute("PRAGMA foreign_keys").fetchone() == (1,)
    assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)
    db.close()


def test_a_database_of_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "catalog.sqlite3") as db:
        db.executescript(f"{_MIGRATIONS[0]} PRAGMA user_version = 1")
        db.execute("INSERT INTO collections VALUES (1, 'shop', ?, ?, 0)", (DIGEST, DIMENSION))
        db.execute(
            "INSERT INTO items (collection, id, sequence, fingerprint, message) VALUES (1, 'a', 1, 'old', ?)",
            (types_pb2.Item(id="a").SerializeToString(),),
        )
        db.execute("INSERT INTO views VALUES (1, 1, 1, 0, 'top', ?)", (unit(1).tobytes(),))
        db.execute("INSERT INTO deletions VALUES (2, 1, 2)")
    db.close()
    with opened(tmp_path) as index:
        shop = index.collection("shop")
        index.upsert(shop, [record("b", unit(2))]).result()
        assert [ids(search(index, shop, unit(i), 1)) for i in (1, 2)] == [["a"], ["b"]]


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    db = open_database(path)
    db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    with pytest.raises(SchemaTooNew, match=f"has schema version {VERSION + 1}, this release knows up to {VERSION}"):
        open_database(path)
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (VERSION + 1,)
    db.close()


def test_a_second_process_is_told_who_has_the_folder(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FolderBusy, match=f"is open in process {holder.pid}: stop that one, or give this one"):
            Folder(tmp_path)
        holder.kill()
    Folder(tmp_path).close()


HOLD = """
import sys
from pathlib import Path
from search_service.folder import Folder
with Folder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
