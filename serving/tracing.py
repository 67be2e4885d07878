"""Traces (docs/tracing.md): what a service tells of a call's way, wherever it is told.

Off unless the environment names an endpoint, and then free: nothing of OpenTelemetry is imported, nothing is noted.
"""

import os
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

from google.protobuf.message import Message

if TYPE_CHECKING:
    from serving.tracer import Tracer

Metadata = Iterable[tuple[str, str | bytes]]
Fact = str | int | float | bool
"""Of a span: an attribute, which bears the prefix ``clothing.``."""

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_SHORTEST_WAIT_S = 0.001

_NOTHING = nullcontext()
_tracer: "Tracer | None" = None


class Call(Protocol):
    """A call that this service answers."""

    def end(self, code: str, error: Exception | None) -> None:
        """``code`` is the name of its gRPC status."""


class _UntracedCall:
    def end(self, code: str, error: Exception | None) -> None:
        pass


_UNTRACED_CALL = _UntracedCall()


def start(service: str) -> None:
    """Begins to trace, where the environment asks for it.

    Raises:
        RuntimeError: in a way that is not offered.
    """
    global _tracer
    if _asked_for():
        from serving.tracer import Tracer

        _tracer = Tracer(service)


def stop() -> None:
    """Sends what was not sent yet; gives that up after two seconds. Nothing is traced any more."""
    global _tracer
    if _tracer:
        tracer, _tracer = _tracer, None
        tracer.stop()


def begin_call(method: str, metadata: Metadata, request_id: str) -> Call:
    """A span for a call that arrived, a child of its caller's. It belongs to this task from now on."""
    return _tracer.begin_call(method, metadata, request_id) if _tracer else _UNTRACED_CALL


def calling(request: Message) -> AbstractContextManager[None]:
    """A span around a call to another service; ``outgoing`` connects the two."""
    return _tracer.calling(request) if _tracer else _NOTHING


def outgoing() -> tuple[tuple[str, str], ...]:
    """Metadata by which another service's spans become children of the current one."""
    return _tracer.outgoing() if _tracer else ()


def span(name: str, **facts: Fact) -> AbstractContextManager[None]:
    """A span around a step of the current call, in this thread."""
    return _tracer.span(name, facts) if _tracer else _NOTHING


def record(name: str, began: float, ended: float, error: BaseException | None = None, **facts: Fact) -> None:
    """A span for a step that is over. Its times are on the monotonic clock, in seconds."""
    if _tracer:
        _tracer.record(name, began, ended, error, facts)


def waited(since: float) -> None:
    """A span for a wait that ends now, where there was one."""
    if _tracer and (now := time.monotonic()) - since > _SHORTEST_WAIT_S:
        _tracer.record("wait", since, now, None, {})


def trace(name: str, **facts: Fact) -> AbstractContextManager[None]:
    """A trace of its own, linked to the current one: for each of the many things that one long call does."""
    return _tracer.trace(name, facts) if _tracer else _NOTHING


def untraced() -> AbstractContextManager[None]:
    """Around what a service does of itself, time and again: no trace begins there, nor in the services it calls."""
    return _tracer.untraced() if _tracer else _NOTHING


def trace_id() -> str:
    """Of the current trace, in hex; empty where there is none."""
    return _tracer.trace_id() if _tracer else ""


def _asked_for() -> bool:
    """As the environment variables say that OpenTelemetry defines."""
    exporter = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if disabled or exporter == "none" or not any(map(os.environ.get, _ENDPOINTS)):
        return False
    if exporter != "otlp":
        raise RuntimeError(f"OTEL_TRACES_EXPORTER is {exporter!r}: only 'otlp' and 'none' are offered")
    name, protocol = next(((name, os.environ[name]) for name in _PROTOCOLS if os.environ.get(name)), ("", "grpc"))
    if protocol != "grpc":
        raise RuntimeError(f"{name} is {protocol!r}: only 'grpc' is offered, mostly on port 4317 of a collector")
    return True
