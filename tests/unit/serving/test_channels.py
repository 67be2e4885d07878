import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

import grpc
import pytest

from benchmarks.names import names
from clothing_retrieval.v1 import embed_service_pb2, embed_service_pb2_grpc, types_pb2
from serving.channels import connect
from serving.errors import InvalidField, Overloaded, Unavailable
from tests.servers import AT_ONCE, ServerSettings, free_port, serving
from tests.unit.serving.scripted import EMBED, Behaviour, ScriptedWorker, answer_nothing, embed


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


async def test_connections_that_end_at_their_age_cost_no_call() -> None:
    peers: set[str] = set()
    enough = asyncio.Event()

    async def remembers(request: Any, context: Any) -> Any:
        peers.add(context.peer())
        if len(peers) >= 20:
            enough.set()
        return await answer_nothing(request, context)

    async def call_until_enough(channel: grpc.aio.Channel) -> None:
        while not enough.is_set():
            await embed(channel, timeout=10)

    settings = ServerSettings(**AT_ONCE, max_connection_age_s=0.1)
    async with serving(ScriptedWorker(remembers), settings) as address, connect(f"dns:///{address}", EMBED) as channel:
        await asyncio.wait_for(asyncio.gather(*(call_until_enough(channel) for _ in range(4))), 30)


async def test_a_replica_that_is_new_in_dns_gets_calls() -> None:
    port = free_port()

    def replica(address: str, behaviour: Behaviour = answer_nothing) -> AbstractAsyncContextManager[str]:
        settings = ServerSettings(**{**AT_ONCE, "listen": f"{address}:{port}"}, max_connection_age_s=0.2)
        return serving(ScriptedWorker(behaviour), settings)

    met = asyncio.Event()

    async def meets(request: Any, context: Any) -> Any:
        met.set()
        return await answer_nothing(request, context)

    async with names() as dns, replica("127.0.0.1"), connect(f"{dns.target}:{port}", EMBED) as channel:
        dns.addresses = ["127.0.0.1"]
        await embed(channel, timeout=10)
        async with replica("127.0.0.2", meets), asyncio.timeout(30):
            dns.addresses = ["127.0.0.1", "127.0.0.2"]
            while not met.is_set():
                await embed(channel, timeout=10)
