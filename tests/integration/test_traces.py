"""One trace from the caller through all four services, as a collector receives it from them."""

import asyncio
import secrets
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

from clothing_retrieval.v1 import catalog_service_pb2, catalog_service_pb2_grpc
from clothing_retrieval.v1 import retrieval_service_pb2 as pb
from tests.collector import Collector, Received
from tests.pictures import message, patched, photo
from tests.processes import Services, services
from tests.servers import channel_to, free_port, process, wait_for_health
from tests.stack import item

pytestmark = pytest.mark.asyncio(loop_scope="module")

OUTFIT = photo(("top", (40, 20, 150, 110)), ("pants", (50, 140, 140, 240)))
SEARCHED = """
gateway SERVER RetrievalService/Search
  gateway CLIENT SegmentService/Segment
    segment SERVER SegmentService/Segment
      segment decode
      segment queue
      segment run
      segment look closer
      segment cut out
  gateway CLIENT EmbedService/Embed
    embed SERVER EmbedService/Embed
      embed decode
      embed queue
      embed queue
      embed run
      embed run
  gateway CLIENT SearchService/Query
    search SERVER SearchService/Query
      search query
"""
IMPORTED = """
gateway import item
  gateway CLIENT SearchService/GetFingerprints
    search SERVER SearchService/GetFingerprints
  gateway CLIENT SegmentService/Segment
    segment SERVER SegmentService/Segment
      segment decode
      segment queue
      segment run
      segment look closer
      segment cut out
  gateway CLIENT EmbedService/Embed
    embed SERVER EmbedService/Embed
      embed decode
      embed queue
      embed run
  gateway CLIENT SearchService/UpsertItems
    search SERVER SearchService/UpsertItems
      search commit
"""


class Traced:
    """The four services, and the collector that all of them tell."""

    def __init__(self, services: Services, collector: Collector) -> None:
        self._services = services
        self._collector = collector
        self.retrieval = services.retrieval

    async def search(self, flags: str = "01", **fields: object) -> tuple[str, str]:
        """Searches within a caller's span. The ids of its trace and of the span."""
        trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
        request = pb.SearchRequest(**{"image": message(OUTFIT), "skip_cache": True, **fields})
        metadata = (("traceparent", f"00-{trace_id}-{span_id}-{flags}"),)
        try:
            await self.retrieval.Search(request, timeout=60, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            assert fields, error
        return trace_id, span_id

    async def spans(self, belongs: Callable[[Received], bool], count: int) -> list[Received]:
        """Waits for so many."""
        came = await asyncio.to_thread(
            self._collector.wait, lambda spans: len([span for span in spans if belongs(span)]) >= count
        )
        return [span for span in came if belongs(span)]

    async def trace(self, trace_id: str, count: int) -> list[Received]:
        return await self.spans(lambda span: span.trace_id == trace_id and span.name != "wait", count)

    @property
    def all(self) -> list[Received]:
        return self._collector.spans


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def traced(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Traced]:
    folder = tmp_path_factory.mktemp("traced")
    with Collector() as collector:
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            # The garments of one photo, or one garment: a batch in either case.
            "EMBED_INSTANCES": "1",
            "EMBED_MAX_BATCH": "2",
            "EMBED_MAX_DELAY_MS": "100",
        }
        async with services(folder, **environment) as running:
            await running.ready()
            async for answer in running.retrieval.ImportItems(iter([item("a", patched(0))]), timeout=60):
                assert answer.outcome == pb.IMPORT_OUTCOME_CREATED
            yield Traced(running, collector)


def drawn(spans: list[Received]) -> str:
    """As a tree, each span below its parent, in the order in which they began."""
    ids = {span.span_id for span in spans}
    below = defaultdict(list)
    for span in spans:
        below[span.parent_id if span.parent_id in ids else ""].append(span)

    def lines(parent: str, depth: int) -> list[str]:
        return [
            line
            for span in sorted(below[parent], key=lambda span: (span.began, span.name))
            for line in ("  " * depth + _title(span), *lines(span.span_id, depth + 1))
        ]

    return "\n".join(["", *lines("", 0), ""])


def _title(span: Received) -> str:
    kind = "" if span.kind == "INTERNAL" else f"{span.kind} "
    return f"{span.service.removeprefix('clothing-')} {kind}{span.name.removeprefix('clothing_retrieval.v1.')}"


async def test_one_search_is_one_trace_of_all_four_services_below_the_callers_span(traced: Traced) -> None:
    trace_id, caller = await traced.search()
    spans = await traced.trace(trace_id, len(SEARCHED.split("\n")) - 2)
    assert drawn(spans) == SEARCHED
    assert spans[0].parent_id == caller
    assert {span.status for span in spans} == {"UNSET"}
    within = {span.span_id: span for span in spans}
    for span in spans[1:]:
        parent = within[span.parent_id]
        assert parent.began - 1e-3 <= span.began <= span.ended <= parent.ended + 1e-3


