"""A full disk, a read-only one, a database that another process locks: writes say so, reads go on, nothing is lost."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from search_service.filters import Filter
from search_service.folder import DATABASE
from search_service.index import Index
from search_service.names import Collection
from serving.errors import Unavailable
from tests.unit.search_service.indexes import ids, made, opened, record, search, unit

PICTURE = bytes(range(256)) * 128


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """4 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(disk)], check=False, capture_output=True, text=True
    )
    if mount.returncode:
        pytest.skip(f"needs the right to mount: {mount.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.fixture
def failing_disk(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A folder on a disk of 16 MiB, and the file that makes the kernel find an error there and write no more to it."""
    image, disk = tmp_path / "image", tmp_path / "disk"
    disk.mkdir()
    image.write_bytes(bytes(16 << 20))
    mount = subprocess.run(
        f"mkfs.ext4 -q -F {image} && mount -o loop,errors=remount-ro {image} {disk}",
        shell=True,
        check=False,
        capture_output=True,
        text=True,
    )
    if mount.returncode:
        pytest.skip(f"needs the right to mount an image: {mount.stderr.strip()}")
    device = subprocess.run(["findmnt", "-no", "SOURCE", disk], check=True, capture_output=True, text=True).stdout
    yield disk, Path("/sys/fs/ext4", Path(device.strip()).name, "trigger_fs_error")
    subprocess.run(["umount", str(disk)], check=True)


def fill(index: Index, shop: Collection, first: int) -> tuple[int, str]:
    """Writes items until one fails: the number of the failed one, and what was said."""
    for number in range(first, first + 1000):
        try:
            index.upsert(shop, [record(str(number), unit(number), picture=PICTURE)]).result(30)
        except Unavailable as error:
            return number, str(error)
    raise AssertionError("the disk is never full")


def test_on_a_full_disk_writes_fail_reads_go_on_and_nothing_acknowledged_is_lost(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1 << 20))
    with opened(small_disk / "data") as index:
        shop = made(index)
        failed, said = fill(index, shop, 0)
        assert failed > 5
        assert "unable to write: " in said
        assert "full" in said or "disk I/O error" in said
        for number in range(failed):
            assert ids(search(index, shop, unit(number), 1)) == [str(number)]
        with pytest.raises(Unavailable, match="unable to write a backup below"):
            index.create_backup()
        ballast.unlink()
        later, _ = fill(index, shop, failed)
        assert later > failed
        assert index.failure() is None
    with opened(small_disk / "data") as index:
        shop = index.collection("shop")
        assert len(index.page(shop, Filter(), "", 1000)) == later
        for number in range(later):
            assert index.picture(shop, str(number)) == PICTURE
            assert ids(search(index, shop, unit(number), 1)) == [str(number)]


def test_once_the_disk_is_read_only_writes_fail_and_reads_go_on(failing_disk: tuple[Path, Path]) -> None:
    disk, fail = failing_disk
    with opened(disk / "data") as index:
        shop = made(index)
        index.upsert(shop, [record(str(number), unit(number), picture=PICTURE) for number in range(20)]).result()
        fail.write_text("1")
        for _ in range(2):
            with pytest.raises(Unavailable, match="unable to write: "):
                index.upsert(shop, [record("late", unit(100))]).result(30)
            with pytest.raises(Unavailable, match="unable to write: "):
                index.delete_items(shop, ["0"]).result(30)
            with pytest.raises(Unavailable, match="unable to write a backup below"):
                index.create_backup()
        assert index.failure() is None
        for number in range(20):
            assert ids(search(index, shop, unit(number), 1)) == [str(number)]
            assert index.picture(shop, str(number)) == PICTURE


def test_while_another_process_locks_the_database_writes_fail_and_reads_go_on(tmp_path: Path) -> None:
    with opened(tmp_path) as index:
        shop = made(index)
        index.upsert(shop, [record("a", unit(1))]).result()
        with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as stranger:
            stranger.execute("BEGIN IMMEDIATE")
            writing = index.upsert(shop, [record("b", unit(2))])
            assert ids(search(index, shop, unit(1))) == ["a"]
            with pytest.raises(Unavailable, match="unable to write: database is locked"):
                writing.result(30)
            assert ids(search(index, shop, unit(1))) == ["a"]
            stranger.execute("ROLLBACK")
        index.upsert(shop, [record("c", unit(3))]).result()
        assert sorted(ids(search(index, shop, unit(1)))) == ["a", "c"]
