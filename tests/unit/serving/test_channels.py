import asyncio
from typing import Any

import grpc
import pytest

from clothing_retrieval.v1 import embed_service_pb2, embed_service_pb2_grpc, types_pb2
from serving.channels import connect
from serving.errors import InvalidField, Overloaded, Unavailable
from tests.servers import AT_ONCE, ServerSettings, free_port, serving
from tests.unit.serving.scripted import EMBED, ScriptedWorker, answer_nothing, embed


class Failing:
    """Raises ``error`` a number of times, then answers."""

    def __init__(self, error: Exception, times: int) -> None:
        self.calls = 0
        self._error = error
        self._times = times

    async def __call__(self, request: Any, context: Any) -> Any:
        self.calls += 1
        if self.calls <= self._times:
            raise self._error
        return await answer_nothing(request, context)


async def test_an_unavailable_replica_is_tried_again() -> None:
    behaviour = Failing(Unavailable("embed", "restarting"), 2)
    async with serving(ScriptedWorker(behaviour)) as address, connect(f"dns:///{address}", EMBED) as channel:
        await embed(channel, timeout=10)
    assert behaviour.calls == 3


async def test_a_large_message_is_tried_again_too() -> None:
    behaviour = Failing(Unavailable("embed", "restarting"), 2)
    async with serving(ScriptedWorker(behaviour)) as address, connect(f"dns:///{address}", EMBED) as channel:
        request = embed_service_pb2.EmbedRequest(images=[types_pb2.Image(encoded=bytes(4 * 2**20))])
        await embed_service_pb2_grpc.EmbedServiceStub(channel).Embed(request, timeout=10)
    assert behaviour.calls == 3


async def test_a_call_that_arrives_as_a_server_says_goodbye_is_tried_again() -> None:
    goodbyes = 2

    async def cancels(request: Any, context: Any) -> Any:
        nonlocal goodbyes
        goodbyes -= 1
        if goodbyes >= 0:
            await context.abort(grpc.StatusCode.CANCELLED, "goodbye")
        return await answer_nothing(request, context)

    async with serving(ScriptedWorker(cancels)) as address, connect(f"dns:///{address}", EMBED) as channel:
        await embed(channel, timeout=10)


@pytest.mark.parametrize("error", [InvalidField("images", "are bad"), Overloaded("embed", 1, 0.1), ValueError("a bug")])
async def test_nothing_else_is_tried_again(error: Exception) -> None:
    behaviour = Failing(error, 1)
    async with serving(ScriptedWorker(behaviour)) as address, connect(f"dns:///{address}", EMBED) as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await embed(channel, timeout=10)
    assert behaviour.calls == 1


async def test_a_replica_that_is_not_serving_gets_no_calls() -> None:
    async with serving(worker := ScriptedWorker()) as address, connect(f"dns:///{address}", EMBED) as channel:
        await embed(channel, timeout=10, wait_for_ready=True)
        worker.problem = "the engine died"
        async with asyncio.timeout(10):
            while True:
                try:
                    await embed(channel, timeout=5)
                except grpc.aio.AioRpcError as error:
                    assert error.code() is grpc.StatusCode.UNAVAILABLE
                    break
                await asyncio.sleep(0.02)
        worker.problem = None
        await embed(channel, timeout=10, wait_for_ready=True)


async def test_a_server_that_comes_back_is_found_again() -> None:
    port = free_port()
    settings = ServerSettings(**{**AT_ONCE, "listen": f"127.0.0.1:{port}"})
    async with connect(f"dns:///127.0.0.1:{port}", EMBED) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as away:
            await embed(channel, timeout=5)
        assert away.value.code() is grpc.StatusCode.UNAVAILABLE
        for _ in range(2):
            async with serving(ScriptedWorker(), settings):
                await embed(channel, timeout=10, wait_for_ready=True)
