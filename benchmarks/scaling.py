"""More segment workers behind a real gateway: throughput, a worker that comes, a worker that is killed.

    python -m benchmarks.scaling [--workers 1 2 4] [--json FILE] [--plot FILE]

The workers have an engine that takes a fixed time and no CPU (benchmarks/stand_in.py), so that a few cores play many
workers; all else is real. The gateway finds them by DNS, as in a cluster: a small server here tells which there are.
The services' own settings hold, from this process's environment.
"""

import argparse
import asyncio
import io
import itertools
import math
import os
import signal
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks.load import OK, Steady, closed_loop, for_seconds
from benchmarks.metrics import Samples, read
from benchmarks.names import Names, names
from benchmarks.photos import fresh
from benchmarks.report import add_outputs, machine_line, table, write
from benchmarks.searching import Search, search_request, searching
from benchmarks.services import COLLECTION, DEFAULT_FOLDER, free_ports, service
from benchmarks.stand_in import SERVICE_MS
from clothing_retrieval import AsyncClient
from clothing_retrieval.calls import NewItem
from clothing_retrieval.up.service import Service, ServiceSpec
from clothing_retrieval.v1.retrieval_service_pb2 import SearchRequest
from clothing_retrieval.v1.types_pb2 import Item

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CALLERS_A_WORKER = 4
_ITEMS = 8
_PICTURE_SIDE = 64
_WINDOW_S = 1.0
_LOOK_S = 0.2
_FAIR = 0.8
"""Of an equal share: a worker that gets as much in one second has got its share."""
_BEFORE_S = 2.0
_AFTER_KILL_S = 8.0
_METHOD = "/clothing_retrieval.v1.SegmentService/Segment"

Requests = Iterator[SearchRequest]


@dataclass(frozen=True)
class Worker:
    """A segment worker on an address of its own."""

    address: str
    metrics: str
    service: Service

    async def samples(self) -> Samples:
        """None of one that is not there yet, or not any more."""
        try:
            return await read(self.metrics)
        except OSError:
            return Samples({})


class Cluster:
    """Workers on one port of 127.0.0.1, 127.0.0.2 and so on; embed, search and DNS beside them."""

    def __init__(self, folder: Path, data: Path, dns: Names, service_ms: float, stack: AsyncExitStack) -> None:
        self.workers: list[Worker] = []
        self._folder, self._data, self._dns, self._stack = folder, data, dns, stack
        self._service_ms = service_ms
        self._port = free_ports(1)
        self._targets = {name: f"127.0.0.1:{free_ports(1)}" for name in ("embed", "search")}

    async def start(self) -> None:
        for name, settings in (("embed", {}), ("search", {"SEARCH_DATA_DIR": str(self._data)})):
            await self._run(name, f"{name}_service", self._targets[name], settings)

    async def add_worker(self) -> Worker:
        """Returns when it is healthy; DNS knows it from the beginning."""
        address = f"127.0.0.{len(self.workers) + 1}"
        metrics = f"{address}:{free_ports(1)}"
        self._dns.addresses = (*self._dns.addresses, address)
        settings = {SERVICE_MS: str(self._service_ms), "SEGMENT_METRICS_LISTEN": metrics}
        started = await self._run("segment", "benchmarks.stand_in", f"{address}:{self._port}", settings)
        self.workers.append(Worker(address, metrics, started))
        return self.workers[-1]

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[str]:
        """One that has never met the workers."""
        target = f"127.0.0.1:{free_ports(1)}"
        environment = {
            "GATEWAY_LISTEN": target,
            "GATEWAY_DRAIN_S": "0",
            "GATEWAY_SEGMENT_TARGET": f"{self._dns.target}:{self._port}",
            **{f"GATEWAY_{name.upper()}_TARGET": f"dns:///{to}" for name, to in self._targets.items()},
        }
        async with service(ServiceSpec("gateway", "gateway", target, environment), self._log("gateway")):
            yield target

    async def _run(self, name: str, module: str, target: str, settings: Mapping[str, str]) -> Service:
        environment = {f"{name.upper()}_LISTEN": target, f"{name.upper()}_DRAIN_S": "0", **settings}
        spec = ServiceSpec(name, module, target, environment)
        return await self._stack.enter_async_context(service(spec, self._log(name)))

    def _log(self, name: str) -> Path:
        return self._folder / "logs" / f"scaling-{name}.log"


async def throughput(cluster: Cluster, search: Search, requests: Requests, seconds: float) -> float:
    """Searches a second of all workers together."""
    callers = _CALLERS_A_WORKER * len(cluster.workers)
    (await closed_loop(search, itertools.islice(requests, callers), callers)).require_ok()
    load = await closed_loop(search, for_seconds(requests, seconds), callers)
    return load.require_ok().per_s


async def join(cluster: Cluster, search: Search, requests: Requests, limit_s: float) -> dict[str, float]:
    """Seconds from a new worker's start until it is healthy, and until it has its share; NaN: not within the limit."""
    load = Steady(search, requests, _CALLERS_A_WORKER * (len(cluster.workers) + 1))
    await asyncio.sleep(_BEFORE_S)
    began = time.perf_counter()
    await cluster.add_worker()
    healthy_s, share_s = time.perf_counter() - began, math.nan
    looks = deque([await _answered(cluster.workers)])
    while math.isnan(share_s) and time.perf_counter() - began < limit_s:
        await asyncio.sleep(_LOOK_S)
        looks.append(await _answered(cluster.workers))
        if len(looks) * _LOOK_S > _WINDOW_S:
            looks.popleft()
        if share_of_last(looks[0], looks[-1]) >= _FAIR / len(cluster.workers):
            share_s = time.perf_counter() - began
    (await load.stop()).require_ok()
    return {"healthy_s": healthy_s, "share_s": share_s}


