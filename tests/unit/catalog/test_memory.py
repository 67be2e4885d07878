import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from clothing_retrieval.catalog.entry import CatalogueError
from clothing_retrieval.catalog.memory import Memory
from clothing_retrieval.catalog.shop_page import ShopPage
from clothing_retrieval.catalog.web import Validators

FEED = Validators(etag='"feed"')
PICTURES = {"https://cdn.example/1.jpg": Validators(last_modified="Sat, 28 Nov 2026 04:00:00 GMT")}


def test_a_finished_import_leaves_what_a_later_one_asks_with(tmp_path: Path) -> None:
    with Memory(tmp_path / "deep" / "memory.sqlite", "a") as memory:
        assert not memory.document(pruned=False)
        memory.keep_item("1", "digest", PICTURES)
        memory.finish(FEED, pruned=False)
    with Memory(tmp_path / "deep" / "memory.sqlite", "a") as memory:
        assert (memory.goes_on, memory.document(pruned=False)) == (False, FEED)
        known = memory.item("1")
        assert known
        assert (known.digest, known.pictures, known.fresh) == ("digest", PICTURES, False)


def test_an_import_that_broke_off_goes_on_and_trusts_no_older_feed(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite"
    with Memory(path, "a") as memory:
        memory.finish(FEED, pruned=False)
    with Memory(path, "a") as memory:
        memory.keep_item("1", "digest", PICTURES)
    with Memory(path, "a") as memory:
        known = memory.item("1")
        assert known
        assert (memory.goes_on, known.fresh, memory.document(pruned=False)) == (True, True, Validators())


@pytest.mark.parametrize(("kept_h_ago", "goes_on"), [(1, True), (13, False)])
@pytest.mark.parametrize("what", ["page", "item"])
def test_how_long_ago_an_import_broke_off_counts_not_how_long_ago_it_began(
    tmp_path: Path, what: str, kept_h_ago: int, goes_on: bool
) -> None:
    path = tmp_path / "memory.sqlite"
    with Memory(path, "other") as memory:
        memory.keep_item("1", "digest", {})
    with Memory(path, "a") as memory:
        if what == "item":
            memory.keep_item("1", "digest", {})
        else:
            memory.keep_page("1", ShopPage(), FEED)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(f"""
            UPDATE run SET began = began - 16 * 3600 WHERE key = 'a';
            UPDATE page SET read_at = read_at - {kept_h_ago} * 3600 WHERE key = 'a';
            UPDATE item SET stored_at = stored_at - {kept_h_ago} * 3600 WHERE key = 'a';
        """)
    with Memory(path, "a") as memory:
        known = memory.item("1") if what == "item" else memory.page("1")
        assert known
        assert (memory.goes_on, known.fresh) == (goes_on, goes_on)


def test_what_the_source_no_longer_has_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite"
    for ids in (("1", "2"), ("2",)):
        with Memory(path, "a") as memory:
            for id in ids:
                memory.keep_item(id, "digest", {})
            memory.finish(FEED, pruned=False)
    with Memory(path, "a") as memory:
        assert memory.item("1") is None
        assert memory.item("2")


def test_each_source_and_place_has_a_memory_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite"
    with Memory(path, "a") as one, Memory(path, "b") as other:
        one.keep_item("1", "digest", {})
        assert other.item("1") is None
        one.forget()
        assert one.item("1") is None


def test_the_memory_of_another_version_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite"
    database = sqlite3.connect(path)
    database.executescript("CREATE TABLE run (key TEXT); PRAGMA user_version = 99;")
    database.close()
    with Memory(path, "a") as memory:
        memory.finish(FEED, pruned=True)
        assert memory.document(pruned=True) == FEED


def test_a_memory_in_no_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CatalogueError, match="--memory"):
        Memory(tmp_path / "file" / "memory.sqlite", "a")
