"""The search service alone, filled with unit vectors: what it holds, how fast it answers, how well.

    python -m benchmarks.index [--items 100000] [--photos PHOTOS] [--folder FOLDER] [--json FILE] [--plot FILE]

The vectors are clustered, or embeddings of photos, repeated with noise, that are searched by embeddings of others.
Starts the service in a process of its own and talks gRPC to it from the same cores. A folder that an earlier run filled
with as many items of the kind is used again. The baseline of searching is bare hnswlib in this process: the same graph,
in large pages too, one thread for each core. That of searching beside writes is a machine whose CPUs others keep busy.
"""

import argparse
import asyncio
import multiprocessing
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import hnswlib
import numpy as np

from benchmarks.report import add_outputs, machine_line, table, write
from benchmarks.search_process import SearchProcess
from benchmarks.vectors import DIMENSION, Matrix, clustered, photographed
from clothing_retrieval.v1 import search_service_pb2 as pb
from clothing_retrieval.v1.catalog_service_pb2 import DeleteCollectionRequest, DeleteItemsRequest
from clothing_retrieval.v1.catalog_service_pb2_grpc import CatalogServiceStub
from clothing_retrieval.v1.search_service_pb2_grpc import SearchServiceStub
from clothing_retrieval.v1.types_pb2 import Condition, Embedding, Filter, Item, Range
from search_service.settings import Settings
from serving.cpus import available_cpus
from serving.memory import set_aside_what_stays, use_large_pages

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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


def meanwhile(
    disturb: Callable[[str, float, Connection], None], address: str, stub: Any, probes: Matrix, seconds: float
) -> dict[str, float]:
    """Percentiles in ms of one caller while another process disturbs; how many items a second that one got done."""
    context = multiprocessing.get_context("spawn")
    told, tells = context.Pipe(duplex=False)

    def until_told() -> list[float]:
        times: list[float] = []
        while not told.poll():
            request = query(probes[len(times) % len(probes)][None])
            began = time.perf_counter()
            stub.Query(request)
            times.append(1000 * (time.perf_counter() - began))
        return times

    beside = context.Process(target=disturb, args=(address, seconds, tells))
    beside.start()
    tells.close()  # ours: where the other process dies, `told` ends
    until_told()  # as in life, searches come before it begins, too
    told.recv()
    times = until_told()
    items_per_s = told.recv()
    beside.join()
    return {**_summary(times), "items_per_s": items_per_s}


def compute(address: str, seconds: float, tells: Connection) -> None:
    """Keeps as many CPUs busy as there are, and leaves the service alone."""
    others = [multiprocessing.Process(target=_compute, args=(seconds,)) for _ in range(available_cpus())]
    for each in others:
        each.start()
    tells.send(None)
    for each in others:
        each.join()
    tells.send(0.0)


def import_another(vectors: Matrix, address: str, seconds: float, tells: Connection) -> None:
    """Fills another collection as fast as it goes, and deletes it. Tells when it begins, then its items a second."""
    with grpc.insecure_channel(address) as channel:
        stub: Any = SearchServiceStub(channel)
        stub.CreateCollection(pb.CreateCollectionRequest(name=ANOTHER, model_digest=DIGEST, dimension=DIMENSION))
        tells.send(None)
        count, began = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - began) < seconds:
            fill(stub, vectors, ANOTHER, first=count)
            count += len(vectors)
        tells.send(count / elapsed)
        CatalogServiceStub(channel).DeleteCollection(DeleteCollectionRequest(name=ANOTHER))


def churn(vectors: Matrix, address: str, seconds: float, tells: Connection) -> None:
    """Upserts 500 new items a second and deletes those of the second before.

    Tells when it begins, then how many a second there were.
    """
    with grpc.insecure_channel(address) as channel:
        search: Any = SearchServiceStub(channel)
        catalog: Any = CatalogServiceStub(channel)
        first, count = 10_000_000 + time.time_ns() // 1_000_000_000 * 100_000, 0
        tells.send(None)
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            time.sleep(max(0.0, began + count / _CHURN - time.perf_counter()))
            start = first + count
            place = count % _CHURN
            search.UpsertItems(_upsert(vectors[place : place + 50], start))
            gone = [f"{number - _CHURN:08}" for number in range(start, start + 50)]
            catalog.DeleteItems(DeleteItemsRequest(collection=COLLECTION, ids=gone))
            count += 50
        tells.send(count / (time.perf_counter() - began))
        last = [f"{number:08}" for number in range(first + count - _CHURN, first + count)]
        catalog.DeleteItems(DeleteItemsRequest(collection=COLLECTION, ids=last))


def _compute(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


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
        self._index.set_ef(Settings().ef)

    def throughput(self, probes: Matrix, seconds: float) -> float:
        """Probes a second, 64 at a time."""
        count, began = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - began) < seconds:
            start = count % (len(probes) - 63)
            self._index.knn_query(probes[start : start + 64], k=TOP_K, num_threads=available_cpus())
            count += 64
        return count / elapsed


