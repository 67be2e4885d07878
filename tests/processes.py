"""All four services as processes of their own, to be killed."""

import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc

from clothing_retrieval.v1 import catalog_service_pb2_grpc, retrieval_service_pb2_grpc
from tests.engines import write_embedder, write_parser
from tests.servers import Process, channel_to, free_port, process, wait_for_health

SERVICES = ("segment", "embed", "search", "gateway")


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
async def services(folder: Path, **environment: str) -> AsyncIterator[Services]:
    """All four as ``python -m`` runs them, with models of known answers. ``environment`` is laid over theirs."""
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
            own_environment = {f"{service.upper()}_{name}": value for name, value in settings.items()}
            module = service if service == "gateway" else f"{service}_service"
            processes[service] = await stack.enter_async_context(process(module, **own_environment | environment))
        channel = await stack.enter_async_context(channel_to(addresses["gateway"]))
        yield Services(processes, channel, metrics)
