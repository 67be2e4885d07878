"""kill -9 of any one service in the middle of an import: what was acknowledged is there, the rest follows.

IMPORT_KILL_ITEMS sets how many items are imported (200).
"""

import os
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import numpy as np
import pytest
from PIL import Image

from clothing_retrieval.v1 import catalog_service_pb2, catalog_service_pb2_grpc, retrieval_service_pb2_grpc
from clothing_retrieval.v1 import retrieval_service_pb2 as pb
from tests.engines import COLOURS, write_embedder, write_parser
from tests.pictures import message
from tests.servers import Process, channel_to, free_port, process, wait_for_health
from tests.stack import item

ITEMS = int(os.environ.get("IMPORT_KILL_ITEMS", "200"))
SERVICES = ("segment", "embed", "search", "gateway")
DONE = (pb.IMPORT_OUTCOME_CREATED, pb.IMPORT_OUTCOME_UPDATED, pb.IMPORT_OUTCOME_UNCHANGED)


def picture(number: int) -> Image.Image:
    """A garment of four bands, each a shade of its own: no two items look alike."""
    shades = np.random.default_rng(number).integers(-25, 26, (4, 4, 3))
    garment = np.clip(np.array(COLOURS["dress"]) + np.kron(shades, np.ones((40, 24, 1), int)), 0, 255)
    canvas = np.full((256, 192, 3), 255, np.uint8)
    canvas[48:208, 48:144] = garment
    return Image.fromarray(canvas)


ALL = [item(f"item {number:04}", picture(number)) for number in range(ITEMS)]


class Services:
    """The four services as processes, each killed and started again by name."""

    def __init__(self, processes: dict[str, Process], channel: grpc.aio.Channel, metrics: str) -> None:
        self.processes = processes
        self.channel = channel
        self.retrieval = retrieval_service_pb2_grpc.RetrievalServiceStub(channel)
        self.catalog = catalog_service_pb2_grpc.CatalogServiceStub(channel)
        self._metrics = metrics

    async def kill_and_restart(self, service: str) -> None:
        await self.processes[service].kill()
        await self.processes[service].start()

    async def ready(self) -> None:
        await wait_for_health(self.channel, "SERVING")

    def segmented(self) -> float:
        """Photos that the segment process has segmented since it started."""
        with urllib.request.urlopen(f"http://{self._metrics}/metrics", timeout=10) as response:
            lines = response.read().decode().splitlines()
        counted = [line for line in lines if line.startswith('clothing_compute_seconds_count{stage="segment"}')]
        return float(counted[0].split()[1]) if counted else 0.0


@asynccontextmanager
async def services(folder: Path) -> AsyncIterator[Services]:
    write_parser(folder / "models")
    write_embedder(folder / "models")
    addresses = {service: f"127.0.0.1:{free_port()}" for service in SERVICES}
    metrics = f"127.0.0.1:{free_port()}"
    own = {
        "segment": {"MODELS_DIR": str(folder / "models"), "METRICS_LISTEN": metrics},
        "embed": {"MODELS_DIR": str(folder / "models")},
        "search": {"DATA_DIR": str(folder / "data")},
        "gateway": {f"{stage}_TARGET".upper(): f"dns:///{addresses[stage]}" for stage in SERVICES[:3]},
    }
    async with AsyncExitStack() as stack:
        processes = {}
        for service in SERVICES:
            settings = {"LISTEN": addresses[service], "DRAIN_S": "0", **own[service]}
            environment = {f"{service.upper()}_{name}": value for name, value in settings.items()}
            module = service if service == "gateway" else f"{service}_service"
            processes[service] = await stack.enter_async_context(process(module, **environment))
        channel = await stack.enter_async_context(channel_to(addresses["gateway"]))
        yield Services(processes, channel, metrics)


async def import_killing(running: Services, killed: str, after: int) -> set[str]:
    """Imports all, kills a service after some answers, starts it again. Which items were acknowledged."""
    acknowledged: set[str] = set()
    stream = running.retrieval.ImportItems(iter(ALL), timeout=90)
    try:
        async for answer in stream:
            assert answer.outcome in DONE, answer.status
            acknowledged.add(answer.id)
            if len(acknowledged) == after:
                await running.kill_and_restart(killed)
    except grpc.aio.AioRpcError as error:
        assert killed == "gateway", error
        assert error.code() is grpc.StatusCode.UNAVAILABLE
    return acknowledged


async def stored(running: Services) -> set[str]:
    found: set[str] = set()
    token = ""
    while True:
        request = catalog_service_pb2.ListItemsRequest(page_size=1000, page_token=token)
        page = await running.catalog.ListItems(request, timeout=20)
        found |= {listed.id for listed in page.items}
        if not (token := page.next_page_token):
            return found


async def assert_found(running: Services, names: Sequence[str]) -> None:
    """Each is the nearest to its own picture."""
    for name in names:
        request = pb.SearchRequest(image=message(picture(int(name.split()[1]))), top_k=1)
        (result,) = (await running.retrieval.Search(request, timeout=20)).results
        assert [match.item.id for match in result.matches] == [name]


@pytest.mark.parametrize("killed", SERVICES)
async def test_what_was_acknowledged_is_found_and_importing_again_finishes_without_model_time_for_the_unchanged(
    tmp_path: Path, killed: str
) -> None:
    async with services(tmp_path) as running:
        await running.ready()
        acknowledged = await import_killing(running, killed, after=ITEMS // 3)
        await running.ready()
        assert len(acknowledged) >= ITEMS // 3
        if killed != "gateway":  # the import waited for the service, and went on
            assert len(acknowledged) == ITEMS
        assert acknowledged <= await stored(running)
        await assert_found(running, sorted(acknowledged)[:: max(1, len(acknowledged) // 40)])

        before = running.segmented()
        again = {answer.id: answer.outcome async for answer in running.retrieval.ImportItems(iter(ALL), timeout=90)}
        assert set(again.values()) <= set(DONE)
        assert {again[name] for name in acknowledged} == {pb.IMPORT_OUTCOME_UNCHANGED}
        changed = [name for name, outcome in again.items() if outcome != pb.IMPORT_OUTCOME_UNCHANGED]
        assert running.segmented() - before == len(changed)
        assert await stored(running) == {request.item.id for request in ALL}
