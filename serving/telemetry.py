"""Logs and metrics. A request id travels in metadata and stands in every log line of its call."""

import json
import logging
import random
import re
import sys
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

import prometheus_client
from prometheus_client import Counter, Gauge, Histogram

from serving import listening, tracing
from serving.settings import ServerSettings

log = logging.getLogger(__name__)

REQUEST_ID_KEY = "x-request-id"
_VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_request_id: ContextVar[str] = ContextVar("request_id", default="")
_caller: ContextVar[str] = ContextVar("caller", default="")

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_METRICS_SILENCE_S = 10

CALLS = Counter("clothing_rpc_calls", "Calls answered, by status code.", ["method", "code"])
CALL_SECONDS = Histogram(
    "clothing_rpc_seconds", "Time from a call's arrival to its answer.", ["method"], buckets=_SECONDS
)
SERVING = Gauge("clothing_serving", "1 while the health of the service is SERVING, else 0.")
LOOP_LAG_SECONDS = Histogram(
    "clothing_loop_lag_seconds",
    "How late the event loop was, ten times a second: blocked by a call, or kept from the CPUs.",
    buckets=_SECONDS,
)
ADMITTED = Gauge(
    "clothing_admitted",
    "Pictures (in the search service: calls, in the gateway: import streams) admitted and not yet answered.",
    ["stage", "priority"],
)
QUEUE_LENGTH = Gauge("clothing_queue_length", "Pictures that wait for an engine.", ["stage", "priority"])
WAIT_SECONDS = Histogram(
    "clothing_wait_seconds",
    "Time work around the engine waited: for a thread, or for room.",
    ["stage", "priority"],
    buckets=_SECONDS,
)
DECODE_SECONDS = Histogram("clothing_decode_seconds", "Time decoding a picture took.", ["stage"], buckets=_SECONDS)
QUEUE_SECONDS = Histogram(
    "clothing_queue_seconds", "Time a picture waited for an engine.", ["stage", "priority"], buckets=_SECONDS
)
ENGINES = Gauge("clothing_engines", "Engines that run side by side.", ["stage"])
COMPUTE_SECONDS = Histogram("clothing_compute_seconds", "Time an engine took for a batch.", ["stage"], buckets=_SECONDS)
BATCH_SIZE = Histogram(
    "clothing_batch_size", "Pictures in a batch.", ["stage"], buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
DROPPED = Counter("clothing_dropped", "Pictures dropped before they cost anything.", ["stage", "why"])
STAGE_SECONDS = Histogram(
    "clothing_stage_seconds", "Time that a search waited for a stage, at the gateway.", ["stage"], buckets=_SECONDS
)
THROTTLED = Counter(
    "clothing_throttled", "Searches that the gateway refused itself, as segment workers were refusing others."
)
LIMITED = Counter("clothing_limited", "Calls refused as their key's limit was reached.", ["method", "caller"])
IMPORTED_ITEMS = Counter("clothing_imported_items", "Items of imports that were answered.", ["outcome"])
CACHE_LOOKUPS = Counter("clothing_cache_lookups", "Photos that the gateway looked for in its cache.", ["result"])
CACHE_BYTES = Gauge("clothing_cache_bytes", "Size of what the gateway's cache holds.")
COMMIT_SECONDS = Histogram(
    "clothing_commit_seconds", "Time that a commit of the index took, with its fsync.", buckets=_SECONDS
)
MODEL_INFO = Gauge(
    "clothing_model_info", "1 for the model served.", ["name", "version", "digest", "device", "precision"]
)


def priority(background: bool) -> str:
    """The label of work that others wait for, or that waits for others."""
    return "background" if background else "urgent"


def begin_request(metadata: Iterable[tuple[str, str | bytes]] | None) -> str:
    """Takes the caller's request id, or makes one; it belongs to this task from now on."""
    given = next((value for key, value in metadata or () if key == REQUEST_ID_KEY), "")
    valid = isinstance(given, str) and _VALID_REQUEST_ID.fullmatch(given)
    request_id = str(given) if valid else f"{random.getrandbits(128):032x}"
    _request_id.set(request_id)
    return request_id


def name_caller(name: str) -> None:
    """Who made this request, for the log. Belongs to the task of ``begin_request``."""
    _caller.set(name)


def outgoing_metadata() -> tuple[tuple[str, str], ...]:
    """What a call to another service bears on behalf of this request: its id, and its trace where there is one."""
    request_id = _request_id.get()
    own = ((REQUEST_ID_KEY, request_id),) if request_id else ()
    return (*own, *tracing.outgoing())


def configure_logging(settings: ServerSettings, service: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter(service) if settings.log_format == "json" else _TextFormatter(service))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    # At DEBUG, Pillow tells what a photo's EXIF says: where it was taken, for example.
    logging.getLogger("PIL").setLevel(logging.INFO)


def serve_metrics(settings: ServerSettings) -> None:
    """Serves Prometheus metrics on a thread of its own, for as long as the process lives, if the settings say where.

    Raises:
        RuntimeError: the address cannot, or must not, be listened on.
    """
    listen = settings.metrics_listen
    if not listen:
        return
    tls = listening.tls_of(settings)
    listening.check_exposure(settings, "metrics_listen")
    host, _, port = listen.rpartition(":")
    # A series beside each that counts, which nobody reads.
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    try:
        server, _ = prometheus_client.start_http_server(int(port), host)
    except (OSError, ValueError) as error:
        raise RuntimeError(f"cannot serve metrics on {listen}: {error}") from error
    # Each connection has a thread: one that asks for nothing gives it back.
    server.RequestHandlerClass.timeout = _METRICS_SILENCE_S  # type: ignore[attr-defined]
    server.handle_error = _log_broken  # type: ignore[assignment,method-assign]
    if tls:  # no handshake on the thread that accepts: who connects and says nothing would keep all others waiting
        context = tls.server_context()
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)


def _log_broken(request: object, address: object) -> None:
    log.debug("metrics: the connection from %s broke", address, exc_info=True)


class _JsonFormatter(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "service": self._service,
            "message": record.getMessage(),
        }
        if request_id := _request_id.get():
            entry["request_id"] = request_id
        if caller := _caller.get():
            entry["caller"] = caller
        if trace_id := tracing.trace_id():
            entry["trace_id"] = trace_id
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


class _TextFormatter(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)-7s {service:8s} %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        facts = {"request_id": _request_id.get(), "caller": _caller.get()}
        return super().formatMessage(record) + "".join(f"  {name}={fact}" for name, fact in facts.items() if fact)
