import asyncio
import signal
import socket
import sys
import time
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import REGISTRY

from clothing_retrieval.v1 import embed_service_pb2, embed_service_pb2_grpc, types_pb2
from serving.channels import MAX_MESSAGE_BYTES, connect
from serving.health import LIVENESS
from serving.server import Server
from serving.settings import ServerSettings
from tests.samples import sample
from tests.servers import AT_ONCE, REPOSITORY, channel_to, details, health, serving, wait_for_health
from tests.unit.serving.scripted import EMBED, RETRIEVAL, ScriptedWorker, answer_nothing, embed, scripted

ALL = ("", EMBED, RETRIEVAL)


@pytest.mark.parametrize("service", ALL)
async def test_health_is_serving_for_each_service_and_overall(service: str) -> None:
    async with scripted() as (_, channel):
        assert await health(channel, service) == "SERVING"


async def test_health_of_an_unknown_service_is_not_found() -> None:
    async with scripted() as (_, channel):
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await health(channel, "clothing_retrieval.v1.TailorService")
        assert seen.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_watch_of_an_unknown_service_says_that_it_is_unknown() -> None:
    async with scripted() as (_, channel):
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service="Tailor"), timeout=10)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
        watch.cancel()


async def test_while_it_loads_it_is_not_serving_and_refuses_calls_and_then_it_serves() -> None:
    worker = ScriptedWorker()
    worker.loaded.clear()
    server = Server(ServerSettings(**AT_ONCE), worker)
    starting = asyncio.create_task(server.start())
    async with asyncio.timeout(10):
        while not server.address or server.address.endswith(":0"):
            await asyncio.sleep(0.005)
    async with channel_to(server.address) as channel:
        for service in ALL:
            assert await health(channel, service) == "NOT_SERVING"
        with pytest.raises(grpc.aio.AioRpcError, match="scripted is still loading") as seen:
            await embed(channel)
        assert seen.value.code() is grpc.StatusCode.UNAVAILABLE
        assert details(seen.value)["ErrorInfo"].metadata["service"] == "scripted"  # type: ignore[attr-defined]
        worker.loaded.set()
        await wait_for_health(channel, "SERVING", EMBED)
        await embed(channel)
        await starting
    await server.stop()


async def test_watchers_of_every_service_are_told_when_the_worker_cannot_serve_and_when_it_can_again() -> None:
    status = health_pb2.HealthCheckResponse
    async with scripted() as (worker, channel):
        stub = health_pb2_grpc.HealthStub(channel)
        watches = [stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=20) for service in ALL]
        for problem, expected in ((None, status.SERVING), ("dead", status.NOT_SERVING), (None, status.SERVING)):
            worker.problem = problem
            assert [(await watch.read()).status for watch in watches] == [expected] * len(ALL)
            assert sample("clothing_serving") == (expected == status.SERVING)
        for watch in watches:
            watch.cancel()


async def test_it_is_alive_while_it_loads_and_while_what_it_needs_is_away() -> None:
    worker = ScriptedWorker()
    worker.loaded.clear()
    server = Server(ServerSettings(**AT_ONCE), worker)
    starting = asyncio.create_task(server.start())
    async with asyncio.timeout(10):
        while not server.address or server.address.endswith(":0"):
            await asyncio.sleep(0.005)
    async with channel_to(server.address) as channel:
        assert await health(channel) == "NOT_SERVING"
        assert await health(channel, LIVENESS) == "SERVING"
        worker.problem = "a stage is away"
        worker.loaded.set()
        await starting
        assert await health(channel) == "NOT_SERVING"
        assert await health(channel, LIVENESS) == "SERVING"
    await server.stop()


async def test_it_is_not_alive_while_only_a_restart_can_help() -> None:
    async with scripted() as (worker, channel):
        assert await health(channel, LIVENESS) == "SERVING"
        worker.broken = True
        assert await health(channel, LIVENESS) == "SERVING"  # nothing is wrong yet
        worker.problem = "an engine hangs"
        await wait_for_health(channel, "NOT_SERVING", LIVENESS)
        worker.problem = None
        await wait_for_health(channel, "SERVING", LIVENESS)


async def test_a_health_check_that_breaks_means_not_serving() -> None:
    async with scripted() as (worker, channel):
        worker.problem = "raise"
        await wait_for_health(channel, "NOT_SERVING")
        worker.problem = None
        await wait_for_health(channel, "SERVING")


