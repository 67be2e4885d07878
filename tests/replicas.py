"""All four services as processes, some of them several times, behind one name each: restarted one by one."""

import asyncio
import itertools
import signal
import statistics
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from clothing_retrieval import AsyncClient
from clothing_retrieval.errors import RetrievalError
from tests.engines import write_embedder, write_parser
from tests.pictures import encoded, patched
from tests.processes import SERVICES
from tests.servers import Process, channel_to, free_port, process, wait_for_health
from tests.stack import item


@dataclass(frozen=True)
class Replica:
    address: str
    process: Process

    async def ready(self) -> None:
        async with channel_to(self.address) as channel:
            await wait_for_health(channel, "SERVING", timeout_s=60)

    async def restart(self) -> None:
        """As an orchestrator does it: SIGTERM, its end, a new one, until that is ready."""
        self.process.send(signal.SIGTERM)
        assert await self.process.ended(30) == 0
        await self.process.start()
        await self.ready()


@dataclass(frozen=True)
class Deployment:
    replicas: Mapping[str, Sequence[Replica]]

    def target(self, service: str) -> str:
        return _target([replica.address for replica in self.replicas[service]])

    async def ready(self) -> None:
        await asyncio.gather(*(replica.ready() for service in SERVICES for replica in self.replicas[service]))

    async def roll(self, service: str) -> None:
        """Restarts every replica of a service, one after the other."""
        for replica in self.replicas[service]:
            await replica.restart()


@asynccontextmanager
async def deployed(folder: Path, counts: Mapping[str, int], **environment: str) -> AsyncIterator[Deployment]:
    """``counts``: replicas of a service, where not one. The models have known answers; one item is there, "a"."""
    write_parser(folder / "models")
    if not (folder / "models" / "garment-embedder").exists():
        write_embedder(folder / "models")
    addresses = {service: [f"127.0.0.1:{free_port()}" for _ in range(counts.get(service, 1))] for service in SERVICES}
    own = {
        "segment": {"MODELS_DIR": str(folder / "models")},
        "embed": {"MODELS_DIR": str(folder / "models")},
        "search": {"DATA_DIR": str(folder / "data")},
        "gateway": {f"{stage}_TARGET".upper(): _target(addresses[stage]) for stage in SERVICES[:3]},
    }
    async with AsyncExitStack() as stack:
        replicas: dict[str, list[Replica]] = {service: [] for service in SERVICES}
        for service in SERVICES:
            module = service if service == "gateway" else f"{service}_service"
            for address in addresses[service]:
                settings = {"LISTEN": address, **own[service]}
                prefixed = {f"{service.upper()}_{name}": value for name, value in settings.items()}
                started = await stack.enter_async_context(process(module, **prefixed | environment))
                replicas[service].append(Replica(address, started))
        deployment = Deployment(replicas)
        await deployment.ready()
        async with AsyncClient(deployment.target("gateway")) as client:
            assert [answer.id async for answer in client.import_items([item("a", patched(0))])] == ["a"]
        yield deployment


@dataclass(frozen=True)
class Call:
    began: float
    """On the monotonic clock, in seconds."""
    took_s: float
    error: RetrievalError | None


@dataclass
class Callers:
    """What callers in closed loops saw."""

    calls: list[Call] = field(default_factory=list)

    @property
    def answered(self) -> int:
        return sum(call.error is None for call in self.calls)

    @property
    def failures(self) -> list[RetrievalError]:
        return [call.error for call in self.calls if call.error]

    @property
    def longest_pause_s(self) -> float:
        """Between two answers."""
        answers = sorted(call.began + call.took_s for call in self.calls if call.error is None)
        return max(later - earlier for earlier, later in itertools.pairwise(answers))

    def median_s(self, first: int = 0) -> float:
        """Of the calls from the ``first`` on."""
        return statistics.median(call.took_s for call in self.calls[first:])

    def longest_s(self, first: int = 0) -> float:
        """Of the calls from the ``first`` on."""
        return max(call.took_s for call in self.calls[first:])

    async def more(self, answers: int, timeout_s: float = 60) -> None:
        """Waits until so many more calls were answered."""
        wanted = self.answered + answers
        async with asyncio.timeout(timeout_s):
            while self.answered < wanted:
                await asyncio.sleep(0.01)

    async def failed(self, timeout_s: float = 60) -> Call:
        """Waits until one more call failed."""
        seen = len(self.failures)
        async with asyncio.timeout(timeout_s):
            while len(self.failures) == seen:
                await asyncio.sleep(0.01)
        return [call for call in self.calls if call.error][seen]


@asynccontextmanager
async def calling(target: str, count: int, *, timeout_s: float = 20) -> AsyncIterator[Callers]:
    """``count`` callers, each with its own connections, search the whole time, and ask the models every time."""
    callers = Callers()
    stopping = asyncio.Event()

    async def search(number: int) -> None:
        photo = encoded(patched(number))
        async with AsyncClient(target) as client:
            while not stopping.is_set():
                began = time.monotonic()
                error: RetrievalError | None = None
                try:
                    await client.search(photo, skip_cache=True, timeout_s=timeout_s)
                except RetrievalError as failure:
                    error = failure
                callers.calls.append(Call(began, time.monotonic() - began, error))

    tasks = [asyncio.create_task(search(number)) for number in range(count)]
    try:
        yield callers
    finally:
        stopping.set()
        await asyncio.gather(*tasks)


def row(fault: str, callers: str, recovery: str) -> None:
    """Prints a row of the table in docs/operations.md."""
    print(f"\n| {fault} | {callers} | {recovery} |")


def _target(addresses: Sequence[str]) -> str:
    return f"ipv4:{','.join(addresses)}"
