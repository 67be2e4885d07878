"""Search through the gateway, beside the same models in one process and in four bare ones.

    python -m benchmarks.pipeline PHOTOS CATALOGUE [--json FILE] [--plot FILE]

Starts the services on free ports, and bare ones that only pass the work on (``benchmarks/bare.py``): they tell what
four processes and gRPC cost by themselves. All sides and the load generator share the same cores, in turns: in every
round each side searches the very same photos. A closed loop for throughput (each caller sends its next photo when it
has its answer), an open one for latency (Poisson arrivals at a share of the gateway's best throughput; latency counts
from when a photo was due).
"""

import argparse
import itertools
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.bare import running_bare
from benchmarks.in_process import InProcessSearch, run
from benchmarks.photos import fresh, read_photos
from benchmarks.report import add_outputs, machine_line, table, write
from benchmarks.searching import Search, search_request, searching
from benchmarks.services import add_catalogue, copied_index, import_catalogue, running
from benchmarks.turns import (
    BARE,
    BASELINE,
    SERVED,
    Call,
    Turns,
    add_guard,
    closed_figures,
    closed_tables,
    draw,
    latencies,
    open_figures,
    require_ratios,
)
from clothing_retrieval.v1.retrieval_service_pb2 import SearchResponse
from serving.cpus import available_cpus

_CHECKED = 8


async def measure(
    arguments: argparse.Namespace, search: Search, bare_search: Search, baseline: InProcessSearch
) -> dict[str, Any]:
    photos = fresh(read_photos(arguments.photos))

    async def gateway(photo: bytes) -> SearchResponse:
        return await search(search_request(photo))

    async def bare(photo: bytes) -> SearchResponse:
        return await bare_search(search_request(photo))

    await check_same(itertools.islice(photos, _CHECKED), baseline.caller(1), (bare, gateway))
    closed = {}
    for callers in arguments.callers:
        turns = Turns({BASELINE: baseline.caller(callers), BARE: bare, SERVED: gateway}, photos)
        closed[callers] = closed_figures(await turns.closed(callers, arguments.rounds, arguments.turn))
    capacity = max(figures[SERVED]["per_s"] for figures in closed.values())
    opened = {}
    for share in arguments.open:
        turns = Turns({BASELINE: baseline.caller(available_cpus()), SERVED: gateway}, photos)
        opened[share] = open_figures(await turns.open(share * capacity, arguments.open_seconds))
        opened[share]["arrivals_per_s"] = share * capacity
    return {"closed": closed, "open": opened}


async def check_same(
    photos: Iterable[bytes], baseline: Call, gateways: Iterable[Callable[[bytes], Awaitable[SearchResponse]]]
) -> None:
    """Raises SystemExit where the sides do not find the same: they would not do the same work."""
    for photo in photos:
        wanted = await baseline(photo)
        for gateway in gateways:
            found = [[match.item.id for match in each.matches] for each in (await gateway(photo)).results]
            if found != wanted:
                raise SystemExit("the sides find different items: benchmarks/in_process.py or bare.py is behind")


def tables(figures: dict[str, Any]) -> Iterator[str]:
    yield from closed_tables(figures["closed"], "photos/s")
    if opened := figures["open"]:
        yield table(
            ["open loop", "photos/s", "side", "p50 ms", "p95 ms", "p99 ms", "failed"],
            [
                [f"{share:.0%}", f"{row['arrivals_per_s']:.1f}", side, *latencies(row[side]), f"{row[side]['failed']}"]
                for share, row in opened.items()
                for side in (BASELINE, SERVED)
            ],
        )


async def main() -> None:
    arguments = _parse()
    print(machine_line())
    await import_catalogue(arguments.catalogue, arguments.folder)
    with (
        tempfile.TemporaryDirectory() as scratch,
        closing(InProcessSearch(copied_index(arguments.folder, Path(scratch, "in process")))) as baseline,
    ):
        async with (
            running_bare(index_folder=copied_index(arguments.folder, Path(scratch, "bare"))) as bare_target,
            searching(bare_target) as bare_search,
            running(arguments.folder) as services,
            searching(services.target) as search,
        ):
            figures = await measure(arguments, search, bare_search, baseline)
    print("\n\n".join(tables(figures)))
    write(arguments, figures, lambda figure: draw(figures["closed"], "photos a second", figure))
    require_ratios(figures["closed"], arguments)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder of JPEGs to search with")
    add_catalogue(parser)
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32])
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side, for each number of callers")
    parser.add_argument("--turn", type=int, default=64, help="photos in a turn")
    parser.add_argument("--open", type=float, nargs="*", default=[0.5, 0.8], help="shares of the best throughput")
    parser.add_argument("--open-seconds", type=float, default=15.0, help="for each share and side")
    add_outputs(parser)
    add_guard(parser)
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
