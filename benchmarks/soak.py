"""An hour of mixed load: does memory stay flat?

    python -m benchmarks.soak PHOTOS CATALOGUE [--minutes 60] [--json FILE] [--plot FILE]

Starts the services on free ports. Callers search without a pause, beside an import that writes the same items again
and again with other pictures: what there is to hold stays the same. Every call must succeed. Resident memory is read
every ten seconds.
"""

import argparse
import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.imports import COLLECTION, Importing
from benchmarks.load import OK, closed_loop, for_seconds, percentiles_ms
from benchmarks.photos import fresh, read_photos
from benchmarks.report import add_outputs, machine_line, table, write
from benchmarks.searching import Search, search_request, searching
from benchmarks.services import SERVICES, Running, add_catalogue, import_catalogue, running
from clothing_retrieval import AsyncClient

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WARM_UP_S = 120.0
_LOOK_S = 10.0
_IDS = 1_000


async def measure(
    arguments: argparse.Namespace, search: Search, client: AsyncClient, services: Running
) -> dict[str, Any]:
    requests = map(search_request, fresh(read_photos(arguments.photos)))
    importing = Importing(client, fresh(read_photos(arguments.catalogue)), _IDS)
    try:
        (await closed_loop(search, for_seconds(requests, _WARM_UP_S), arguments.callers)).require_ok()
        looks: list[dict[str, float]] = []
        before, looking = importing.imported, asyncio.create_task(look(services, looks))
        source = for_seconds(requests, 60 * arguments.minutes)
        load = (await closed_loop(search, source, arguments.callers)).require_ok()
        looking.cancel()
        imported = importing.imported - before
    finally:
        await importing.stop()
        await client.delete_collection(COLLECTION)
    return {
        "minutes": arguments.minutes,
        "searches": len(load.answers),
        "imported": imported,
        **percentiles_ms(load.of(OK)),
        "resident_mb": {name: [each[name] for each in looks] for name in SERVICES},
    }


async def look(services: Running, looks: list[dict[str, float]]) -> None:
    while True:
        looks.append(services.resident_mb())
        await asyncio.sleep(_LOOK_S)


def moments(resident: Sequence[float]) -> list[float]:
    """At the start, in the middle, at the end; the highest."""
    return [resident[0], resident[len(resident) // 2], resident[-1], max(resident)]


def tables(figures: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{figures['minutes']:g} minutes: {figures['searches']} searches (p50 {figures['p50_ms']:.0f} ms, "
        f"p99 {figures['p99_ms']:.0f} ms),\n{figures['imported']} items written, none failed"
    )
    yield table(
        ["resident MB", "start", "middle", "end", "highest"],
        [[name, *(f"{value:.0f}" for value in moments(row))] for name, row in figures["resident_mb"].items()],
    )


def draw(figures: Mapping[str, Any], figure: "Figure") -> None:
    axes = figure.subplots()
    for name, resident in figures["resident_mb"].items():
        axes.plot([number * _LOOK_S / 60 for number in range(len(resident))], resident, label=name)
    axes.set(xlabel="minutes", ylabel="resident MB")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
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
        figures = await measure(arguments, search, client, services)
    print("\n\n".join(tables(figures)))
    write(arguments, figures, lambda figure: draw(figures, figure))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder of JPEGs to search with")
    add_catalogue(parser)
    parser.add_argument("--minutes", type=float, default=60.0, help="after two of warming up")
    parser.add_argument("--callers", type=int, default=2, help="that search at a time")
    add_outputs(parser)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
