"""The four services together: how they find each other, when they are ready, how they stop."""

import asyncio
import contextlib
import math
import os
import socket
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.up.data_dir import owned
from clothing_retrieval.up.errors import UpError
from clothing_retrieval.up.service import Service, ServiceSpec

SERVICES: Mapping[str, str] = {
    "segment": "segment_service",
    "embed": "embed_service",
    "search": "search_service",
    "gateway": "gateway",
}
"""The module of each service."""

_WORKERS = ("segment", "embed", "search")
_METRICS_ORDER = ("gateway", *_WORKERS)
_NEEDED = ("cv2", "hnswlib", "onnxruntime", "pydantic_settings", "prometheus_client")
_SERVICE_GRACE_S = "5"
_STOP_GRACE_S = 10.0


@dataclass(frozen=True)
class Options:
    data_dir: Path
    port: int = 50050
    """Of the gateway, on this machine only."""
    metrics_port: int | None = None
    """Prometheus finds the gateway here, and segment, embed and search at the three ports after it."""


def require_serving_parts() -> None:
    """Raises UpError where only the client is installed."""
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise UpError(
            f"the services need more than the client ({', '.join(missing)}): "
            "`pip install 'clothing-retrieval[cpu]'`, or [gpu]; in a checkout `make setup`"
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Stack:
    """Runs the services while it is entered.

    Args:
        options: where and how.
        write_log: takes a service's name and a line that it wrote.
        say: takes a line about a service, for example that it died.
    """

    def __init__(self, options: Options, write_log: Callable[[str, str], None], say: Callable[[str], None]) -> None:
        self._options = options
        self._write_log = write_log
        self._say = say
        self._cleanup = contextlib.ExitStack()
        self._services: dict[str, Service] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self.target = f"127.0.0.1:{options.port}"

    @property
    def pids(self) -> dict[str, int | None]:
        """The processes that run now, by service."""
        return {name: service.pid for name, service in self._services.items()}

    async def __aenter__(self) -> Self:
        require_serving_parts()
        _check_port(self._options.port)
        sockets = self._cleanup.enter_context(owned(self._options.data_dir))
        for spec in _specs(self._options, sockets):
            service = Service(spec, self._write_log, self._say)
            self._services[spec.name] = service
            self._keepers.append(asyncio.create_task(service.keep_running()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._services["gateway"].stop(_STOP_GRACE_S)  # it finishes what it began while the workers are there
            await asyncio.gather(*(self._services[name].stop(_STOP_GRACE_S) for name in _WORKERS))
        finally:
            self.kill()
            await asyncio.gather(*self._keepers, return_exceptions=True)
            self._cleanup.close()

    async def ready(self) -> None:
        """Returns when a search would succeed. Raises UpError where a service cannot start."""
        await self._unless_broken(self._wait_for_gateway())

    async def until_broken(self) -> None:
        """Never returns. Raises UpError where a service cannot be kept running."""
        await self._unless_broken(asyncio.Event().wait())

    def kill(self) -> None:
        """Ends all services at once."""
        for service in self._services.values():
            service.kill()

    async def _wait_for_gateway(self) -> None:
        async with AsyncClient(self.target) as client:
            await client.wait_ready(math.inf)

    async def _unless_broken(self, waiting: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(waiting)
        try:
            done, _ = await asyncio.wait((task, *self._keepers), return_when=asyncio.FIRST_COMPLETED)
            for finished in done:
                await finished
        finally:
            task.cancel()


def _specs(options: Options, sockets: Path) -> list[ServiceSpec]:
    listen = {name: f"unix:{sockets / name}" for name in _WORKERS} | {"gateway": f"127.0.0.1:{options.port}"}
    specs = []
    for name, module in SERVICES.items():
        prefix = name.upper()
        environment = {
            "PYTHONUNBUFFERED": "1",
            f"{prefix}_LISTEN": listen[name],
            # Nobody but this machine's gateway calls them: nobody has to notice that they drain.
            f"{prefix}_DRAIN_S": os.environ.get(f"{prefix}_DRAIN_S", "0"),
            f"{prefix}_GRACE_S": os.environ.get(f"{prefix}_GRACE_S", _SERVICE_GRACE_S),
            f"{prefix}_LOG_FORMAT": os.environ.get(f"{prefix}_LOG_FORMAT", "text"),
        }
        if options.metrics_port is not None:
            port = options.metrics_port + _METRICS_ORDER.index(name)
            environment[f"{prefix}_METRICS_LISTEN"] = f"127.0.0.1:{port}"
        if name == "search":
            environment["SEARCH_DATA_DIR"] = str((options.data_dir / "search").absolute())
        if name == "gateway":
            environment |= {f"GATEWAY_{worker.upper()}_TARGET": listen[worker] for worker in _WORKERS}
        specs.append(ServiceSpec(name, module, listen[name], environment))
    return specs


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that was in use a moment ago is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UpError(
                f"port {port} is taken ({error.strerror}): stop what listens there, or choose --port"
            ) from None
