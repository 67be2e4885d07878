import shutil
import threading
from pathlib import Path

import pytest

from search_service.backup import remove_partial_backups
from serving.errors import Unavailable
from tests.unit.search_service.indexes import ids, made, opened, record, search, unit


def test_a_backup_opens_as_a_data_folder_of_the_same_content(tmp_path: Path) -> None:
    with opened(tmp_path / "data") as index:
        shop = made(index)
        index.set_alias("live", "shop").result()
        index.upsert(shop, [record(f"{i}", unit(i), picture=b"jpeg") for i in range(50)]).result()
        backup = index.create_backup()
        index.upsert(shop, [record("later", unit(99))]).result()
    folder = tmp_path / "data" / "backups" / backup.name
    assert sum(file.stat().st_size for file in folder.iterdir()) == backup.size_bytes
    shutil.copytree(folder, tmp_path / "restored")
    with opened(tmp_path / "restored") as index:
        live = index.collection("live")
        assert ids(search(index, live, unit(7), 1)) == ["7"]
        assert index.picture(live, "7") == b"jpeg"
        assert index.fingerprints(live, ["later"]) == {}


def test_a_backup_made_while_others_write_holds_whole_writes(tmp_path: Path) -> None:
    with opened(tmp_path / "data") as index:
        shop = made(index)
        stop = threading.Event()

        def write() -> None:
            turn = 0
            while not stop.is_set():
                index.upsert(shop, [record(f"{i}", unit(i), fingerprint=str(turn)) for i in range(20)]).result()
                turn += 1

        writing = threading.Thread(target=write)
        writing.start()
        backups = [index.create_backup() for _ in range(5)]
        stop.set()
        writing.join()
    assert len({backup.name for backup in backups}) == 5
    for backup in backups:
        with opened(tmp_path / "data" / "backups" / backup.name) as index:
            found = index.fingerprints(index.collection("shop"), [str(i) for i in range(20)])
            assert len(found) in (0, 20)
            assert len(set(found.values())) <= 1


def test_where_no_backup_can_be_written_none_is_left(tmp_path: Path) -> None:
    with opened(tmp_path / "data") as index:
        made(index)
        (tmp_path / "data" / "backups").write_text("a file, not a folder")
        with pytest.raises(Unavailable, match="unable to write a backup below"):
            index.create_backup()


def test_what_a_killed_backup_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "1-2.partial").mkdir()
    (tmp_path / "1-2.partial" / "catalog.sqlite3").write_bytes(b"half")
    (tmp_path / "20260101T000000.000000Z").mkdir()
    remove_partial_backups(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["20260101T000000.000000Z"]
