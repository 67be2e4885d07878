"""Real servers on free ports, in this process or in one of their own."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from serving.channels import MAX_MESSAGE_BYTES
from serving.server import Server, Worker
from serving.settings import ServerSettings

REPOSITORY = Path(__file__).resolve().parent.parent
_START_TIMEOUT_S = 60
_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
]

AT_ONCE: dict[str, Any] = {"drain_s": 0.0, "grace_s": 2.0, "listen": "127.0.0.1:0"}
"""Settings of servers in tests: a free port, and no moment for callers to notice a drain."""


@asynccontextmanager
async def serving(worker: Worker, settings: ServerSettings | None = None) -> AsyncIterator[str]:
    """A started server in this process: its address."""
    server = Server(settings or ServerSettings(**AT_ONCE), worker)
    await server.start()
    try:
        yield server.address
    finally:
        await server.stop()


@asynccontextmanager
async def channel_to(address: str) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
        yield channel


async def health(channel: grpc.aio.Channel, service: str = "") -> str:
    response = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(response.status))


async def wait_for_health(channel: grpc.aio.Channel, status: str, service: str = "", timeout_s: float = 30) -> None:
    """Watches until a service's health is ``status``."""
    watch = health_pb2_grpc.HealthStub(channel).Watch(
        health_pb2.HealthCheckRequest(service=service), wait_for_ready=True, timeout=timeout_s
    )
    async for response in watch:
        if health_pb2.HealthCheckResponse.ServingStatus.Name(response.status) == status:
            watch.cancel()
            return
    raise AssertionError(f"health was never {status}")


def details(error: grpc.RpcError) -> dict[str, Message]:
    """The google.rpc details of an error, by the names of their messages."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    return unpacked(status) if status else {}


def unpacked(status: status_pb2.Status) -> dict[str, Message]:
    found: dict[str, Message] = {}
    for detail in status.details:
        message = getattr(error_details_pb2, detail.type_url.rpartition(".")[2])()
        detail.Unpack(message)
        found[type(message).__name__] = message
    return found


_ports_given: set[int] = set()


def free_port() -> int:
    """Never one twice: who was given it may not listen there yet."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _ports_given:
            _ports_given.add(port)
            return port


class Process:
    """A service in a process of its own, and a network namespace, where one is named: ``python -m <module>``."""

    def __init__(self, module: str, environment: Mapping[str, str], namespace: str = "") -> None:
        self._module = module
        self._within = ("ip", "netns", "exec", namespace) if namespace else ()
        self.environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[tuple[bytes, bytes]]
        self.output = ""

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._within,
            sys.executable,
            "-m",
            self._module,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        # From the beginning: who writes to a full pipe stands still.
        self._reading = asyncio.create_task(self._process.communicate())

    def most_memory_mib(self) -> int:
        """The most that it had at a time."""
        assert self._process is not None
        told = Path(f"/proc/{self._process.pid}/status").read_text()
        (line,) = [line for line in told.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) // 1024

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def ended(self, timeout_s: float = _START_TIMEOUT_S) -> int:
        """Waits for its end. Returns the exit code; ``output`` then holds all that it wrote."""
        assert self._process is not None
        written, _ = await asyncio.wait_for(asyncio.shield(self._reading), timeout_s)
        self.output += written.decode()
        assert self._process.returncode is not None
        return self._process.returncode

    async def kill(self) -> None:
        """kill -9, where it still runs."""
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self.ended()


@asynccontextmanager
async def process(module: str, namespace: str = "", /, **environment: str) -> AsyncIterator[Process]:
    """A process that is killed at the end, where it did not end before. What it wrote is shown where a test fails."""
    started = Process(module, environment, namespace)
    await started.start()
    try:
        yield started
    except BaseException:
        await started.kill()
        print(f"\n{module} wrote:\n{started.output}")
        raise
    finally:
        await started.kill()
