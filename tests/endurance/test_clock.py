"""The wall clock stepped a day ahead and two days back, under load: the services go by the monotonic clock.

By libfaketime, in the services' processes only.
"""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from clothing_retrieval import AsyncClient
from clothing_retrieval.v1 import search_service_pb2, search_service_pb2_grpc
from tests.pictures import patched
from tests.replicas import calling, deployed, row
from tests.servers import channel_to
from tests.stack import item

DAY_S = 86_400
STEPS = ("+1d", "-1d", "+0")


def faked(clock: Path) -> dict[str, str]:
    """The environment of processes whose wall clock is off by what ``clock`` says at the moment."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1") if shutil.which("faketime") else (None,)
    if library is None:
        pytest.skip("needs faketime: apt-get install faketime")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def seen_by_a_process(environment: dict[str, str]) -> float:
    told = subprocess.run(["date", "+%s.%N"], env=environment, check=True, capture_output=True, text=True).stdout
    return float(told)


@pytest.mark.timeout(300)
async def test_a_clock_that_jumps_fails_no_call_and_loses_nothing(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("+0")
    environment = faked(clock)
    async with deployed(tmp_path, {}, **environment) as deployment:
        target = deployment.target("gateway")
        async with calling(target, 2, timeout_s=10) as callers, AsyncClient(target) as client:
            await callers.more(20)
            stored, backups = {"a"}, []
            for number, step in enumerate(STEPS):
                clock.write_text(step)
                off = {"+1d": DAY_S, "-1d": -DAY_S, "+0": 0}[step]
                assert abs(seen_by_a_process(environment) - time.time() - off) < 60
                await callers.more(50)
                (answer,) = [each async for each in client.import_items([item(step, patched(number + 1))])]
                stored.add(answer.id)
                async with channel_to(deployment.replicas["search"][0].address) as channel:
                    stub = search_service_pb2_grpc.SearchServiceStub(channel)
                    backups.append((await stub.CreateBackup(search_service_pb2.CreateBackupRequest())).name)
            assert {found.id async for found in client.list_items()} == stored
            await client.wait_ready(20)
    assert [str(error) for error in callers.failures] == []
    assert len(set(backups)) == len(STEPS)
    assert sorted(backups) == [backups[1], backups[2], backups[0]]  # a backup's name is the time of the wall clock
    row(
        "wall clock a day ahead, two days back, a day ahead",
        f"no failure; the slowest search took {callers.longest_s():.1f} s",
        "",
    )
