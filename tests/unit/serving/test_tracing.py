import asyncio
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from clothing_retrieval.v1 import (
    catalog_service_pb2,
    embed_service_pb2,
    retrieval_service_pb2,
    search_service_pb2,
    segment_service_pb2,
)
from serving import telemetry, tracing
from serving.batching import Batcher
from serving.deadline import NO_DEADLINE, Deadline
from serving.errors import DeadlineExceeded, InvalidField, Unavailable
from serving.pool import WorkPool
from serving.settings import ServerSettings
from tests.collector import Collector, Received
from tests.servers import REPOSITORY, free_port
from tests.unit.serving.scripted import EMBED, answer_nothing, embed, scripted

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
SAMPLED = (("traceparent", f"00-{TRACE}-{CALLER}-01"), ("tracestate", "shop=42"))
UNSAMPLED = (("traceparent", f"00-{TRACE}-{CALLER}-00"),)


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENDPOINT", "PROTOCOL", "TRACES_ENDPOINT", "TRACES_PROTOCOL"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Traces of this process are on, and go there."""
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        tracing.start("test")
        yield collector
        tracing.stop()


def collected(collector: Collector) -> dict[str, Received]:
    """What was traced, by name."""
    tracing.stop()
    return {span.name: span for span in collector.spans}


async def serve_one(behaviour: Callable[..., Any] = answer_nothing, metadata: tracing.Metadata = ()) -> None:
    async with scripted(behaviour) as (_, channel):
        await embed(channel, metadata=metadata)


# Off


def test_without_an_endpoint_nothing_of_opentelemetry_is_imported_and_nothing_is_traced() -> None:
    program = """
import sys
import embed_service.worker, gateway.worker, search_service.worker, segment_service.worker
from serving import tracing
tracing.start("test")
with tracing.span("step"), tracing.trace("item"), tracing.untraced(), tracing.calling(None):
    tracing.record("queue", 0.0, 1.0)
    tracing.begin_call("/a.B/C", (), "id").end("OK", None)
    assert (tracing.outgoing(), tracing.trace_id()) == ((), "")
tracing.stop()
assert not [module for module in sys.modules if module.startswith("opentelemetry")]
"""
    subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", ""),  # as the compose file sets it, where it is not set
    ],
)
async def test_what_opentelemetry_has_to_turn_it_off_turns_it_off(
    name: str, value: str, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracing.stop()
    monkeypatch.setenv(name, value)
    tracing.start("test")
    tracing.begin_call("/a.B/C", SAMPLED, "id").end("OK", None)
    assert tracing.outgoing() == ()
    assert not collected(collector)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
    ],
)
def test_a_way_of_sending_that_is_not_offered_is_an_error_at_start(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
    monkeypatch.setenv(name, value)
    with pytest.raises(RuntimeError, match=f"{name} is '{value}'"):
        tracing.start("test")


# Calls that arrive


async def test_a_call_is_a_child_of_its_callers_span_and_hands_the_trace_on(collector: Collector) -> None:
    seen = []

    async def notes(request: Any, context: Any) -> Any:
        seen.append(dict(telemetry.outgoing_metadata()))
        return await answer_nothing(request, context)

    await serve_one(notes, (*SAMPLED, ("x-request-id", "abc-123")))
    call = collected(collector)[f"{EMBED}/Embed"]
    assert (call.service, call.kind, call.status) == ("clothing-test", "SERVER", "UNSET")
    assert (call.trace_id, call.parent_id, call.tracestate) == (TRACE, CALLER, "shop=42")
    assert call.attributes == {
        "rpc.system.name": "grpc",
        "rpc.method": f"{EMBED}/Embed",
        "rpc.response.status_code": "OK",
        "clothing.request_id": "abc-123",
    }
    assert seen == [
        {"x-request-id": "abc-123", "traceparent": f"00-{TRACE}-{call.span_id}-01", "tracestate": "shop=42"}
    ]


@pytest.mark.parametrize("metadata", [(), (("traceparent", "00-not-a-trace-01"),), (("traceparent", ""),)])
async def test_a_call_without_a_trace_begins_one(collector: Collector, metadata: tracing.Metadata) -> None:
    await serve_one(metadata=metadata)
    call = collected(collector)[f"{EMBED}/Embed"]
    assert call.parent_id == ""
    assert len(call.trace_id) == 32


async def test_what_the_caller_does_not_sample_is_not_traced_here_nor_further_on(collector: Collector) -> None:
    seen = []

    async def notes(request: Any, context: Any) -> Any:
        seen.append(dict(tracing.outgoing())["traceparent"])
        with tracing.span("step"), tracing.trace("item"), tracing.calling(request):
            tracing.record("queue", 0.0, 1.0)
            seen.append(dict(tracing.outgoing())["traceparent"])
        return await answer_nothing(request, context)

    await serve_one(notes, UNSAMPLED)
    assert not collected(collector)
    for traceparent in seen:
        _, trace_id, _, flags = traceparent.split("-")
        assert trace_id == TRACE
        assert int(flags, 16) & 1 == 0


async def test_the_sampler_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch, collector: Collector) -> None:
    tracing.stop()
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    tracing.start("test")
    async with scripted() as (_, channel):
        await embed(channel)
        await embed(channel, metadata=SAMPLED)
    tracing.stop()
    assert [span.trace_id for span in collector.spans] == [TRACE]


