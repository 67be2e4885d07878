import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from search_service.folder import DATABASE, FolderBusy
from search_service.restore import CannotRestore, main, restore
from search_service.schema import VERSION
from search_service.snapshots import SNAPSHOTS
from tests.unit.search_service.indexes import ids, made, opened, record, search, unit


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """Of a data folder that is gone."""
    with opened(tmp_path / "gone") as index:
        shop = made(index)
        index.upsert(shop, [record(f"{i}", unit(i), picture=b"jpeg") for i in range(30)]).result()
        index.set_alias("live", "shop").result()
        name = index.create_backup().name
    kept = (tmp_path / "gone" / "backups" / name).rename(tmp_path / "backup")
    (tmp_path / "gone").rename(tmp_path / "nowhere")
    return kept


def test_all_is_there_again(backup: Path, tmp_path: Path) -> None:
    assert restore(backup, tmp_path / "data") == 30
    with opened(tmp_path / "data") as index:
        live = index.collection("live")
        assert ids(search(index, live, unit(7), 1)) == ["7"]
        assert index.picture(live, "7") == b"jpeg"
        index.upsert(live, [record("later", unit(99))]).result()


def test_a_catalogue_is_never_written_over(backup: Path, tmp_path: Path) -> None:
    restore(backup, tmp_path / "data")
    before = (tmp_path / "data" / DATABASE).read_bytes()
    with pytest.raises(CannotRestore, match=r"holds catalog\.sqlite3: move that away"):
        restore(backup, tmp_path / "data")
    assert (tmp_path / "data" / DATABASE).read_bytes() == before


def test_a_folder_in_use_is_left_alone(backup: Path, tmp_path: Path) -> None:
    with opened(tmp_path / "data"), pytest.raises(FolderBusy):
        restore(backup, tmp_path / "data")


def test_what_a_killed_restore_left_and_graphs_of_another_catalogue_are_removed(backup: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / SNAPSHOTS).mkdir(parents=True)
    (tmp_path / "data" / SNAPSHOTS / "1-0.json").write_text("{}")
    (tmp_path / "data" / "restoring").write_bytes(b"half")
    assert restore(backup, tmp_path / "data") == 30
    assert sorted(file.name for file in (tmp_path / "data").iterdir()) == [DATABASE, "lock"]


@pytest.mark.parametrize("harm", ["missing", "cut", "torn", "later"])
def test_no_backup_or_a_damaged_one_is_refused(backup: Path, tmp_path: Path, harm: str) -> None:
    database = backup / DATABASE
    content = database.read_bytes()
    if harm == "missing":
        database.unlink()
    elif harm == "cut":
        database.write_bytes(content[: len(content) // 2])
    elif harm == "torn":
        database.write_bytes(content[:8192] + bytes(8192) + content[16384:])
    else:
        with closing(sqlite3.connect(database)) as db:
            db.execute(f"PRAGMA user_version = {VERSION + 1}")
    says = {"missing": "is no backup", "later": "later release"}.get(harm, "is damaged")
    with pytest.raises(CannotRestore, match=says):
        restore(backup, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_the_command_says_what_it_did(backup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(backup), str(tmp_path / "data")]) == 0
    assert main([str(backup), str(tmp_path / "data")]) == 1
    out, err = capsys.readouterr()
    assert out == f"30 items are in {tmp_path / 'data'}\n"
    assert "move that away" in err
