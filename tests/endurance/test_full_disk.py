"""The search service's disk full: callers are told, searches go on, and an import goes on once there is room."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.rpc import code_pb2

from clothing_retrieval import AsyncClient
from clothing_retrieval.v1 import retrieval_service_pb2 as pb
from tests.pictures import patched
from tests.replicas import calling, deployed, row
from tests.stack import item

WAITS_S = 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """8 MiB, of which a file takes 2."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)]
    mount = subprocess.run(command, check=False, capture_output=True, text=True)
    if mount.returncode:
        pytest.skip(f"needs the right to mount: {mount.stderr.strip()}")
    (disk / "ballast").write_bytes(bytes(2 << 20))
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


async def test_on_a_full_disk_items_are_refused_and_an_import_goes_on_when_there_is_room(
    tmp_path: Path, small_disk: Path
) -> None:
    environment = {"SEARCH_DATA_DIR": str(small_disk / "data"), "GATEWAY_IMPORT_ITEM_TIMEOUT_S": str(WAITS_S)}
    async with deployed(tmp_path, {}, **environment) as deployment:
        target = deployment.target("gateway")
        async with calling(target, 1) as callers, AsyncClient(target) as client:
            stored, refused = {"a"}, []
            async with asyncio.timeout(90):
                async for answer in client.import_items(_large(n) for n in range(400)):
                    if answer.outcome == pb.IMPORT_OUTCOME_CREATED:
                        stored.add(answer.id)
                    else:
                        refused.append(answer)
                        if len(refused) == 1:
                            await callers.more(10)
                            (small_disk / "ballast").unlink()
                            (again,) = [each async for each in client.import_items([_large(1_000)])]
                    if len(refused) > 20:
                        break  # full again
            assert again.outcome == pb.IMPORT_OUTCOME_CREATED
            stored.add(again.id)
            found = {each.id async for each in client.list_items()}
            await callers.more(10)
    assert {answer.status.code for answer in refused} == {code_pb2.UNAVAILABLE}
    assert "unable to write" in refused[0].status.message
    assert stored <= found
    assert [str(error) for error in callers.failures] == []
    row(
        "disk of the search service full",
        "items UNAVAILABLE, once they waited (`GATEWAY_IMPORT_ITEM_TIMEOUT_S`); no search fails",
        "at once where there is room",
    )


def _large(number: int) -> pb.ImportItemsRequest:
    return item(f"{number:04}", patched(number % 20), picture_jpeg=bytes([number % 256]) * 60_000)
