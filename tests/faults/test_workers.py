"""Workers that are killed, stopped, slow or wedged: what callers see, how soon, and how soon it is over.

Run with -s, each test prints a row of the table in docs/operations.md.
"""

import signal
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from clothing_retrieval import AsyncClient, errors
from clothing_retrieval.v1 import embed_service_pb2, embed_service_pb2_grpc, types_pb2
from tests.engines import SIDE, write_slow_embedder
from tests.pictures import message, patched
from tests.replicas import calling, deployed, row
from tests.servers import channel_to, wait_for_health


async def test_one_of_two_workers_that_is_killed_or_stopped_fails_no_search(tmp_path: Path) -> None:
    async with deployed(tmp_path, {"segment": 2}) as deployment:
        first, second = deployment.replicas["segment"]
        async with calling(deployment.target("gateway"), 2) as callers:
            await callers.more(20)
            since = len(callers.calls)
            await first.process.kill()
            await callers.more(50)
            killed_s = callers.longest_s(since)
            await first.process.start()
            await first.ready()
            since = len(callers.calls)
            second.process.send(signal.SIGSTOP)
            await callers.more(100)
            stopped_s = callers.longest_s(since)
            second.process.send(signal.SIGCONT)
            await callers.more(20)
    assert [str(error) for error in callers.failures] == []
    assert 1 < stopped_s < 9  # it was called, and another answered before the 10 s that a search may take
    row("one of two segment workers, killed (SIGKILL)", f"no failure; the slowest search took {killed_s:.1f} s", "")
    row("one of two segment workers, stopped (SIGSTOP)", f"no failure; the slowest search took {stopped_s:.1f} s", "")


async def test_where_the_only_worker_is_killed_searches_fail_at_once_and_are_answered_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with deployed(tmp_path, {}) as deployment:
        (replica,) = deployment.replicas["embed"]
        async with calling(deployment.target("gateway"), 2) as callers:
            await callers.more(5)
            await replica.process.kill()
            failed = await callers.failed()
            await replica.process.start()
            await replica.ready()
            ready = time.monotonic()
            await callers.more(1)
            recovered_s = time.monotonic() - ready
    assert isinstance(failed.error, errors.Unavailable)
    assert failed.error.metadata["stage"] == "embed"
    assert failed.took_s < 5
    row(
        "the only embed worker, killed",
        f"UNAVAILABLE (stage embed) after {failed.took_s:.1f} s",
        f"{recovered_s:.1f} s after the new one is ready",
    )


async def test_a_wedged_engine_makes_its_worker_and_the_gateway_not_serving_under_the_stages_name(
    tmp_path: Path,
) -> None:
    environment = {"EMBED_STALL_S": "0.5", "EMBED_GRACE_S": "1"}
    write_slow_embedder(tmp_path / "models", 1_000_000)  # minutes for a white picture
    async with deployed(tmp_path, {}, **environment) as deployment:
        (embed,), (gateway,) = deployment.replicas["embed"], deployment.replicas["gateway"]
        async with channel_to(embed.address) as to_embed, channel_to(gateway.address) as to_gateway:
            began = time.monotonic()
            wedged = embed_service_pb2_grpc.EmbedServiceStub(to_embed).Embed(_white(), timeout=100)
            await wait_for_health(to_embed, "NOT_SERVING", "clothing_retrieval.v1.EmbedService")
            told_s = time.monotonic() - began
            await wait_for_health(to_gateway, "NOT_SERVING")
            async with AsyncClient(gateway.address) as client:
                with pytest.raises(errors.Unavailable) as seen:
                    await client.search(message(patched(0)), timeout_s=20)
            assert seen.value.metadata["stage"] == "embed"
            began = time.monotonic()
            await embed.restart()  # it ends within its grace, though the engine never does
            await wait_for_health(to_gateway, "SERVING")
            over_s = time.monotonic() - began
            with pytest.raises(grpc.aio.AioRpcError):
                await wedged
        gateway.process.send(signal.SIGTERM)
        assert await gateway.process.ended(30) == 0
    assert "not serving: embed: " in gateway.process.output
    row(
        "an engine that never returns (`EMBED_STALL_S=0.5`)",
        f"worker and gateway NOT_SERVING after {told_s:.1f} s, searches UNAVAILABLE (stage embed)",
        f"{over_s:.1f} s after SIGTERM, with a new worker",
    )


def _white() -> Any:
    pixels = types_pb2.Pixels(width=SIDE, height=SIDE, rgb=b"\xff" * (SIDE * SIDE * 3))
    return embed_service_pb2.EmbedRequest(images=[types_pb2.Image(pixels=pixels)])