@pytest.mark.parametrize(
    ("error", "code", "status", "message"),
    [
        (Unavailable("embed", "draining"), "UNAVAILABLE", "ERROR", "embed is draining"),
        (InvalidField("images", "are bad"), "INVALID_ARGUMENT", "UNSET", ""),
        (ZeroDivisionError("the inside"), "INTERNAL", "ERROR", "internal error; the log tells more under request id r"),
    ],
)
async def test_a_failed_call_bears_its_status_and_what_is_the_servers_fault_is_an_error(
    collector: Collector, error: Exception, code: str, status: str, message: str
) -> None:
    async def fails(request: Any, context: Any) -> Any:
        raise error

    with pytest.raises(grpc.aio.AioRpcError):
        await serve_one(fails, (("x-request-id", "r"),))
    call = collected(collector)[f"{EMBED}/Embed"]
    assert call.attributes["rpc.response.status_code"] == code
    assert call.attributes.get("error.type") == (code if status == "ERROR" else None)
    assert (call.status, call.message) == (status, message)


async def test_a_log_line_of_a_call_bears_its_trace(collector: Collector, capsys: pytest.CaptureFixture[str]) -> None:
    async def logs(request: Any, context: Any) -> Any:
        telemetry.configure_logging(ServerSettings(log_format="json"), "embed")
        logging.getLogger("test").info("inside")
        return await answer_nothing(request, context)

    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()  # else those of pytest are closed
    try:
        await serve_one(logs, SAMPLED)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "inside" in line]
    assert json.loads(line)["trace_id"] == TRACE


# Steps within


async def test_steps_are_children_of_the_call_also_in_other_threads(collector: Collector) -> None:
    pool = WorkPool("test", 1)

    def decode() -> None:
        with tracing.span("decode", pictures=2):
            assert threading.current_thread() is not threading.main_thread()

    async def works(request: Any, context: Any) -> Any:
        with tracing.span("step"):
            await pool.run(NO_DEADLINE, decode)
        return await answer_nothing(request, context)

    await serve_one(works, SAMPLED)
    pool.stop()
    spans = collected(collector)
    call, step, decoded = (spans[name] for name in (f"{EMBED}/Embed", "step", "decode"))
    assert (step.parent_id, decoded.parent_id) == (call.span_id, step.span_id)
    assert decoded.attributes == {"clothing.pictures": 2}
    assert call.began <= step.began <= decoded.began <= decoded.ended <= step.ended <= call.ended


async def test_a_wait_for_a_thread_is_told_where_there_was_one(collector: Collector) -> None:
    pool = WorkPool("test", 1)

    async def works(request: Any, context: Any) -> Any:
        await asyncio.gather(*(pool.run(NO_DEADLINE, lambda: time.sleep(0.05)) for _ in range(2)))
        return await answer_nothing(request, context)

    await serve_one(works)
    pool.stop()
    wait = collected(collector)["wait"]
    assert 0.04 <= wait.ended - wait.began < 1


