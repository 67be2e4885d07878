"""Real processes: how they start, tell their health, are scraped, drain and end."""

import asyncio
import json
import signal
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from clothing_retrieval.v1 import embed_service_pb2, embed_service_pb2_grpc
from tests.engines import write_embedder
from tests.pictures import message, noise
from tests.servers import Process, channel_to, free_port, health, process, wait_for_health

EMBED = "clothing_retrieval.v1.EmbedService"


@asynccontextmanager
async def embed_process(models: Path, **environment: str) -> AsyncIterator[tuple[Process, grpc.aio.Channel]]:
    """An embed service that holds each picture back for five seconds, so that a call is in flight for so long."""
    address = f"127.0.0.1:{free_port()}"
    settings = {"LISTEN": address, "MODELS_DIR": str(models), "MAX_BATCH": "8", "MAX_DELAY_MS": "5000"}
    prefixed = {f"EMBED_{name}": value for name, value in (settings | environment).items()}
    async with process("embed_service", **prefixed) as started, channel_to(address) as channel:
        yield started, channel


def embed(channel: grpc.aio.Channel) -> Any:
    stub = embed_service_pb2_grpc.EmbedServiceStub(channel)
    return stub.Embed(embed_service_pb2.EmbedRequest(images=[message(noise(32, 32))]), timeout=20)


def ask(channel: grpc.aio.Channel) -> Any:
    return embed_service_pb2_grpc.EmbedServiceStub(channel).GetEmbedModel(embed_service_pb2.GetEmbedModelRequest())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_on_a_signal_it_tells_finishes_what_is_in_flight_refuses_new_calls_and_ends_with_0(
    known_models: Path, number: signal.Signals
) -> None:
    async with embed_process(known_models, DRAIN_S="0.3") as (service, channel):
        for name in ("", EMBED):
            await wait_for_health(channel, "SERVING", name)
        call = embed(channel)
        await asyncio.sleep(0.2)  # it is there now, and held back for some seconds
        service.send(number)
        await wait_for_health(channel, "NOT_SERVING", EMBED)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            while not call.done():
                await ask(channel)
                await asyncio.sleep(0.02)
        if refused.value.code() is grpc.StatusCode.CANCELLED:
            # grpc's core answers so to a call that arrives at the very moment at which it says goodbye.
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await ask(channel)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert not call.done()
        assert len((await call).embeddings) == 1
        assert await service.ended(10) == 0
    assert "draining" in service.output
    assert "Traceback" not in service.output


async def test_watchers_see_it_come_and_do_not_keep_it_from_going(known_models: Path) -> None:
    async with embed_process(known_models, DRAIN_S="0", GRACE_S="30") as (service, channel):
        await wait_for_health(channel, "SERVING", EMBED)
        assert await health(channel) == "SERVING"
        watching = asyncio.create_task(wait_for_health(channel, "NOT_SERVING", EMBED))
        await asyncio.sleep(0.1)
        service.send(signal.SIGTERM)
        assert await service.ended(10) == 0
        await asyncio.wait([watching])
        watching.exception()


async def test_a_port_that_is_taken_ends_it_with_1_and_says_why(known_models: Path) -> None:
    taken = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    address = "{}:{}".format(*taken.sockets[0].getsockname())
    async with embed_process(known_models, LISTEN=address) as (service, _):
        assert await service.ended() == 1
    taken.close()
    assert f"cannot listen on {address}: is another process there already?" in service.output
    assert "Traceback" not in service.output


async def test_a_second_process_cannot_share_the_port_of_the_first(known_models: Path) -> None:
    async with embed_process(known_models) as (first, channel):
        await wait_for_health(channel, "SERVING")
        address = first.environment["EMBED_LISTEN"]
        async with embed_process(known_models, LISTEN=address) as (second, _):
            assert await second.ended() == 1
        assert await health(channel) == "SERVING"