async def test_a_health_check_that_hangs_means_not_serving(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.server._CHECK_TIMEOUT_S", 0.1)
    async with scripted() as (worker, channel):
        await wait_for_health(channel, "SERVING")
        released = asyncio.Event()

        async def hangs() -> str | None:
            await released.wait()
            return None

        worker.check = hangs  # type: ignore[method-assign]
        await wait_for_health(channel, "NOT_SERVING")
        released.set()
        await wait_for_health(channel, "SERVING")


async def test_draining_tells_first_then_refuses_new_calls_and_lets_those_in_flight_finish() -> None:
    began, release = asyncio.Event(), asyncio.Event()

    async def waits(request: Any, context: Any) -> Any:
        began.set()
        await release.wait()
        return await answer_nothing(request, context)

    worker = ScriptedWorker(waits)
    server = Server(ServerSettings(**{**AT_ONCE, "drain_s": 0.3, "grace_s": 20}), worker)
    await server.start()
    async with channel_to(server.address) as channel:
        in_flight = asyncio.create_task(_answer(embed(channel)))
        await began.wait()
        stopping = asyncio.create_task(server.stop())
        await wait_for_health(channel, "NOT_SERVING")
        worker.behaviour = answer_nothing
        await embed(channel)  # callers have a moment to notice
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            while True:
                await embed(channel)
                await asyncio.sleep(0.01)
        if seen.value.code() is grpc.StatusCode.CANCELLED:  # it arrived at the very moment of the goodbye
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await embed(channel)
        assert seen.value.code() is grpc.StatusCode.UNAVAILABLE
        assert not worker.stopped
        release.set()
        await in_flight
        await asyncio.wait_for(stopping, 5)
    assert worker.stopped


async def _answer(call: Any) -> Any:
    return await call


async def test_a_call_that_outlasts_the_grace_is_cut() -> None:
    began = asyncio.Event()

    async def waits(request: Any, context: Any) -> Any:
        began.set()
        await asyncio.Event().wait()

    server = Server(ServerSettings(**{**AT_ONCE, "grace_s": 0.1}), ScriptedWorker(waits))
    await server.start()
    async with channel_to(server.address) as channel:
        in_flight = asyncio.create_task(_answer(embed(channel)))
        await began.wait()
        await asyncio.wait_for(server.stop(), 5)
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await in_flight
        assert seen.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


async def test_callers_that_watch_its_health_do_not_hold_up_a_stop() -> None:
    server = Server(ServerSettings(**{**AT_ONCE, "grace_s": 30}), ScriptedWorker())
    await server.start()
    async with connect(f"dns:///{server.address}", EMBED) as ours, channel_to(server.address) as others:
        await embed(ours, wait_for_ready=True)
        watch = health_pb2_grpc.HealthStub(others).Watch(health_pb2.HealthCheckRequest())
        await watch.read()
        began = time.monotonic()
        await server.stop()
        assert time.monotonic() - began < 3
        watch.cancel()


async def test_a_port_that_is_taken_is_a_clear_error() -> None:
    async with serving(ScriptedWorker()) as address:
        second = Server(ServerSettings(**{**AT_ONCE, "listen": address}), ScriptedWorker())
        with pytest.raises(RuntimeError, match=f"cannot listen on {address}: is another process there already"):
            await second.start()


async def test_it_serves_on_a_unix_socket(tmp_path: Any) -> None:
    path = f"unix:{tmp_path}/s"
    async with serving(ScriptedWorker(), ServerSettings(**{**AT_ONCE, "listen": path})) as address:
        assert address == path
        async with channel_to(address) as channel:
            await embed(channel)


async def test_a_unix_socket_is_not_taken_from_a_server_that_lives_but_from_one_that_was_killed(tmp_path: Any) -> None:
    settings = ServerSettings(**{**AT_ONCE, "listen": f"unix:{tmp_path}/s"})
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(f"{tmp_path}/s")
    async with serving(ScriptedWorker(), settings) as address, channel_to(address) as channel:
        with pytest.raises(RuntimeError, match="is another process there already"):
            await Server(settings, ScriptedWorker()).start()
        await embed(channel)


async def test_a_message_above_the_limit_is_refused_and_one_below_is_taken() -> None:
    unbounded = [("grpc.max_send_message_length", -1)]
    async with serving(ScriptedWorker()) as address, grpc.aio.insecure_channel(address, options=unbounded) as channel:
        stub = embed_service_pb2_grpc.EmbedServiceStub(channel)

        async def send(size: int) -> None:
            await stub.Embed(embed_service_pb2.EmbedRequest(images=[types_pb2.Image(encoded=bytes(size))]))

        await send(MAX_MESSAGE_BYTES - 1000)
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await send(MAX_MESSAGE_BYTES + 1000)
        assert seen.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        await embed(channel)


async def test_stopping_twice_stops_the_worker_once() -> None:
    worker = ScriptedWorker()
    server = Server(ServerSettings(**AT_ONCE), worker)
    await server.start()
    await server.stop()
    worker.stopped = False
    await server.stop()
    assert not worker.stopped


LOADING = """
import asyncio, time
from serving.server import serve
from serving.settings import ServerSettings
from tests.unit.serving.scripted import ScriptedWorker

class Loading(ScriptedWorker):
    async def start(self):
        await asyncio.to_thread(time.sleep, 60)

serve(ServerSettings, lambda settings: Loading())
"""


async def test_a_signal_while_a_thread_loads_ends_the_process_at_once() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LOADING, cwd=REPOSITORY, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        assert b"loading" in await asyncio.wait_for(process.stderr.readline(), 30)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_blocked_event_loop_is_measured() -> None:
    def late() -> float:
        samples = {
            le: REGISTRY.get_sample_value("clothing_loop_lag_seconds_bucket", {"le": le}) for le in ("0.1", "+Inf")
        }
        return (samples["+Inf"] or 0.0) - (samples["0.1"] or 0.0)

    before = late()
    async with scripted(), asyncio.timeout(10):
        await asyncio.sleep(0.01)  # the measuring begins
        time.sleep(0.3)  # noqa: ASYNC251 as a call would that should have been given to a thread
        while late() == before:
            await asyncio.sleep(0.01)