async def kill(cluster: Cluster, search: Search, requests: Requests) -> dict[str, Any]:
    """What became of the searches when a worker was killed under load; it is started again, as a cluster would."""
    load = Steady(search, requests, _CALLERS_A_WORKER * len(cluster.workers))
    await asyncio.sleep(_BEFORE_S)
    victim = cluster.workers[-1]
    in_flight = (await victim.samples()).total("clothing_admitted", stage="segment")
    assert victim.service.pid is not None
    os.kill(victim.service.pid, signal.SIGKILL)
    await asyncio.sleep(_AFTER_KILL_S)
    found = await load.stop()
    failed = sum(count for code, count in found.codes.items() if code != OK)
    return {
        "searches": len(found.answers),
        "in_flight_in_worker": in_flight,
        "failed": failed,
        "failed_beyond_those_in_flight": max(0.0, failed - in_flight),
        "codes": found.codes,
        "longest_ms": 1000 * max(answer.latency_s for answer in found.answers),
    }


def share_of_last(before: Sequence[float], after: Sequence[float]) -> float:
    """Of the calls that all workers answered between two looks, that of the last one; 0 where there were none."""
    answered = [now - then for now, then in zip(after, before, strict=True)]
    return answered[-1] / sum(answered) if sum(answered) else 0.0


async def _answered(workers: Sequence[Worker]) -> list[float]:
    found = await asyncio.gather(*(worker.samples() for worker in workers))
    return [samples.total("clothing_rpc_calls_total", method=_METHOD) for samples in found]


def _picture(seed: int) -> bytes:
    """A small JPEG: what is done to it besides must not keep the cores busy."""
    colours = np.random.default_rng(seed).integers(0, 256, (_PICTURE_SIDE, _PICTURE_SIDE, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(colours).save(file, "JPEG")
    return file.getvalue()


async def _import_items(target: str) -> None:
    items = [NewItem(Item(id=str(seed)), [_picture(seed)], whole_image=True) for seed in range(_ITEMS)]
    async with AsyncClient(target) as client:
        async for response in client.import_items(items, collection=COLLECTION):
            if response.status.code:
                raise SystemExit(f"cannot import: {response.status.message}")


async def measure(arguments: argparse.Namespace, cluster: Cluster) -> dict[str, Any]:
    per_s: dict[int, float] = {}
    requests = map(search_request, fresh([_picture(0)]))
    await cluster.start()
    for count in sorted(arguments.workers):
        while len(cluster.workers) < count:
            await cluster.add_worker()
        async with cluster.gateway() as target, searching(target) as search:
            if not per_s:
                await _import_items(target)
            per_s[count] = await throughput(cluster, search, requests, arguments.seconds)
    async with cluster.gateway() as target, searching(target) as search:
        joined = await join(cluster, search, requests, arguments.join_seconds)
    async with cluster.gateway() as target, searching(target) as search:
        killed = await kill(cluster, search, requests)
    fewest = min(per_s)
    linear = {count: value / count / (per_s[fewest] / fewest) for count, value in per_s.items()}
    return {"service_ms": arguments.service_ms, "per_s": per_s, "linear": linear, "join": joined, "kill": killed}


def tables(figures: Mapping[str, Any], limit_s: float) -> Iterator[str]:
    yield table(
        ["workers", "searches/s", "of linear", "wanted"],
        [
            [str(count), f"{value:.2f}", f"{figures['linear'][count]:.3f}", "≥ 0.95"]
            for count, value in figures["per_s"].items()
        ],
    )
    joined, killed = figures["join"], figures["kill"]
    share_s = joined["share_s"]
    late = f"not within {limit_s:.0f} s" if math.isnan(share_s) else f"{share_s:.1f} s"
    yield table(
        ["", "measured", "wanted"],
        [
            ["a new worker is healthy after", f"{joined['healthy_s']:.1f} s", ""],
            ["… has its share after", late, "≤ 10 s"],
            ["searches while one was killed", str(killed["searches"]), ""],
            ["in flight in the killed one", f"{killed['in_flight_in_worker']:.0f}", ""],
            ["failed", f"{killed['failed']}", ""],
            ["failed beyond those in flight", f"{killed['failed_beyond_those_in_flight']:.0f}", "0"],
            ["longest search", f"{killed['longest_ms']:.0f} ms", ""],
        ],
    )


def draw(figures: Mapping[str, Any], figure: "Figure") -> None:
    axes = figure.subplots()
    counts, values = list(figures["per_s"]), list(figures["per_s"].values())
    axes.plot(counts, [count * values[0] / counts[0] for count in counts], color="C7", linestyle="--", label="linear")
    axes.plot(counts, values, marker="o", label="measured")
    axes.set(xlabel="segment workers", ylabel="searches a second", xticks=counts)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)


async def main() -> None:
    arguments = _parse()
    print(machine_line())
    async with AsyncExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        dns = await stack.enter_async_context(names())
        figures = await measure(arguments, Cluster(arguments.folder, data, dns, arguments.service_ms, stack))
    print("\n\n".join(tables(figures, arguments.join_seconds)))
    write(arguments, figures, lambda figure: draw(figures, figure))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--service-ms", type=float, default=200.0, help="time the stand-in engine takes for a photo")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each number of workers")
    parser.add_argument("--join-seconds", type=float, default=30.0, help="longest wait for a new worker's share")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="for the logs")
    add_outputs(parser)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
