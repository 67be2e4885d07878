"""The services as processes of their own on free ports."""

import argparse
import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from clothing_retrieval import AsyncClient
from clothing_retrieval.catalog.folder import read_folder
from clothing_retrieval.importer import Importer
from clothing_retrieval.up import Options, Stack
from clothing_retrieval.up.logs import to_files
from clothing_retrieval.up.service import Service, ServiceSpec

DEFAULT_FOLDER = Path("build/benchmark")
COLLECTION = "benchmark"
SERVICES = ("gateway", "segment", "embed", "search")
"""In the order of their metrics ports."""

_GRACE_S = 10.0
_HIGHEST_PORT = 65_535


def add_catalogue(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("catalogue", type=Path, help="folder of the catalogue: a sub-folder is a category")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="for the imported catalogue and the logs")


@dataclass(frozen=True)
class Running:
    """All four. ``metrics`` are addresses by service."""

    target: str
    metrics: Mapping[str, str]
    stack: Stack

    def resident_mb(self) -> dict[str, float]:
        """By service."""
        return {name: resident_mb(pid) for name, pid in self.stack.pids.items() if pid}


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Running]:
    """All four, ready, on the catalogue in a folder; logs go to ``folder``/logs.

    Their settings are this process's environment: ``SEGMENT_QUEUE=16 python -m benchmarks…``.
    """
    metrics_port = free_ports(len(SERVICES))
    with to_files(folder / "logs") as write_log:
        async with Stack(Options(folder, free_ports(1), metrics_port), write_log, print) as stack:
            await stack.ready()
            metrics = {name: f"127.0.0.1:{metrics_port + place}" for place, name in enumerate(SERVICES)}
            yield Running(stack.target, metrics, stack)


@asynccontextmanager
async def service(spec: ServiceSpec, log: Path) -> AsyncIterator[Service]:
    """One service, healthy; started again where it dies."""
    log.parent.mkdir(parents=True, exist_ok=True)
    async with contextlib.AsyncExitStack() as stack:
        file = stack.enter_context(log.open("a", encoding="utf-8", buffering=1))
        one = Service(spec, lambda _, line: print(line, file=file), lambda line: print(line, file=file))
        keeper = asyncio.create_task(one.keep_running())
        healthy = asyncio.create_task(one.healthy.wait())
        stack.callback(healthy.cancel)
        await asyncio.wait((keeper, healthy), return_when=asyncio.FIRST_COMPLETED)
        if keeper.done():
            await keeper
        try:
            yield one
        finally:
            await one.stop(_GRACE_S)
            await keeper


async def import_catalogue(source: Path, folder: Path) -> None:
    """Makes ``folder`` hold the catalogue of ``source``, if it does not yet."""
    entries = read_folder(source)
    async with running(folder) as services, AsyncClient(services.target) as client:
        held = {each.name: each.item_count for each in await client.list_collections()}
        if held.get(COLLECTION) == len(entries):
            return
        print(f"importing {len(entries)} items of {source} into {folder}, once", flush=True)
        report = await Importer(client, collection=COLLECTION).run(entries)
        if not report.complete:
            raise SystemExit(f"the import was not complete: {report.stopped or report.failures[:3]}")


def copied_index(folder: Path, to: Path) -> Path:
    """The search service's folder once more: one process at a time may have one open."""
    return Path(shutil.copytree(folder / "search", to / "search"))


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def free_ports(count: int) -> int:
    """The first of so many free ports in a row."""
    while True:
        with ExitStack() as held:
            try:
                first = _hold(held, 0)
                if first + count > _HIGHEST_PORT:
                    continue
                for port in range(first + 1, first + count):
                    _hold(held, port)
            except OSError:
                continue
            return first


def _hold(held: ExitStack, port: int) -> int:
    probe = held.enter_context(socket.socket())
    probe.bind(("127.0.0.1", port))
    return int(probe.getsockname()[1])
