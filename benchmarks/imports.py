"""Searches while a catalogue is imported: what each costs the other.

    python -m benchmarks.imports PHOTOS CATALOGUE [--json FILE] [--plot FILE]

Starts the services on free ports. Searches alone, imports alone, then both, on the same cores as the load generator:
one import stream, and as many callers as ``--callers``. The imported items go into a collection of their own, which is
deleted.
"""

import argparse
import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.load import OK, Load, closed_loop, for_seconds, percentiles_ms
from benchmarks.photos import fresh, read_photos
from benchmarks.report import add_outputs, machine_line, table, write
from benchmarks.searching import Search, search_request, searching
from benchmarks.services import add_catalogue, import_catalogue, running
from clothing_retrieval import AsyncClient
from clothing_retrieval.calls import NewItem
from clothing_retrieval.v1.types_pb2 import Item

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLLECTION = "benchmark-import"

_WARM_UP_S = 2.0
_LONGEST_S = 24 * 3600.0  # a soak imports for longer than a client usually would


class Importing:
    """An import in the background, until it is stopped; ``imported`` counts the items stored.

    ``ids``: so many items are written again and again; 0: every one is new.
    """

    def __init__(self, client: AsyncClient, photos: Iterator[bytes], ids: int = 0) -> None:
        self.imported = 0
        self._stopping = False
        numbers = itertools.cycle(range(ids)) if ids else itertools.count()
        items = (NewItem(Item(id=str(number)), [photo]) for number, photo in zip(numbers, photos, strict=False))
        self._run = asyncio.create_task(self._import(client, items))

    async def stop(self) -> None:
        """Lets the items in flight end. Raises RuntimeError where one failed."""
        self._stopping = True
        await self._run

    async def _import(self, client: AsyncClient, items: Iterator[NewItem]) -> None:
        until_stopped = itertools.takewhile(lambda _: not self._stopping, items)
        async for response in client.import_items(until_stopped, collection=COLLECTION, timeout_s=_LONGEST_S):
            if response.status.code:
                raise RuntimeError(f"an item was not imported: {response.status.message}")
            self.imported += 1


async def measure(arguments: argparse.Namespace, search: Search, client: AsyncClient) -> dict[str, Any]:
    requests = map(search_request, fresh(read_photos(arguments.photos)))
    items = fresh(read_photos(arguments.catalogue))

    async def searches(seconds: float) -> Load:
        return (await closed_loop(search, for_seconds(requests, seconds), arguments.callers)).require_ok()

    async def imported_per_s() -> float:
        before, began = importing.imported, time.perf_counter()
        await asyncio.sleep(arguments.seconds)
        return (importing.imported - before) / (time.perf_counter() - began)

    await searches(_WARM_UP_S)
    alone = await searches(arguments.seconds)
    importing = Importing(client, items)
    try:
        await asyncio.sleep(_WARM_UP_S)
        items_alone = await imported_per_s()
        beside, items_beside = await asyncio.gather(searches(arguments.seconds), imported_per_s())
    finally:
        await importing.stop()
        await client.delete_collection(COLLECTION)
    return {
        "callers": arguments.callers,
        "searches": {"alone": figures_of(alone), "beside": figures_of(beside)},
        "items_per_s": {"alone": items_alone, "beside": items_beside},
    }


def figures_of(load: Load) -> dict[str, float]:
    return {"per_s": load.per_s, **percentiles_ms(load.of(OK))}


def tables(figures: Mapping[str, Any]) -> Iterator[str]:
    yield table(
        ["", "searches/s", "p50 ms", "p95 ms", "p99 ms", "items/s"],
        [
            [
                f"{name}, {figures['callers']} callers" if name == "alone" else "both together",
                *(f"{row[key]:.1f}" for key in ("per_s", "p50_ms", "p95_ms", "p99_ms")),
                f"{figures['items_per_s'][name]:.1f}",
            ]
            for name, row in figures["searches"].items()
        ],
    )


def draw(figures: Mapping[str, Any], figure: "Figure") -> None:
    latency, rates = figure.subplots(1, 2)
    names = ["p50", "p95", "p99"]
    for offset, (when, row) in zip((-0.2, 0.2), figures["searches"].items(), strict=True):
        latency.bar([place + offset for place in range(3)], [row[f"{name}_ms"] for name in names], 0.4, label=when)
        values = [row["per_s"], figures["items_per_s"][when]]
        rates.bar([place + offset for place in range(2)], values, 0.4, label=when)
    latency.set(xticks=range(3), xticklabels=names, ylabel="search latency in ms")
    rates.set(xticks=range(2), xticklabels=["searches", "items imported"], ylabel="a second")
    for axes in (latency, rates):
        axes.legend(frameon=False)


async def main() -> None:
    arguments = _parse()
    print(machine_line())
    await import_catalogue(arguments.catalogue, arguments.folder)
    async with (
        running(arguments.folder) as services,
        searching(services.target) as search,
        AsyncClient(services.target) as client,
    ):
        figures = await measure(arguments, search, client)
    print("\n\n".join(tables(figures)))
    write(arguments, figures, lambda figure: draw(figures, figure))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder of JPEGs to search with")
    add_catalogue(parser)
    parser.add_argument("--callers", type=int, default=1, help="that search at a time")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each phase")
    add_outputs(parser)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