async def test_a_step_that_fails_is_marked(collector: Collector) -> None:
    async def fails(request: Any, context: Any) -> Any:
        with tracing.span("step"):
            raise DeadlineExceeded("embed")

    with pytest.raises(grpc.aio.AioRpcError):
        await serve_one(fails)
    step = collected(collector)["step"]
    assert (step.status, step.attributes["error.type"]) == ("ERROR", "DEADLINE_EXCEEDED")
    assert step.message == str(DeadlineExceeded("embed"))


async def test_each_piece_of_a_batch_is_traced_in_its_own_call(collector: Collector) -> None:
    batcher = Batcher[int, int]([lambda work: work], stage="test", max_batch=2, max_delay_s=30)
    batcher.start()

    async def runs(request: Any, context: Any) -> Any:
        await batcher.submit(1, NO_DEADLINE)
        return await answer_nothing(request, context)

    async with scripted(runs) as (_, channel):
        await asyncio.gather(embed(channel), embed(channel))
    await batcher.stop()
    tracing.stop()
    spans = collector.spans
    calls = {span.span_id: span for span in spans if span.kind == "SERVER"}
    runs_, queues = ([span for span in spans if span.name == name] for name in ("run", "queue"))
    assert len(calls) == len({span.trace_id for span in spans}) == 2
    assert {span.parent_id for span in runs_} == {span.parent_id for span in queues} == set(calls)
    assert [span.attributes for span in runs_] == [{"clothing.batch_size": 2}] * 2
    assert [span.attributes for span in queues] == [{"clothing.background": False}] * 2
    for queue in queues:
        (run,) = [span for span in runs_ if span.parent_id == queue.parent_id]
        call = calls[queue.parent_id]
        assert call.began <= queue.began <= queue.ended <= run.ended <= call.ended
        assert run.began == pytest.approx(queue.ended, abs=1e-3)


async def test_work_whose_engine_fails_and_work_that_never_ran_are_marked(collector: Collector) -> None:
    def breaks(work: list[int]) -> list[int]:
        raise ValueError("the engine broke")

    batcher = Batcher[int, int]([breaks], stage="test", max_batch=1)
    batcher.start()

    async def runs(request: Any, context: Any) -> Any:
        with pytest.raises(ValueError, match="broke"):
            await batcher.submit(1, NO_DEADLINE)
        with pytest.raises(DeadlineExceeded):
            await batcher.submit(1, Deadline.after(-1))
        return await answer_nothing(request, context)

    await serve_one(runs)
    await batcher.stop()
    tracing.stop()
    steps = [(span.name, span.status, span.attributes.get("error.type")) for span in collector.spans[1:]]
    assert sorted(steps) == [
        ("queue", "ERROR", "DEADLINE_EXCEEDED"),
        ("queue", "UNSET", None),
        ("run", "ERROR", "ValueError"),
    ]


# Calls to others


def methods() -> list[tuple[str, Any]]:
    found = []
    for module in (
        segment_service_pb2,
        embed_service_pb2,
        search_service_pb2,
        catalog_service_pb2,
        retrieval_service_pb2,
    ):
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                found.append((f"{service.full_name}/{method.name}", getattr(module, method.input_type.name)))
    return found


@pytest.mark.parametrize(("method", "request_type"), methods())
async def test_a_call_to_another_service_is_named_by_its_method(
    collector: Collector, method: str, request_type: Callable[[], Any]
) -> None:
    tracing.begin_call("/a.B/C", SAMPLED, "id")
    with tracing.calling(request_type()):
        ((_, traceparent),) = [pair for pair in tracing.outgoing() if pair[0] == "traceparent"]
    called = collected(collector)[method]
    assert called.kind == "CLIENT"
    assert traceparent == f"00-{TRACE}-{called.span_id}-01"
    assert called.attributes == {
        "rpc.system.name": "grpc",
        "rpc.method": method,
        "rpc.response.status_code": "OK",
    }


