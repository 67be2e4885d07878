"""What traces cost: the CPU time that the four services take for a search, with traces off and on.

    python -m benchmarks.tracing PHOTOS CATALOGUE [--beside CHECKOUT] [--json FILE]

Two sets of services, one with a collector and one without, search the very same photos in turns, one after another.
CPU time is the kernel's count for their processes, so that what else the machine does hardly matters.
"""

import argparse
import asyncio
import itertools
import os
import tempfile
import time
import timeit
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent import futures
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np

from benchmarks.load import closed_loop, percentile_ms
from benchmarks.photos import fresh, read_photos
from benchmarks.report import add_outputs, machine_line, table, write
from benchmarks.searching import TIMEOUT_S, search_request
from benchmarks.services import Running, add_catalogue, copied_index, import_catalogue, running
from clothing_retrieval.calls import channel_options, channel_target
from clothing_retrieval.v1.retrieval_service_pb2_grpc import RetrievalServiceStub
from serving import tracing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OFF, BESIDE, UNSAMPLED, SAMPLED = "off", "off, the other checkout", "on, not sampled", "on, sampled"

_EXPORT_EVERY_MS = 1000
_SETTLE_S = 1.2
"""After a turn, in which its last spans are sent."""
_WARM_UP = 8
_SPANS = 100_000


@dataclass(frozen=True)
class Side:
    services: Running
    search: Callable[[bytes], Any]

    def cpu_s(self) -> float:
        """That its processes took so far."""
        return sum(map(_cpu_s, filter(None, self.services.stack.pids.values())))


async def measure(arguments: argparse.Namespace, sides: Mapping[str, Side]) -> dict[str, Any]:
    photos = fresh(read_photos(arguments.photos))
    for side in sides.values():
        (await closed_loop(side.search, itertools.islice(photos, _WARM_UP), 1)).require_ok()
    cpu_ms: dict[str, list[float]] = {name: [] for name in sides}
    latencies: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(arguments.rounds):
        part = list(itertools.islice(photos, arguments.turn))
        for name in rotated(list(sides), number):
            before = sides[name].cpu_s()
            load = (await closed_loop(sides[name].search, part, 1)).require_ok()
            await asyncio.sleep(_SETTLE_S)
            cpu_ms[name].append((sides[name].cpu_s() - before) / len(part) * 1000)
            latencies[name].append(percentile_ms(load.of("OK"), 50))
    return {name: compared(cpu_ms[name], cpu_ms[OFF], latencies[name]) for name in sides}


def span_ns() -> float:
    """Of a span where traces are off."""

    def step() -> None:
        with tracing.span("step", pictures=1):
            pass

    return timeit.timeit(step, number=_SPANS, timer=time.process_time) / _SPANS * 1e9


def tables(figures: Mapping[str, Any]) -> Iterator[str]:
    yield table(
        ["traces", "CPU ms a search", "by off", "half the rounds", "p50 ms"],
        [
            [
                name,
                f"{row['cpu_ms']:.1f}",
                f"{row['ratio']:.3f}",
                "–".join(f"{ratio:.2f}" for ratio in np.percentile(row["ratios"], (25, 75))),
                f"{row['p50_ms']:.1f}",
            ]
            for name, row in figures["search"].items()
        ],
    )
    yield f"a span where traces are off: {figures['span_off_ns']:.0f} ns"


async def main() -> None:
    arguments = _parse()
    print(machine_line())
    await import_catalogue(arguments.catalogue, arguments.folder)
    async with AsyncExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        endpoint = stack.enter_context(_collector())
        traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": str(_EXPORT_EVERY_MS)}
        folders = [copied_index(arguments.folder, scratch / name).parent for name in ("off", "on", "beside")]
        off = await stack.enter_async_context(_services(folders[0], {}))
        on = await stack.enter_async_context(_services(folders[1], traced))
        sides = {OFF: off, UNSAMPLED: on, SAMPLED: on}
        if arguments.beside:
            path = {"PYTHONPATH": str(arguments.beside.absolute()), "PYTHONSAFEPATH": "1"}
            sides[BESIDE] = await stack.enter_async_context(_services(folders[2], path))
        searches = {
            name: Side(services, await stack.enter_async_context(_searching(services.target, name == SAMPLED)))
            for name, services in sides.items()
        }
        figures: dict[str, Any] = {"search": await measure(arguments, searches), "span_off_ns": span_ns()}
    print("\n\n".join(tables(figures)))
    write(arguments, figures, lambda figure: _draw(figures, figure))


@asynccontextmanager
async def _services(folder: Path, environment: Mapping[str, str]) -> AsyncIterator[Running]:
    """With an environment of their own."""
    before = dict(os.environ)
    os.environ.update(environment)
    async with running(folder) as services:  # ready: all are started
        os.environ.clear()
        os.environ.update(before)
        yield services


@asynccontextmanager
async def _searching(target: str, sampled: bool) -> AsyncIterator[Callable[[bytes], Any]]:
    """As a caller that has a trace of its own."""
    async with grpc.aio.insecure_channel(channel_target(target), options=channel_options(target)) as channel:
        stub = RetrievalServiceStub(channel)

        async def search(photo: bytes) -> Any:
            traceparent = f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-{int(sampled):02x}"
            request = search_request(photo)
            request.skip_cache = True  # two sides ask the same gateway
            return await stub.Search(request, timeout=TIMEOUT_S, metadata=(("traceparent", traceparent),))

        yield search


class _Taking(grpc.GenericRpcHandler):
    """Takes whatever comes and answers with an empty message."""

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        return grpc.unary_unary_rpc_method_handler(lambda request, context: b"")


@contextmanager
def _collector() -> Iterator[str]:
    server = grpc.server(futures.ThreadPoolExecutor(1), handlers=[_Taking()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def compared(cpu_ms: Sequence[float], off_ms: Sequence[float], p50_ms: Sequence[float]) -> dict[str, Any]:
    ratios = [own / off for own, off in zip(cpu_ms, off_ms, strict=True)]
    return {
        "cpu_ms": float(np.median(cpu_ms)),
        "ratios": ratios,
        "ratio": float(np.median(ratios)),
        "p50_ms": float(np.median(p50_ms)),
    }


def rotated(names: Sequence[str], number: int) -> list[str]:
    first = number % len(names)
    return [*names[first:], *names[:first]]


def _draw(figures: Mapping[str, Any], figure: "Figure") -> None:
    axes = figure.subplots()
    axes.barh(list(figures["search"]), [row["cpu_ms"] for row in figures["search"].values()], color="C0")
    axes.set(xlabel="CPU ms a search")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder of JPEGs to search with")
    add_catalogue(parser)
    parser.add_argument("--rounds", type=int, default=12, help="turns of each side")
    parser.add_argument("--turn", type=int, default=16, help="photos in a turn")
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT", help="another one, whose services search too")
    add_outputs(parser)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