async def test_the_garments_of_a_photo_ran_in_one_batch(traced: Traced) -> None:
    trace_id, _ = await traced.search()
    spans = await traced.trace(trace_id, len(SEARCHED.split("\n")) - 2)
    runs = [span for span in spans if span.name == "run" and span.service == "clothing-embed"]
    assert [span.attributes["clothing.batch_size"] for span in runs] == [2, 2]
    assert runs[0].ended == pytest.approx(runs[1].ended, abs=1e-3)


async def test_an_error_marks_the_spans_that_it_passes(traced: Traced) -> None:
    trace_id, _ = await traced.search(image=message(b"no picture at all"))
    spans = await traced.trace(trace_id, 4)
    assert [(_title(span), span.status) for span in spans] == [
        ("gateway SERVER RetrievalService/Search", "UNSET"),  # the caller's fault
        ("gateway CLIENT SegmentService/Segment", "ERROR"),
        ("segment SERVER SegmentService/Segment", "UNSET"),
        ("segment decode", "ERROR"),
    ]
    codes = [span.attributes.get("rpc.response.status_code") for span in spans]
    assert codes == ["INVALID_ARGUMENT"] * 3 + [None]


async def test_what_the_caller_does_not_sample_no_service_exports(traced: Traced) -> None:
    unsampled, _ = await traced.search("00")
    sampled, _ = await traced.search("01")
    await traced.trace(sampled, len(SEARCHED.split("\n")) - 2)  # each service exports in order
    assert unsampled not in {span.trace_id for span in traced.all}


async def test_each_item_of_an_import_is_a_trace_of_its_own_linked_to_the_stream(traced: Traced) -> None:
    items = [item(f"item {number}", patched(number)) for number in range(1, 4)]
    stream = traced.retrieval.ImportItems(iter(items), timeout=60, metadata=(("x-request-id", "three-items"),))
    assert {answer.outcome async for answer in stream} == {pb.IMPORT_OUTCOME_CREATED}
    (call,) = await traced.spans(
        lambda span: span.attributes.get("clothing.request_id") == "three-items" and span.name.endswith("ImportItems"),
        1,
    )
    imported = await traced.spans(lambda span: span.links == [call.span_id], 3)
    assert {span.attributes["clothing.item_id"] for span in imported} == {f"item {number}" for number in range(1, 4)}
    assert len({call.trace_id, *(span.trace_id for span in imported)}) == 4
    for span in imported:
        assert drawn(await traced.trace(span.trace_id, len(IMPORTED.split("\n")) - 2)) == IMPORTED


async def test_health_checks_are_no_traces(traced: Traced) -> None:
    assert not [span.name for span in traced.all if "GetSegmentModel" in span.name or "Check" in span.name]


async def test_spans_that_wait_are_sent_before_the_process_ends(tmp_path: Path) -> None:
    with Collector() as collector:
        await _one_call(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, OTEL_BSP_SCHEDULE_DELAY="600000")
        assert "clothing_retrieval.v1.CatalogService/ListCollections" in {span.name for span in collector.spans}


async def test_a_collector_that_is_away_costs_two_seconds_at_the_end_and_a_line_in_the_log(tmp_path: Path) -> None:
    logged = await _one_call(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}")
    assert "Traceback" not in logged
    told = [line for line in logged.splitlines() if "traces: " in line]
    assert 1 <= len(told) <= 2, logged


async def test_a_way_of_sending_that_is_not_offered_ends_a_service_with_1_and_says_why() -> None:
    asked = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    async with process("gateway", **asked) as gateway:
        assert await gateway.ended() == 1
    assert "cannot start: OTEL_EXPORTER_OTLP_PROTOCOL is 'http/protobuf': only 'grpc' is offered" in gateway.output
    assert "Traceback" not in gateway.output


async def _one_call(folder: Path, **environment: str) -> str:
    """Starts a search service, calls it and ends it, in time. What it logged."""
    address = f"127.0.0.1:{free_port()}"
    settings = {"SEARCH_LISTEN": address, "SEARCH_DATA_DIR": str(folder / "data"), "SEARCH_DRAIN_S": "0"}
    async with process("search_service", **settings, **environment) as search, channel_to(address) as channel:
        await wait_for_health(channel, "SERVING")
        stub = catalog_service_pb2_grpc.CatalogServiceStub(channel)
        await stub.ListCollections(catalog_service_pb2.ListCollectionsRequest(), timeout=20)
        search.send(signal.SIGTERM)
        assert await search.ended(10) == 0
    return search.output
