"""The search service alone, filled with clustered unit vectors: what it holds, how fast it answers, how well.

    python -m benchmarks.index [--items 100000] [--folder FOLDER]

Starts the service in a process of its own and talks gRPC to it from the same cores. A folder that an earlier run filled
with as many items is used again. The baseline of searching is bare hnswlib in this process: the same graph, one thread
for each core.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import hnswlib
import numpy as np
from grpc_health.v1 import health_pb2, health_pb2_grpc
from numpy.typing import NDArray

from clothing_retrieval.v1 import search_service_pb2 as pb
from clothing_retrieval.v1.catalog_service_pb2 import DeleteCollectionRequest, DeleteItemsRequest
from clothing_retrieval.v1.catalog_service_pb2_grpc import CatalogServiceStub
from clothing_retrieval.v1.search_service_pb2_grpc import SearchServiceStub
from clothing_retrieval.v1.types_pb2 import Condition, Embedding, Filter, Item, Range

DIMENSION = 256
DIGEST = "0" * 64
COLLECTION = "benchmark"
ANOTHER = "another"
TOP_K = 5
SHARES = (0.5, 0.1, 0.01, 0.001, 0.0001)
"""Of the items, what a filter keeps."""
_CHURN = 500
_BATCH = 64
_WRITERS = 4
_TURNS = 5
_EF = 120
_LONGEST_S = 3600

Matrix = NDArray[np.float32]


def clustered(count: int, seed: int) -> Matrix:
    """(count, DIMENSION) unit vectors around 1,000 centres, which are the same for every seed."""
    centres = np.random.default_rng(0).standard_normal((1000, DIMENSION), np.float32)
    rng = np.random.default_rng([1, seed])
    vectors = centres[rng.integers(len(centres), size=count)]
    vectors += 0.7 * rng.standard_normal((count, DIMENSION), np.float32)
    unit: Matrix = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


class Service:
    """The search service on free ports."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.address, self._metrics = (f"127.0.0.1:{_free_port()}" for _ in range(2))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Returns the seconds until it serves."""
        began = time.perf_counter()
        with (self._folder / "log").open("ab") as log:
            environment = {
                "SEARCH_LISTEN": self.address,
                "SEARCH_METRICS_LISTEN": self._metrics,
                "SEARCH_DATA_DIR": str(self._folder / "data"),
                "SEARCH_BUILD_THREADS": str(os.cpu_count()),
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
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def vectors(self, state: str) -> float:
        """ "graph", "exact" or "deleted"."""
        with urllib.request.urlopen(f"http://{self._metrics}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        start = f'clothing_index_vectors{{collection="{COLLECTION}",state="{state}"}} '
        return next((float(line.removeprefix(start)) for line in lines if line.startswith(start)), 0.0)

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


def fill(stub: Any, vectors: Matrix, collection: str = COLLECTION, first: int = 0) -> float:
    """Upserts them as items whose price is their number, from ``first`` on. Returns items a second."""
    began = time.perf_counter()
    pending: list[Any] = []
    for start in range(0, len(vectors), _BATCH):
        piece = vectors[start : start + _BATCH]
        pending.append(stub.UpsertItems.future(_upsert(piece, first + start, collection)))
        if len(pending) == _WRITERS:
            pending.pop(0).result()
    for call in pending:
        call.result()
    return len(vectors) / (time.perf_counter() - began)


def query(probes: Matrix, **rest: Any) -> pb.QueryRequest:
    found = pb.QueryRequest(collection=COLLECTION, model_digest=DIGEST, top_k=TOP_K, **rest)
    for probe in probes:
        found.probes.add(embedding=Embedding(values=probe))
    return found


def cheapest(share: float, items: int) -> Filter:
    """Keeps this share of the items, but at least one."""
    return Filter(all_of=[Condition(field="price", range=Range(max=max(share * items - 1, 0)))])


def latencies(stub: Any, probes: Matrix, **rest: Any) -> tuple[dict[str, float], float]:
    """One caller, one probe a call: percentiles in ms; and recall@5 against exact search."""
    times, found = [], []
    for probe in probes:
        request = query(probe[None], **rest)
        began = time.perf_counter()
        answer = stub.Query(request)
        times.append(1000 * (time.perf_counter() - began))
        found.append(_ids(answer))
    hits = wanted = 0
    for probe, near in zip(probes, found, strict=True):
        best = _ids(stub.Query(query(probe[None], exact=True, **rest)))
        hits, wanted = hits + len(near & best), wanted + len(best)
    return _summary(times), hits / wanted


def meanwhile(disturb: Callable[[str, float], float], address: str, probes: Matrix, seconds: float) -> dict[str, float]:
    """Percentiles in ms of one caller while another process disturbs; how many items a second that one got done."""
    times: list[float] = []
    with (
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as beside,
        grpc.insecure_channel(address) as channel,
    ):
        stub: Any = SearchServiceStub(channel)
        disturbing = beside.submit(disturb, address, seconds)
        number = 0
        while not disturbing.done():
            number += 1
            request = query(probes[number % len(probes)][None])
            began = time.perf_counter()
            stub.Query(request)
            times.append(1000 * (time.perf_counter() - began))
        return {**_summary(times), "items_per_s": disturbing.result()}


def import_another(address: str, seconds: float) -> float:
    """Fills another collection as fast as it goes, and deletes it. Returns items a second."""
    with grpc.insecure_channel(address) as channel:
        stub: Any = SearchServiceStub(channel)
        stub.CreateCollection(pb.CreateCollectionRequest(name=ANOTHER, model_digest=DIGEST, dimension=DIMENSION))
        vectors = clustered(6400, 4)
        count, began = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - began) < seconds:
            fill(stub, vectors, ANOTHER, first=count)
            count += len(vectors)
        CatalogServiceStub(channel).DeleteCollection(DeleteCollectionRequest(name=ANOTHER))
    return count / elapsed


def churn(address: str, seconds: float) -> float:
    """Upserts 500 new items a second and deletes those of the second before. Returns how many a second there were."""
    with grpc.insecure_channel(address) as channel:
        search: Any = SearchServiceStub(channel)
        catalog: Any = CatalogServiceStub(channel)
        vectors = clustered(_CHURN, 3)
        first, count = 10_000_000 + time.time_ns() // 1_000_000_000 * 100_000, 0
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            time.sleep(max(0.0, began + count / _CHURN - time.perf_counter()))
            start = first + count
            place = count % _CHURN
            search.UpsertItems(_upsert(vectors[place : place + 50], start))
            gone = [f"{number - _CHURN:08}" for number in range(start, start + 50)]
            catalog.DeleteItems(DeleteItemsRequest(collection=COLLECTION, ids=gone))
            count += 50
        elapsed = time.perf_counter() - began
        last = [f"{number:08}" for number in range(first + count - _CHURN, first + count)]
        catalog.DeleteItems(DeleteItemsRequest(collection=COLLECTION, ids=last))
        return count / elapsed


async def throughput(address: str, probes: Matrix, callers: int, per_call: int, seconds: float) -> float:
    """Probes a second, of ``callers`` that each send their next call when they have their answer."""
    requests = [query(probes[i : i + per_call]) for i in range(0, len(probes) - per_call + 1, per_call)]
    count = 0
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = SearchServiceStub(channel)
        until = time.perf_counter() + seconds

        async def caller(number: int) -> None:
            nonlocal count
            while time.perf_counter() < until:
                number += 1
                await stub.Query(requests[number % len(requests)])
                count += per_call

        began = time.perf_counter()
        await asyncio.gather(*(caller(number * 7) for number in range(callers)))
    return count / (time.perf_counter() - began)


class Bare:
    """hnswlib in this process with the very graph that the service saved, and a thread for each core."""

    def __init__(self, folder: Path) -> None:
        (file,) = (folder / "data" / "graphs").glob("*.hnsw")
        self._index = hnswlib.Index(space="l2", dim=DIMENSION)
        self._index.load_index(str(file))
        self._index.set_ef(_EF)

    def throughput(self, probes: Matrix, seconds: float) -> float:
        """Probes a second, 64 at a time."""
        count, began = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - began) < seconds:
            start = count % (len(probes) - 63)
            self._index.knn_query(probes[start : start + 64], k=TOP_K, num_threads=os.cpu_count())
            count += 64
        return count / elapsed