@pytest.mark.parametrize(
    ("error", "code"), [(Unavailable("embed", "draining"), "UNAVAILABLE"), (asyncio.CancelledError(), "CANCELLED")]
)
async def test_a_failed_call_to_another_service_is_an_error(
    collector: Collector, error: BaseException, code: str
) -> None:
    call = tracing.begin_call("/a.B/C", SAMPLED, "id")
    with pytest.raises(type(error)), tracing.calling(embed_service_pb2.EmbedRequest()):
        raise error
    call.end("UNAVAILABLE", None)
    called = collected(collector)[f"{EMBED}/Embed"]
    assert (called.status, called.attributes["rpc.response.status_code"]) == ("ERROR", code)


async def test_what_a_caller_wrote_is_told_only_so_far(collector: Collector) -> None:
    long = "x" * 100_000
    with pytest.raises(InvalidField), tracing.trace("item", item_id=long):
        raise InvalidField("item.id", long)
    item = collected(collector)["item"]
    assert len(item.message) < 1000
    assert len(item.attributes["clothing.item_id"]) < 1000


# Traces of their own


async def test_one_of_many_things_has_a_trace_of_its_own_linked_to_the_call(collector: Collector) -> None:
    call = tracing.begin_call("/a.B/C", SAMPLED, "id")
    for name in ("one", "two"):
        with tracing.trace(name, item_id=name), tracing.span(f"step of {name}"):
            pass
    call.end("OK", None)
    spans = collected(collector)
    assert len({TRACE, spans["one"].trace_id, spans["two"].trace_id}) == 3
    assert spans["one"].links == spans["two"].links == [spans["a.B/C"].span_id]
    assert spans["step of one"].parent_id == spans["one"].span_id
    assert spans["one"].attributes == {"clothing.item_id": "one"}


async def test_what_a_service_does_of_itself_is_traced_nowhere(collector: Collector) -> None:
    with tracing.untraced(), tracing.calling(embed_service_pb2.GetEmbedModelRequest()):
        ((_, traceparent),) = tracing.outgoing()
    call = tracing.begin_call("/a.B/C", [("traceparent", traceparent)], "id")  # as the other service takes it
    call.end("OK", None)
    assert not collected(collector)


# Collectors that are away


async def test_a_collector_that_is_away_is_told_in_this_services_log_and_delays_no_stop(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    told = threading.Event()
    watch = logging.Handler()
    watch.emit = lambda record: told.set()  # type: ignore[method-assign]
    log = logging.getLogger("serving.tracer")
    log.addHandler(watch)
    tracing.start("test")
    try:
        tracing.begin_call("/a.B/C", (), "id").end("OK", None)
        assert await asyncio.to_thread(told.wait, 20)
    finally:
        log.removeHandler(watch)
        began = time.monotonic()
        tracing.stop()
    assert time.monotonic() - began < 5
    assert any(record.name == log.name and "Connection refused" in record.getMessage() for record in caplog.records)


async def test_what_opentelemetry_says_time_and_again_is_told_once_in_a_while(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(50):
        logging.getLogger("opentelemetry.sdk").error("the queue is full, %d", number)
    logging.getLogger("opentelemetry.sdk").warning("something else")
    tracing.stop()
    told = [record for record in caplog.records if record.name == "serving.tracer"]
    assert [(record.levelname, record.getMessage()) for record in told] == [
        ("WARNING", "traces: the queue is full, 0"),
        ("WARNING", "traces: something else"),
    ]


async def test_a_collector_that_never_answers_delays_no_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    class Deaf(Collector):
        def Export(self, request: Any, context: Any) -> Any:
            release.wait(20)
            return super().Export(request, context)

    with Deaf() as deaf:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", deaf.endpoint)
        tracing.start("test")
        tracing.begin_call("/a.B/C", (), "id").end("OK", None)
        began = time.monotonic()
        tracing.stop()
        assert 1 < time.monotonic() - began < 5
        release.set()