def against_bare(service: SearchProcess, folder: Path, probes: Matrix, seconds: float) -> dict[str, float]:
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
    some, probes = photographed(arguments.photos) if arguments.photos else (clustered, clustered(1000, 2))
    vectors = some(arguments.items, 1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    service = SearchProcess(arguments.folder, COLLECTION)
    figures: dict[str, Any] = {"items": arguments.items, "start_s": service.start()}
    try:
        with grpc.insecure_channel(service.address) as channel:
            stub: Any = SearchServiceStub(channel)
            stub.CreateCollection(pb.CreateCollectionRequest(name=COLLECTION, model_digest=DIGEST, dimension=DIMENSION))
            if service.vectors("graph") + service.vectors("exact") != len(vectors):
                figures["upserts_per_s"] = fill(stub, vectors)
            figures["graph_s"] = service.wait_for_graph()
            figures["saved_s"] = service.wait_until_saved()
            set_aside_what_stays()  # a full collection takes this caller 20 to 50 ms
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
            beside = partial(meanwhile, address=service.address, stub=stub, probes=probes, seconds=arguments.seconds)
            figures["compute"] = beside(compute)
            figures["churn"] = beside(partial(churn, some(_CHURN, 3)))
            service.wait_for_graph()
            figures["import"] = beside(partial(import_another, some(6400, 4)))
            figures["resident_mb_after_churn"] = service.resident_mb()
        service.stop()
        figures["start_again_s"] = service.start()
        figures["resident_mb_started_again"] = service.resident_mb()
    finally:
        service.stop()
    return figures


def in_a_table(figures: dict[str, Any]) -> str:
    together = figures["64_a_call"]
    rows = [
        ("until it serves", f"{figures['start_s']:.1f} s"),
        ("upserts, 64 a call, fsynced", f"{figures['upserts_per_s']:.0f}/s" if "upserts_per_s" in figures else "–"),
        ("then until the graph is there", f"{figures['graph_s']:.1f} s"),
        ("then started again, serves after", f"{figures['start_again_s']:.1f} s"),
        ("resident", f"{figures['resident_mb']:.0f} MB"),
        ("… after filters", f"{figures['resident_mb_after_filters']:.0f} MB"),
        ("… after churn", f"{figures['resident_mb_after_churn']:.0f} MB"),
        ("… started again", f"{figures['resident_mb_started_again']:.0f} MB"),
        ("recall@5", f"{figures['recall']:.3f}"),
        ("items that came and went", f"{figures['churn']['items_per_s']:.0f}/s"),
        ("items into another collection", f"{figures['import']['items_per_s']:.0f}/s"),
        ("8 callers", f"{figures['calls_per_s_8_callers']:.0f} calls/s"),
        ("64 probes a call", f"{together['probes_per_s']:.0f} probes/s"),
        ("bare hnswlib, 64 at a time", f"{together['bare_probes_per_s']:.0f} probes/s"),
        ("ratio to bare", f"{together['ratio']:.2f}"),
        *(
            (f"recall@5, filter of {share:.2%}", f"{found['recall']:.3f}")
            for share, found in figures["filters"].items()
        ),
    ]
    return table([f"{figures['items']:,} items", ""], rows)


def latencies_in_a_table(figures: dict[str, Any]) -> str:
    return table(
        ["one caller", "p50 ms", "p99 ms", "longest"],
        [
            [name, f"{found['p50_ms']:.2f}", f"{found['p99_ms']:.2f}", f"{found['longest_ms']:.0f}"]
            for name, found in _situations(figures).items()
        ],
    )


def draw(figures: dict[str, Any], figure: "Figure") -> None:
    axes = figure.subplots()
    situations = _situations(figures)
    for name, colour, height in (("longest_ms", "#dbe4f0", 0.8), ("p99_ms", "C0", 0.5), ("p50_ms", "C1", 0.5)):
        values = [found[name] for found in situations.values()]
        axes.barh(list(situations), values, height=height, color=colour, label=name.removesuffix("_ms"))
    axes.invert_yaxis()
    axes.set(xlabel="ms", title=f"One caller, {figures['items']:,} items")
    axes.legend(frameon=False, loc="lower right")


def _situations(figures: dict[str, Any]) -> dict[str, dict[str, float]]:
    return {
        "quiet": figures["one_caller"],
        "while each CPU computes": figures["compute"],
        "while items come and go": figures["churn"],
        "while another collection fills": figures["import"],
        **{f"filter of {share:.2%}": found["ms"] for share, found in figures["filters"].items()},
    }


def _ids(answer: pb.QueryResponse) -> set[str]:
    return {match.item.id for match in answer.results[0].matches}


def _summary(times_ms: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(times_ms, (50, 99))
    return {"p50_ms": float(p50), "p99_ms": float(p99), "longest_ms": max(times_ms)}


def _upsert(vectors: Matrix, first: int, collection: str = COLLECTION) -> pb.UpsertItemsRequest:
    request = pb.UpsertItemsRequest(collection=collection, model_digest=DIGEST)
    for number, vector in enumerate(vectors, start=first):
        item = Item(id=f"{number:08}", title=f"item {number}", category="top", price=number)
        view = pb.View(category="top", embedding=Embedding(values=vector))
        request.items.add(item=item, views=[view], fingerprint=str(number))
    return request


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--photos", type=Path, help="folder of JPEGs to embed; absent: clustered vectors")
    parser.add_argument("--folder", type=Path, default=Path("build/benchmark-index"), help="for the database and logs")
    parser.add_argument("--probes", type=int, default=300, help="searches for each latency and recall")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each throughput")
    add_outputs(parser)
    arguments = parser.parse_args()
    print(machine_line())
    figures = measure(arguments)
    print(in_a_table(figures), latencies_in_a_table(figures), sep="\n\n")
    write(arguments, figures, lambda figure: draw(figures, figure))


if __name__ == "__main__":
    use_large_pages()  # as the service does
    main()