def against_bare(service: Service, folder: Path, probes: Matrix, seconds: float) -> dict[str, float]:
    """Probes a second, 64 a call from 4 callers, and of bare hnswlib: in turns, since machines change their pace."""
    bare = Bare(folder)
    turns = [
        (
            asyncio.run(throughput(service.address, probes, 4, 64, seconds / _TURNS)),
            bare.throughput(probes, seconds / _TURNS),
        )
        for _ in range(_TURNS)
    ]
    ratio = float(np.median([ours / bare for ours, bare in turns]))
    ours, alone = (float(np.median(each)) for each in zip(*turns, strict=True))
    return {"probes_per_s": ours, "bare_probes_per_s": alone, "ratio": ratio}


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    vectors, probes = clustered(arguments.items, 1), clustered(1000, 2)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    service = Service(arguments.folder)
    figures: dict[str, Any] = {"items": arguments.items, "start_s": service.start()}
    try:
        with grpc.insecure_channel(service.address) as channel:
            stub: Any = SearchServiceStub(channel)
            stub.CreateCollection(pb.CreateCollectionRequest(name=COLLECTION, model_digest=DIGEST, dimension=DIMENSION))
            if service.vectors("graph") + service.vectors("exact") != len(vectors):
                figures["upserts_per_s"] = fill(stub, vectors)
            figures["graph_s"] = service.wait_for_graph()
            figures["saved_s"] = service.wait_until_saved()
            figures["one_caller"], figures["recall"] = latencies(stub, probes[: arguments.probes])
            figures["calls_per_s_8_callers"] = asyncio.run(throughput(service.address, probes, 8, 1, arguments.seconds))
            figures["64_a_call"] = against_bare(service, arguments.folder, probes, arguments.seconds)
            figures["resident_mb"] = service.resident_mb()
            figures["filters"] = {
                share: dict(
                    zip(
                        ("ms", "recall"),
                        latencies(stub, probes[: arguments.probes], filter=cheapest(share, len(vectors))),
                        strict=True,
                    )
                )
                for share in SHARES
            }
            figures["resident_mb_after_filters"] = service.resident_mb()
            figures["churn"] = meanwhile(churn, service.address, probes, arguments.seconds)
            service.wait_for_graph()
            figures["import"] = meanwhile(import_another, service.address, probes, arguments.seconds)
            figures["resident_mb_after_churn"] = service.resident_mb()
        service.stop()
        figures["start_again_s"] = service.start()
        figures["resident_mb_started_again"] = service.resident_mb()
    finally:
        service.stop()
    return figures


