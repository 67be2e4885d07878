"""10,000 connections that do nothing: the gateway holds them, answers others as before, and lets go of the mute."""

import asyncio
import contextlib
import resource
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from clothing_retrieval import AsyncClient
from tests.pictures import encoded, patched
from tests.replicas import calling, deployed, row
from tests.servers import REPOSITORY, channel_to, health

COUNT = 10_000
MOST_MIB_EACH = 0.05


@asynccontextmanager
async def idle(address: str, count: int) -> AsyncIterator[Process]:
    """So many connections, once all are open."""
    clients = await asyncio.create_subprocess_exec(
        sys.executable, REPOSITORY / "tests" / "idle_clients.py", address, str(count), stdin=PIPE, stdout=PIPE
    )
    try:
        assert clients.stdout is not None
        async with asyncio.timeout(120):
            assert await clients.stdout.readline() == b"open\n"
        yield clients
    finally:
        with contextlib.suppress(ProcessLookupError):
            clients.kill()
        await clients.wait()


async def closed(clients: Process) -> int:
    """Ends the clients: how many of their connections the server had closed."""
    told, _ = await clients.communicate(b"")
    return int(told)


@pytest.mark.timeout(300)
async def test_ten_thousand_idle_connections_cost_little_and_slow_nobody(tmp_path: Path) -> None:
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most_files < COUNT + 300:
        pytest.skip(f"needs {COUNT + 300} open files, {most_files} are allowed")
    async with deployed(tmp_path, {}) as deployment:
        (gateway,) = deployment.replicas["gateway"]
        async with calling(gateway.address, 1) as callers:
            await callers.more(50)
            before_s, before_mib = callers.median_s(), gateway.process.most_memory_mib()
            async with idle(gateway.address, COUNT) as clients:
                since = len(callers.calls)
                await callers.more(100)
                during_s, during_mib = callers.median_s(since), gateway.process.most_memory_mib()
                async with AsyncClient(gateway.address) as late:
                    await late.search(encoded(patched(1)), timeout_s=10)
                assert await closed(clients) == 0
    assert [str(error) for error in callers.failures] == []
    assert during_mib - before_mib < MOST_MIB_EACH * COUNT
    assert during_s < 5 * before_s + 0.1
    row(
        f"{COUNT:,} idle connections to the gateway",
        f"no failure; memory {during_mib} MiB instead of {before_mib}",
        "",
    )


async def test_beyond_its_limit_a_gateway_takes_no_connection_and_those_it_has_are_served(tmp_path: Path) -> None:
    async with deployed(tmp_path, {}, GATEWAY_MAX_CONNECTIONS="40") as deployment:
        (gateway,) = deployment.replicas["gateway"]
        async with calling(gateway.address, 1) as callers:
            await callers.more(5)
            async with idle(gateway.address, 100) as clients:
                async with channel_to(gateway.address) as late:  # a client like the caller would share its connection
                    with pytest.raises(grpc.aio.AioRpcError) as refused:
                        await health(late)
                await callers.more(20)
                assert await closed(clients) >= 60
            await gateway.ready()
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert [str(error) for error in callers.failures] == []
