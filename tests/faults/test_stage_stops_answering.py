"""A stage that is there and answers nothing, as after SIGSTOP: searches fail in time, and recover when it goes on."""

import signal
import time
from pathlib import Path

import grpc
import pytest

from clothing_retrieval.v1 import retrieval_service_pb2 as pb
from tests.pictures import message, patched
from tests.processes import services
from tests.servers import details, wait_for_health
from tests.stack import item


async def test_a_search_fails_by_its_deadline_under_the_stages_name_and_health_tells(tmp_path: Path) -> None:
    async with services(tmp_path, GATEWAY_TIMEOUT_S="1") as running:
        await running.ready()
        async for _ in running.retrieval.ImportItems(iter([item("a", patched(0))]), timeout=30):
            pass
        embed = running.processes["embed"]
        embed.send(signal.SIGSTOP)
        request = pb.SearchRequest(image=message(patched(0)))
        began = time.monotonic()
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await running.retrieval.Search(request, timeout=20)
        assert time.monotonic() - began < 5
        assert seen.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert details(seen.value)["ErrorInfo"].metadata["stage"] == "embed"  # type: ignore[attr-defined]
        await wait_for_health(running.channel, "NOT_SERVING")
        embed.send(signal.SIGCONT)
        await running.ready()
        (result,) = (await running.retrieval.Search(request, timeout=20)).results
        assert [match.item.id for match in result.matches] == ["a"]