async def test_a_metrics_port_that_is_taken_ends_it_with_1_and_says_why(known_models: Path) -> None:
    taken = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    address = "{}:{}".format(*taken.sockets[0].getsockname())
    async with embed_process(known_models, METRICS_LISTEN=address) as (service, _):
        assert await service.ended() == 1
    taken.close()
    assert address in service.output
    assert "Traceback" not in service.output


async def test_a_model_that_is_damaged_or_missing_ends_it_with_1_and_says_where(tmp_path: Path) -> None:
    async with embed_process(tmp_path) as (service, _):
        assert await service.ended() == 1
    assert f"{tmp_path}/garment-embedder: no version with a model.json" in service.output
    assert "Traceback" not in service.output
    (write_embedder(tmp_path) / "model.onnx").write_bytes(b"damaged")
    async with embed_process(tmp_path) as (service, _):
        assert await service.ended() == 1
    assert f"{tmp_path}/garment-embedder/1/model.onnx: SHA-256 is" in service.output


async def test_a_device_that_is_not_there_ends_it_with_1(known_models: Path) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    async with embed_process(known_models, DEVICE="cuda") as (service, _):
        assert await service.ended() == 1
    assert "device 'cuda' was asked for" in service.output


async def test_a_setting_that_makes_no_sense_ends_it_and_names_it(known_models: Path) -> None:
    async with embed_process(known_models, MAX_BATCH="many") as (service, _):
        assert await service.ended() != 0
    assert "EMBED_MAX_BATCH=many" in service.output


async def test_it_is_scraped_and_logs_json_with_the_request_id(known_models: Path) -> None:
    metrics = f"127.0.0.1:{free_port()}"
    async with embed_process(
        known_models, METRICS_LISTEN=metrics, LOG_FORMAT="json", MAX_DELAY_MS="0", DRAIN_S="0"
    ) as (service, channel):
        await wait_for_health(channel, "SERVING")
        await embed(channel)
        stub = embed_service_pb2_grpc.EmbedServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.Embed(embed_service_pb2.EmbedRequest(), metadata=(("x-request-id", "abc-123"),))
        text = await asyncio.to_thread(_get, f"http://{metrics}/metrics")
        service.send(signal.SIGTERM)
        assert await service.ended(10) == 0
    assert f'clothing_rpc_calls_total{{code="OK",method="/{EMBED}/Embed"}} 1.0' in text
    assert f'clothing_rpc_calls_total{{code="INVALID_ARGUMENT",method="/{EMBED}/Embed"}} 1.0' in text
    assert 'clothing_batch_size_count{stage="embed"} 1.0' in text
    assert 'clothing_model_info{device="cpu"' in text
    entries = [json.loads(line) for line in service.output.splitlines()]
    assert {"embed"} == {entry["service"] for entry in entries}
    assert any(entry.get("request_id") == "abc-123" and "INVALID_ARGUMENT" in entry["message"] for entry in entries)


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        return str(response.read().decode())


async def test_a_gateway_is_not_serving_until_its_stages_are(known_models: Path) -> None:
    address, away = f"127.0.0.1:{free_port()}", f"dns:///127.0.0.1:{free_port()}"
    targets = {f"GATEWAY_{stage}_TARGET": away for stage in ("SEGMENT", "EMBED", "SEARCH")}
    async with process("gateway", GATEWAY_LISTEN=address, GATEWAY_DRAIN_S="0", **targets) as gateway:
        async with channel_to(address) as channel:
            await wait_for_health(channel, "NOT_SERVING")
            assert await health(channel, "clothing_retrieval.v1.CatalogService") == "NOT_SERVING"
        gateway.send(signal.SIGTERM)
        assert await gateway.ended(10) == 0


async def test_a_signal_while_it_loads_ends_it_with_0(tmp_path: Path) -> None:
    write_embedder(tmp_path)
    async with embed_process(tmp_path, MAX_BATCH="256", INSTANCES="12", DRAIN_S="0") as (service, channel):
        await wait_for_health(channel, "NOT_SERVING")
        service.send(signal.SIGTERM)
        assert await service.ended(30) == 0
    assert "Traceback" not in service.output
