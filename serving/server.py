"""One way to run a gRPC server: start, tell its health, serve, drain."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, Protocol, TypeVar

import grpc
from grpc_health.v1 import health_pb2_grpc

from serving import listening, reflection, telemetry, tracing
from serving.channels import MAX_MESSAGE_BYTES
from serving.errors import ServiceError, Unavailable
from serving.health import Health
from serving.interceptor import Admit, CallInterceptor, Metadata, anyone
from serving.memory import keep_freed_memory, set_aside_what_stays
from serving.models import ModelError
from serving.open_files import raise_limit, room_for_connections
from serving.settings import ServerSettings, SettingsError, read

log = logging.getLogger(__name__)

S = TypeVar("S", bound=ServerSettings)

_CHECK_EVERY_S = 0.5
_CHECK_TIMEOUT_S = 5.0
_LOOK_EVERY_S = 0.1
_STOPPED = "stopped"
SWITCH_S = 0.0005
"""For so long, not Python's 5 ms, the event loop waits for a thread that computes, each time it is woken."""


class Worker(Protocol):
    """What a service brings to the server."""

    name: str
    services: tuple[str, ...]
    """Full names of its gRPC services, each of which has a health status."""

    @property
    def admit(self) -> Admit:
        """Who may call what. Asked for every call, once it is registered."""

    def register(self, server: grpc.aio.Server) -> None:
        """Adds its servicers."""

    async def start(self) -> None:
        """Loads and warms up. Until it returns, calls are answered with UNAVAILABLE."""

    async def check(self) -> str | None:
        """Why it cannot serve now; None when it can."""

    def needs_restart(self) -> bool:
        """Whether what ``check`` found is this process's own trouble, which only a restart ends."""

    async def stop(self) -> None:
        """Lets go of everything, also where it was not started. No call is in flight any more."""


class Server:
    """A gRPC server around one worker."""

    def __init__(self, settings: ServerSettings, worker: Worker) -> None:
        self._settings = settings
        self._worker = worker
        self._closed: str | None = "still loading"
        self._problem: str | None = None
        self._served = False
        self._health = Health(("", *worker.services))
        calls = CallInterceptor(self._admit, before_message=lambda: worker.admit is not anyone)
        self._server = grpc.aio.server(interceptors=[calls], options=_options(settings))
        self._tasks: list[asyncio.Task[None]] = []
        self.address = ""

    async def start(self) -> None:
        """Listens, then starts the worker: health is NOT_SERVING in between.

        Raises:
            RuntimeError: the address cannot, or must not, be listened on.
        """
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._worker.register(self._server)
        reflection.enable(self._server, self._worker.services)
        self.address = listening.open_port(self._server, self._settings)
        await self._server.start()
        log.info("listening on %s, loading", self.address)
        await self._worker.start()
        self._closed = None
        await self._check()
        self._tasks = [asyncio.create_task(task) for task in (self._keep_checking(), _measure_lag())]

    async def stop(self) -> None:
        """Drains: callers are told, then new calls are refused, then those in flight get their grace.

        To stop what has stopped does nothing.
        """
        if self._closed == _STOPPED:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._health.tell(serving=False)
        if self._closed is None:
            await asyncio.sleep(self._settings.drain_s)
        self._closed = "draining"
        await self._health.close()
        await self._server.stop(self._settings.grace_s)
        await self._worker.stop()
        self._closed = _STOPPED

    @contextmanager
    def _admit(self, method: str, metadata: Metadata) -> Iterator[None]:
        if self._closed:
            raise Unavailable(self._worker.name, self._closed)
        with self._worker.admit(method, metadata):
            yield

    async def _keep_checking(self) -> None:
        while True:
            await asyncio.sleep(_CHECK_EVERY_S)
            await self._check()

    async def _check(self) -> None:
        try:
            async with asyncio.timeout(_CHECK_TIMEOUT_S):
                problem = await self._worker.check()
        except TimeoutError:
            problem = f"its check did not answer within {_CHECK_TIMEOUT_S:.0f} s"
        except Exception as error:  # a check that breaks is itself a reason not to serve
            log.exception("the health check failed")
            problem = repr(error)
        if problem != self._problem or not self._tasks:
            if problem is None:
                self._served = True
                log.info("serving")
            else:  # a gateway that waits for its workers to load is no cause for alarm
                log.log(logging.WARNING if self._served else logging.INFO, "not serving: %s", problem)
            await self._health.tell(serving=problem is None, alive=problem is None or not self._worker.needs_restart())
        self._problem = problem


def serve(settings: type[S], worker: Callable[[S], Worker]) -> NoReturn:
    """Serves with the settings that the environment has, until SIGTERM or SIGINT, and ends this process."""
    try:
        own = read(settings)
        made = worker(own)
    except SettingsError as problem:
        _leave(_report(problem))
    asyncio.run(_run_and_leave(own, made))


async def _run_and_leave(settings: ServerSettings, worker: Worker) -> NoReturn:
    """From within the loop: when that ends, it waits for its threads, so for a model that is still being loaded."""
    _leave(await _run(settings, worker))


async def _run(settings: ServerSettings, worker: Worker) -> int:
    telemetry.configure_logging(settings, worker.name)
    keep_freed_memory()
    sys.setswitchinterval(SWITCH_S)
    raise_limit()
    try:
        telemetry.serve_metrics(settings)
        tracing.start(worker.name)
    except RuntimeError as problem:
        return _report(problem)
    try:
        return await _serve_until_stopped(settings, worker)
    finally:
        await asyncio.to_thread(tracing.stop)


async def _serve_until_stopped(settings: ServerSettings, worker: Worker) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = Server(settings, worker)
    starting = asyncio.create_task(server.start())
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait((starting, waiting), return_when=asyncio.FIRST_COMPLETED)
    if starting.done() and (error := starting.exception()):
        waiting.cancel()
        await server.stop()
        return _report(error)
    set_aside_what_stays()
    await waiting
    log.info("draining")
    starting.cancel()
    await asyncio.wait((starting,))
    await server.stop()
    return 0


def _leave(code: int) -> NoReturn:
    """Ends this process; Python would first wait for its threads, also for one that an engine never gives back."""
    logging.shutdown()
    os._exit(code)


async def _measure_lag() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _LOOK_EVERY_S
        await asyncio.sleep(_LOOK_EVERY_S)
        telemetry.LOOP_LAG_SECONDS.observe(loop.time() - due)


def _report(error: BaseException) -> int:
    if isinstance(error, ServiceError | ModelError | RuntimeError | OSError):
        log.error("cannot start: %s", error)
    else:
        log.error("cannot start", exc_info=error)
    return 1


def _options(settings: ServerSettings) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 0),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_connection_age_ms", round(settings.max_connection_age_s * 1000)),
        # An import is one long call: a connection past its age takes no new calls, but lets it finish.
        ("grpc.max_connection_age_grace_ms", 3_600_000),
        ("grpc.max_allowed_incoming_connections", room_for_connections(settings.max_connections)),
        ("grpc.max_concurrent_streams", settings.max_streams),
        # A client that is gone without a word: its streams end.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.ping_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        # The gateway's pings of 2 s arrive in bunches where this machine is busy, and are no attack. grpc's core itself
        # bounds what answers to pings may wait.
        ("grpc.http2.max_ping_strikes", 0),
    ]
