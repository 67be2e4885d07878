"""The services of docker-compose.yml, each replica a host of its own: the images' commands, environment and ports."""

import asyncio
import contextlib
import os
import sys
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.deployment import compose, stages
from tests.wiring.network import Network

PORT, METRICS_PORT = 50050, 9090
_HERE = ("PATH", "PYTHONPATH")
"""Set by the images for their own file system: here the sources and the virtual environment lie elsewhere."""
_WORK = {"segment": "SegmentService/Segment", "embed": "EmbedService/Embed"}


class Container:
    """One replica."""

    def __init__(self, network: Network, name: str, service: str, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.service = service
        self.address = ""
        self._network = network
        self._stage = stages()[compose()["services"][service]["build"]["target"]]
        self._environment = environment
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Its name has its address from now on, before it serves: so it is with Docker."""
        self.address = await self._network.add_host(self.name)
        with self._log.open("wb") as output:
            self._process = await self._network.execute(self.name, self._stage.command, self._environment, output)
        self._network.names.records.setdefault(self.service, []).append(self.address)

    def withdraw(self) -> None:
        """Its name has its address no more; the process goes on."""
        self._network.names.records[self.service].remove(self.address)

    async def stop(self) -> int:
        """SIGTERM, and SIGKILL after the service's ``stop_grace_period``. Returns the exit code."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        grace_s = float(compose()["services"][self.service]["stop_grace_period"].removesuffix("s"))
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(self._process.wait(), grace_s)
        self._process.kill()
        return await self._process.wait()

    async def healthy(self) -> bool:
        """Whether one of three runs of the image's HEALTHCHECK says so, as for an engine."""
        for _ in range(3):
            with self._log.open("ab") as output:
                check = await self._network.execute(self.name, self._stage.healthcheck, self._environment, output)
            if await check.wait() == 0:
                return True
        return False

    async def work_done(self) -> int:
        """Calls that it answered, of those that searches make."""
        return await asyncio.to_thread(self._work_done)

    def _work_done(self) -> int:
        with urllib.request.urlopen(f"http://{self.address}:{METRICS_PORT}/metrics", timeout=10) as response:
            lines = response.read().decode().splitlines()
        counted = f'clothing_rpc_calls_total{{code="OK",method="/clothing_retrieval.v1.{_WORK[self.service]}"}} '
        return sum(int(float(line.removeprefix(counted))) for line in lines if line.startswith(counted))


class Engine:
    """Starts replicas. ``environment`` is laid over that of every one."""

    def __init__(self, network: Network, logs: Path, environment: Mapping[str, str]) -> None:
        self.containers: list[Container] = []
        self._network = network
        self._logs = logs
        self._environment = environment
        self._replicas: Counter[str] = Counter()

    async def up(self, service: str) -> Container:
        self._replicas[service] += 1
        name = f"{service}-{self._replicas[service]}"
        container = Container(self._network, name, service, self._environment_of(service), self._logs / name)
        self.containers.append(container)
        await container.start()
        return container

    def _environment_of(self, service: str) -> dict[str, str]:
        described = compose()["services"][service]
        of_image = stages()[described["build"]["target"]].environment
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            **{name: value for name, value in of_image.items() if name not in _HERE},
            **described.get("environment", {}),
            **self._environment,
        }


@asynccontextmanager
async def engine(network: Network, logs: Path, **environment: str) -> AsyncIterator[Engine]:
    """Stops what it started, and prints what each replica logged."""
    started = Engine(network, logs, environment)
    try:
        yield started
    finally:
        await asyncio.gather(*(container.stop() for container in started.containers))
        for container in started.containers:
            print(f"--- {container.name}", (logs / container.name).read_text(), sep="\n")
