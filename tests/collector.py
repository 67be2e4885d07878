"""A collector of traces: a real OTLP server on a free port that keeps the spans it gets."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2

Status = trace_pb2.Status.StatusCode
Kind = trace_pb2.Span.SpanKind


@dataclass(frozen=True)
class Received:
    """A span. Ids are in hex, times in seconds since 1970."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: str
    attributes: Mapping[str, Any]
    status: str
    message: str
    links: Sequence[str]
    """Ids of spans."""
    tracestate: str
    began: float
    ended: float


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self) -> None:
        self._spans: list[Received] = []
        self._came = threading.Condition()
        self._server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self._server)
        port = self._server.add_insecure_port("127.0.0.1:0")
        self.endpoint = f"http://127.0.0.1:{port}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(None).wait()

    def Export(
        self, request: pb.ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> pb.ExportTraceServiceResponse:
        came = [
            _received(span, _values(resource.resource.attributes)["service.name"])
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        with self._came:
            self._spans.extend(came)
            self._came.notify_all()
        return pb.ExportTraceServiceResponse()

    @property
    def spans(self) -> list[Received]:
        """All that came so far, by when they began."""
        with self._came:
            return sorted(self._spans, key=lambda span: span.began)

    def wait(self, until: Callable[[list[Received]], bool], timeout_s: float = 20) -> list[Received]:
        """Blocks until enough have come. All that came so far."""
        with self._came:
            if not self._came.wait_for(lambda: until(self._spans), timeout_s):
                raise AssertionError(f"only these spans came: {[(span.service, span.name) for span in self._spans]}")
        return self.spans


def _received(span: trace_pb2.Span, service: str) -> Received:
    return Received(
        service=service,
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        kind=Kind.Name(span.kind).removeprefix("SPAN_KIND_"),
        attributes=_values(span.attributes),
        status=Status.Name(span.status.code).removeprefix("STATUS_CODE_"),
        message=span.status.message,
        links=[link.span_id.hex() for link in span.links],
        tracestate=span.trace_state,
        began=span.start_time_unix_nano / 1e9,
        ended=span.end_time_unix_nano / 1e9,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
