import asyncio
import logging
from typing import Any

import grpc
import pytest
from prometheus_client import REGISTRY

from clothing_retrieval.v1 import retrieval_service_pb2, retrieval_service_pb2_grpc, types_pb2
from serving import interceptor
from serving.errors import InvalidField, Overloaded, ServiceError
from serving.telemetry import outgoing_metadata
from tests.unit.serving.scripted import EMBED, RETRIEVAL, answer_nothing, embed, scripted
from tests.unit.serving.test_admission import Clock

Request = retrieval_service_pb2.ImportItemsRequest


def calls(method: str, code: str) -> float:
    return REGISTRY.get_sample_value("clothing_rpc_calls_total", {"method": method, "code": code}) or 0.0


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_the_callers_request_id_comes_back_and_goes_on_to_the_next_stage() -> None:
    seen = []

    async def notes(request: Any, context: Any) -> Any:
        seen.append(outgoing_metadata())
        return await answer_nothing(request, context)

    async with scripted(notes) as (_, channel):
        call = embed(channel, metadata=(("x-request-id", "abc-123"),))
        await call
        assert ("x-request-id", "abc-123") in tuple(await call.trailing_metadata())
    assert seen == [(("x-request-id", "abc-123"),)]


@pytest.mark.parametrize(
    ("error", "expected"), [(Overloaded("embed", 8, 0.25), ["250"]), (InvalidField("top_k", "is odd"), [])]
)
async def test_who_may_come_again_hears_when_as_grpcs_own_retries_read_it(
    error: ServiceError, expected: list[str]
) -> None:
    async def fails(request: Any, context: Any) -> Any:
        raise error

    async with scripted(fails) as (_, channel):
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await embed(channel)
    trailing: Any = seen.value.trailing_metadata()
    assert [value for key, value in trailing if key == "grpc-retry-pushback-ms"] == expected


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "né"])
async def test_a_request_id_that_could_break_a_log_line_is_replaced(given: str) -> None:
    async with scripted() as (_, channel):
        metadata = (("x-request-id", given),) if given.isascii() else ()
        call = embed(channel, metadata=metadata)
        await call
        (answered,) = [value for key, value in await call.trailing_metadata() if key == "x-request-id"]
    assert answered != given
    assert len(answered) == 32


async def test_concurrent_calls_keep_their_own_request_ids() -> None:
    async def notes(request: Any, context: Any) -> Any:
        before = outgoing_metadata()
        await asyncio.sleep(0.01)
        assert outgoing_metadata() == before
        return await answer_nothing(request, context)

    async with scripted(notes) as (_, channel):
        await asyncio.gather(*(embed(channel, metadata=(("x-request-id", f"id-{n}"),)) for n in range(20)))


async def test_an_error_bears_the_request_id_too() -> None:
    async def raises(request: Any, context: Any) -> Any:
        raise InvalidField("images", "are bad")

    async with scripted(raises) as (_, channel):
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await embed(channel, metadata=(("x-request-id", "abc-123"),))
    assert ("x-request-id", "abc-123") in tuple(seen.value.trailing_metadata())


async def test_calls_are_counted_by_method_and_code() -> None:
    method = f"/{EMBED}/Embed"

    async def fails_once(request: Any, context: Any) -> Any:
        worker.behaviour = answer_nothing
        raise InvalidField("images", "are bad")

    before = calls(method, "OK"), calls(method, "INVALID_ARGUMENT")
    async with scripted(fails_once) as (worker, channel):
        with pytest.raises(grpc.aio.AioRpcError):
            await embed(channel)
        await embed(channel)
    assert (calls(method, "OK"), calls(method, "INVALID_ARGUMENT")) == (before[0] + 1, before[1] + 1)


@pytest.mark.parametrize("method", ["/stranger.Service/Call", f"/{EMBED}/Stranger", "/grpc.health.v1.Health/Check"])
async def test_what_a_stranger_calls_becomes_no_label(method: str) -> None:
    async with scripted() as (_, channel):
        call = channel.unary_unary(method)(b"")
        code = await call.code()
        await embed(channel)
    assert code is (grpc.StatusCode.OK if "Health" in method else grpc.StatusCode.UNIMPLEMENTED)
    (family,) = [family for family in REGISTRY.collect() if family.name == "clothing_rpc_calls"]
    told = {sample.labels["method"] for sample in family.samples}
    assert f"/{EMBED}/Embed" in told
    assert method not in told


