"""The one place that knows OpenTelemetry. ``serving.tracing`` imports it where traces are asked for."""

import asyncio
import functools
import importlib.metadata
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.rpc import code_pb2
from opentelemetry import context, propagate
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    get_current_span,
    set_span_in_context,
)

from serving.errors import ServiceError, shortened
from serving.tracing import Fact, Metadata

log = logging.getLogger(__name__)

_STOP_S = 2.0
_REPEAT_S = 60.0
_DECLINED = context.create_key("clothing-declined")
_SERVER_FAULTS = frozenset(("UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"))
"""Statuses that make a server's span an error; the others are its caller's doing. As OpenTelemetry defines them."""


class Tracer:
    """Makes spans, and sends them from a thread of its own to the endpoint that the environment names.

    The SDK itself reads the variables that OpenTelemetry defines, the sampler's among them. Within a call that is not
    recorded nothing is, whatever the sampler.
    """

    def __init__(self, service: str) -> None:
        self._logger = logging.getLogger("opentelemetry")
        self._handler = _OnceInAWhile()
        self._logger.addHandler(self._handler)
        self._logger.propagate = False
        self._ids = RandomIdGenerator()
        self._exporter = OTLPSpanExporter()
        self._provider = TracerProvider(resource=_resource(service), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("clothing-retrieval")

    def stop(self) -> None:
        give_up = threading.Timer(_STOP_S, self._give_up)
        give_up.daemon = True
        give_up.start()
        self._provider.shutdown()
        give_up.cancel()
        self._logger.removeHandler(self._handler)
        self._logger.propagate = True

    def _give_up(self) -> None:
        log.warning("traces: not sent within %.0f s, the last ones are lost", _STOP_S)
        self._handler.setLevel(logging.CRITICAL)
        self._exporter.shutdown()

    def begin_call(self, method: str, metadata: Metadata, request_id: str) -> "ServedCall":
        caller = propagate.extract({key: value for key, value in metadata if isinstance(value, str)}, Context())
        parent = get_current_span(caller).get_span_context()
        declined = parent.is_valid and not parent.trace_flags.sampled
        attributes = _rpc(method.removeprefix("/")) | {"clothing.request_id": request_id}
        span = self._tracer.start_span(method.removeprefix("/"), caller, SpanKind.SERVER, attributes)
        context.attach(set_span_in_context(span, context.set_value(_DECLINED, declined, caller)))
        return ServedCall(span)

    @contextmanager
    def calling(self, request: Message) -> Iterator[None]:
        if not get_current_span().is_recording():
            yield
            return
        method = _method_of(request.DESCRIPTOR)
        span = self._tracer.start_span(method, kind=SpanKind.CLIENT, attributes=_rpc(method))
        with _current(span):
            try:
                yield
            except BaseException as error:
                span.set_attribute("rpc.response.status_code", _kind_of(error))
                raise
            span.set_attribute("rpc.response.status_code", "OK")

    def outgoing(self) -> tuple[tuple[str, str], ...]:
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        return tuple(carrier.items())

    @contextmanager
    def span(self, name: str, facts: Mapping[str, Fact]) -> Iterator[None]:
        if not get_current_span().is_recording():
            yield
            return
        with _current(self._tracer.start_span(name, attributes=_attributes(facts))):
            yield

    def record(
        self, name: str, began: float, ended: float, error: BaseException | None, facts: Mapping[str, Fact]
    ) -> None:
        if not get_current_span().is_recording():
            return
        epoch_ns = _epoch_ns()
        span = self._tracer.start_span(name, attributes=_attributes(facts), start_time=epoch_ns + round(began * 1e9))
        if error:
            _mark(span, error)
        span.end(epoch_ns + round(ended * 1e9))

    @contextmanager
    def trace(self, name: str, facts: Mapping[str, Fact]) -> Iterator[None]:
        if context.get_value(_DECLINED):
            yield
            return
        around = get_current_span().get_span_context()
        links = [Link(around)] if around.trace_flags.sampled else []
        with _current(self._tracer.start_span(name, Context(), attributes=_attributes(facts), links=links)):
            yield

    @contextmanager
    def untraced(self) -> Iterator[None]:
        ids = self._ids.generate_trace_id(), self._ids.generate_span_id()
        token = context.attach(set_span_in_context(NonRecordingSpan(SpanContext(*ids, is_remote=False))))
        try:
            yield
        finally:
            context.detach(token)

    def trace_id(self) -> str:
        current = get_current_span().get_span_context()
        return f"{current.trace_id:032x}" if current.is_valid else ""


class ServedCall:
    def __init__(self, span: Span) -> None:
        self._span = span

    def end(self, code: str, error: Exception | None) -> None:
        self._span.set_attribute("rpc.response.status_code", code)
        if code in _SERVER_FAULTS:
            self._span.set_attribute("error.type", code)
            self._span.set_status(StatusCode.ERROR, shortened(str(error)))
        self._span.end()


class _OnceInAWhile(logging.Handler):
    """Tells this service's log what OpenTelemetry's libraries say, each thing once a minute: they say it time and again
    while a collector is away."""

    def __init__(self) -> None:
        super().__init__()
        self._told_at: dict[tuple[str, int], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        place, now = (record.pathname, record.lineno), time.monotonic()
        if now - self._told_at.get(place, -_REPEAT_S) >= _REPEAT_S:
            self._told_at[place] = now
            log.log(min(record.levelno, logging.WARNING), "traces: %s", record.getMessage())


@contextmanager
def _current(span: Span) -> Iterator[None]:
    """Ends it, and marks it with an error that passes."""
    token = context.attach(set_span_in_context(span))
    try:
        yield
    except BaseException as error:
        _mark(span, error)
        raise
    finally:
        context.detach(token)
        span.end()


def _mark(span: Span, error: BaseException) -> None:
    span.set_attribute("error.type", _kind_of(error))
    span.set_status(StatusCode.ERROR, shortened(str(error)))


def _kind_of(error: BaseException) -> str:
    """A status where it has one."""
    if isinstance(error, ServiceError):
        return str(code_pb2.Code.Name(error.code))
    if isinstance(error, asyncio.CancelledError):
        return "CANCELLED"
    return type(error).__name__


def _epoch_ns() -> int:
    """The time of day, less the monotonic clock's. Of three looks the quickest: others may run between two clocks."""
    looks = []
    for _ in range(3):
        before, now, after = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
        looks.append((after - before, now - before))
    return min(looks)[1]


def _attributes(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {f"clothing.{name}": shortened(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}


def _rpc(method: str) -> dict[str, Fact]:
    return {"rpc.system.name": "grpc", "rpc.method": method}


@functools.cache
def _method_of(request: Descriptor) -> str:
    """ "package.Service/Method": each method has a request of its own."""
    return next(
        f"{service.full_name}/{method.name}"
        for service in request.file.services_by_name.values()
        for method in service.methods
        if method.input_type is request
    )


def _resource(service: str) -> Resource:
    own = {
        "service.namespace": "clothing-retrieval",
        "service.name": f"clothing-{service}",
        "service.version": importlib.metadata.version("clothing-retrieval"),
    }
    return Resource.create({**own, **OTELResourceDetector().detect().attributes})