def table(figures: dict[str, Any]) -> list[str]:
    churn, importing, together = figures["churn"], figures["import"], figures["64_a_call"]
    rows: list[tuple[str, str]] = [
        ("until it serves", f"{figures['start_s']:.1f} s"),
        ("upserts, 64 a call, fsynced", f"{figures['upserts_per_s']:.0f}/s" if "upserts_per_s" in figures else "–"),
        ("then until the graph is there", f"{figures['graph_s']:.1f} s"),
        ("then started again, serves after", f"{figures['start_again_s']:.1f} s"),
        ("resident", f"{figures['resident_mb']:.0f} MB"),
        (
            "… after filters, after churn",
            f"{figures['resident_mb_after_filters']:.0f}, {figures['resident_mb_after_churn']:.0f} MB",
        ),
        ("… started again", f"{figures['resident_mb_started_again']:.0f} MB"),
        ("recall@5", f"{figures['recall']:.3f}"),
        ("one caller", _percentiles(figures["one_caller"])),
        ("… while items come and go", _percentiles(churn)),
        ("items that came and went", f"{churn['items_per_s']:.0f}/s"),
        (
            "… while another collection fills",
            f"{_percentiles(importing)}, {importing['items_per_s']:.0f}/s",
        ),
        ("8 callers", f"{figures['calls_per_s_8_callers']:.0f} calls/s"),
        ("64 probes a call", f"{together['probes_per_s']:.0f} probes/s"),
        ("bare hnswlib, 64 at a time", f"{together['bare_probes_per_s']:.0f} probes/s"),
        ("ratio to bare", f"{together['ratio']:.2f}"),
    ]
    rows += [
        (f"filter keeps {share:.2%}", f"{_percentiles(found['ms'])}, recall@5 {found['recall']:.3f}")
        for share, found in figures["filters"].items()
    ]
    return [f"{name:32s} {value}" for name, value in rows]


def _ids(answer: pb.QueryResponse) -> set[str]:
    return {match.item.id for match in answer.results[0].matches}


def _summary(times_ms: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(times_ms, (50, 99))
    return {"p50_ms": float(p50), "p99_ms": float(p99), "longest_ms": max(times_ms)}


def _percentiles(found: dict[str, float]) -> str:
    return f"p50 {found['p50_ms']:.2f} ms, p99 {found['p99_ms']:.2f} ms, longest {found['longest_ms']:.0f} ms"


def _upsert(vectors: Matrix, first: int, collection: str = COLLECTION) -> pb.UpsertItemsRequest:
    request = pb.UpsertItemsRequest(collection=collection, model_digest=DIGEST)
    for number, vector in enumerate(vectors, start=first):
        item = Item(id=f"{number:08}", title=f"item {number}", category="top", price=number)
        view = pb.View(category="top", embedding=Embedding(values=vector))
        request.items.add(item=item, views=[view], fingerprint=str(number))
    return request


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path("build/benchmark-index"), help="for the database and logs")
    parser.add_argument("--probes", type=int, default=300, help="searches for each latency and recall")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each throughput")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    arguments = parser.parse_args()
    figures = measure(arguments)
    print("\n".join(table(figures)))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