async def test_a_call_that_its_caller_leaves_is_cancelled_and_counted_so() -> None:
    method = f"/{EMBED}/Embed"
    began, ended = asyncio.Event(), asyncio.Event()

    async def waits(request: Any, context: Any) -> Any:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    before = calls(method, "CANCELLED")
    async with scripted(waits) as (_, channel):
        call = embed(channel)
        await began.wait()
        call.cancel()
        await asyncio.wait_for(ended.wait(), 10)
        await until(lambda: calls(method, "CANCELLED") == before + 1)


async def test_a_call_that_its_callers_deadline_ends_is_counted_as_the_caller_sees_it() -> None:
    method = f"/{EMBED}/Embed"

    async def waits(request: Any, context: Any) -> Any:
        await asyncio.Event().wait()

    before = calls(method, "DEADLINE_EXCEEDED")
    async with scripted(waits) as (_, channel):
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await embed(channel, timeout=0.2)
        assert seen.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await until(lambda: calls(method, "DEADLINE_EXCEEDED") == before + 1)


async def test_a_stream_answers_and_its_error_is_translated() -> None:
    async with scripted() as (worker, channel):
        worker.stream_error = InvalidField("item", "is bad")
        stub = retrieval_service_pb2_grpc.RetrievalServiceStub(channel)
        stream = stub.ImportItems(iter([Request(item=types_pb2.Item(id=name)) for name in "ab"]))
        answered = []
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            async for response in stream:
                answered.append(response.id)
        assert answered == ["a", "b"]
        assert seen.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_stream_that_its_caller_breaks_is_closed() -> None:
    async with scripted() as (worker, channel):
        stream = retrieval_service_pb2_grpc.RetrievalServiceStub(channel).ImportItems()
        await stream.write(Request(item=types_pb2.Item(id="a")))
        assert (await stream.read()).id == "a"
        stream.cancel()
        await until(lambda: worker.streams_closed == 1)


async def test_a_stream_whose_caller_reads_nothing_and_breaks_is_closed_and_counted_so() -> None:
    method = f"/{RETRIEVAL}/ImportItems"
    before = calls(method, "CANCELLED"), calls(method, "OK")
    async with scripted() as (worker, channel):
        stream = retrieval_service_pb2_grpc.RetrievalServiceStub(channel).ImportItems()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):  # then the answers fill all there is between the two
                while True:
                    await stream.write(Request(item=types_pb2.Item(id="a" * 1_000_000)))
        stream.cancel()
        await until(lambda: worker.streams_closed == 1)
        await until(lambda: calls(method, "CANCELLED") == before[0] + 1)
    assert calls(method, "OK") == before[1]


async def test_a_bug_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def raises(request: Any, context: Any) -> Any:
        raise ZeroDivisionError("the inside")

    with caplog.at_level(logging.ERROR):
        async with scripted(raises) as (_, channel):
            with pytest.raises(grpc.aio.AioRpcError):
                await embed(channel)
    assert any(record.exc_info and "the inside" in str(record.exc_info[1]) for record in caplog.records)


async def test_of_refusals_one_a_second_is_logged_with_how_many_there_were(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuses(request: Any, context: Any) -> Any:
        raise Overloaded("embed", 8, 0.25)

    clock = Clock()
    monkeypatch.setattr(interceptor, "time", clock)
    async with scripted(refuses) as (_, channel):
        with caplog.at_level(logging.INFO, interceptor.__name__):
            for passed_s in (0.0, 0.5, 0.4, 0.2, 0.1):
                clock.now += passed_s
                with pytest.raises(grpc.aio.AioRpcError):
                    await embed(channel)
    first, second = (record.getMessage() for record in caplog.records if record.name == interceptor.__name__)
    assert first.startswith(f"/{EMBED}/Embed: RESOURCE_EXHAUSTED embed")
    assert second == f"{first} (2 more since it was last told)"
