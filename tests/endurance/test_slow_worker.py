"""A worker that has a tenth of its CPU: stopped and continued in turns, as a throttled container is."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.replicas import calling, deployed, row
from tests.servers import Process

RUNS_S, RESTS_S = 0.02, 0.18


@asynccontextmanager
async def throttled(process: Process) -> AsyncIterator[None]:
    async def throttle() -> None:
        while True:
            process.send(signal.SIGSTOP)
            await asyncio.sleep(RESTS_S)
            process.send(signal.SIGCONT)
            await asyncio.sleep(RUNS_S)

    task = asyncio.create_task(throttle())
    try:
        yield
    finally:
        task.cancel()
        process.send(signal.SIGCONT)


@pytest.mark.parametrize("replicas", [1, 2])
async def test_a_slow_worker_makes_searches_slow_and_fails_none(tmp_path: Path, replicas: int) -> None:
    async with (
        deployed(tmp_path, {"segment": replicas}) as deployment,
        calling(deployment.target("gateway"), 1) as callers,
    ):
        await callers.more(40)
        usual_s, since = callers.median_s(), len(callers.calls)
        async with throttled(deployment.replicas["segment"][0].process):
            await callers.more(40)
            slow_s, longest_s = callers.median_s(since), callers.longest_s(since)
        await callers.more(10)
    assert [str(error) for error in callers.failures] == []
    assert longest_s > RESTS_S  # it was slow
    assert longest_s < 9
    row(
        f"{'the only segment worker' if replicas == 1 else 'one of two segment workers'}, a tenth of a CPU left to it",
        f"no failure; a search takes {1000 * slow_s:.0f} ms instead of {1000 * usual_s:.0f}",
        "",
    )
