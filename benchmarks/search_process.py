"""The search service by itself, in a process of its own on free ports."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.metrics import read
from benchmarks.services import free_ports, resident_mb
from serving.cpus import available_cpus

_LONGEST_S = 3600


class SearchProcess:
    """Its data and its log are in ``folder``. ``collection`` is the one that is measured."""

    def __init__(self, folder: Path, collection: str) -> None:
        self._collection = collection
        self._folder = folder
        port = free_ports(2)
        self.address, self._metrics = f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Returns the seconds until it serves."""
        began = time.perf_counter()
        with (self._folder / "log").open("ab") as log:
            environment = {
                "SEARCH_LISTEN": self.address,
                "SEARCH_METRICS_LISTEN": self._metrics,
                "SEARCH_DATA_DIR": str(self._folder / "data"),
                "SEARCH_BUILD_THREADS": str(available_cpus()),
            }
            self._process = subprocess.Popen(
                [sys.executable, "-m", "search_service"], env={**os.environ, **environment}, stderr=log
            )
        with grpc.insecure_channel(self.address) as channel:
            request = health_pb2.HealthCheckRequest()
            watch = health_pb2_grpc.HealthStub(channel).Watch(request, wait_for_ready=True, timeout=_LONGEST_S)
            next(each for each in watch if each.status == health_pb2.HealthCheckResponse.SERVING)
        return time.perf_counter() - began

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def resident_mb(self) -> float:
        assert self._process is not None
        return resident_mb(self._process.pid)

    def vectors(self, state: str) -> float:
        """ "graph", "exact" or "deleted"."""
        samples = asyncio.run(read(self._metrics))
        return samples.total("clothing_index_vectors", collection=self._collection, state=state)

    def wait_for_graph(self) -> float:
        """Returns the seconds until no more than a tail waits to be linked."""
        began = time.perf_counter()
        while self.vectors("exact") > 5000:
            time.sleep(0.2)
        return time.perf_counter() - began

    def wait_until_saved(self) -> float:
        """Returns the seconds until the graphs on disk are those in memory: after a minute without writes."""
        began = time.perf_counter()
        while True:
            manifests = [json.loads(file.read_bytes()) for file in (self._folder / "data" / "graphs").glob("*.json")]
            if sum(told["count"] for told in manifests) == self.vectors("graph"):
                return time.perf_counter() - began
            time.sleep(1)
