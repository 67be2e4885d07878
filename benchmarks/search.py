"""Throughput and latency of Search through a gateway that runs already, closed loop.

    python -m benchmarks.search PHOTOS [--target HOST:PORT] [--callers 1 8] [--seconds 20]

Each caller sends its next photo when it has its answer; an error ends the measurement. No two photos are the same byte
by byte: the gateway's cache helps none. The load generator runs on the same cores.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.load import OK, closed_loop, for_seconds, percentiles_ms
from benchmarks.photos import DEFAULT_LIMIT, fresh, read_photos
from benchmarks.report import table
from clothing_retrieval import AsyncClient

_WARM_UP = 16


async def measure(
    client: AsyncClient, photos: Sequence[bytes], collection: str, callers: int, seconds: float
) -> dict[str, Any]:
    garments = 0

    async def search(photo: bytes) -> None:
        nonlocal garments
        response = await client.search(photo, collection=collection)
        garments += sum(1 for found in response.results if found.garment.category)

    load = await closed_loop(search, for_seconds(fresh(photos), seconds), callers)
    count = len(load.answers)
    return {
        "callers": callers,
        "photos": count,
        "photos_per_s": load.per_s,
        "garments_per_photo": garments / count,
        **percentiles_ms(load.of(OK)),
    }


async def main() -> None:
    arguments = _parse()
    photos = read_photos(arguments.photos, arguments.limit)
    async with AsyncClient(arguments.target) as client:
        await client.wait_ready()
        for photo in photos[:_WARM_UP]:
            await client.search(photo, collection=arguments.collection)
        runs = [
            await measure(client, photos, arguments.collection, callers, arguments.seconds)
            for callers in arguments.callers
        ]
    print(
        table(
            ["callers", "photos", "photos/s", "garments", "p50 ms", "p95 ms", "p99 ms"],
            [
                [
                    f"{run['callers']}",
                    f"{run['photos']}",
                    f"{run['photos_per_s']:.1f}",
                    f"{run['garments_per_photo']:.2f}",
                    *(f"{run[name]:.1f}" for name in ("p50_ms", "p95_ms", "p99_ms")),
                ]
                for run in runs
            ],
        )
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(runs, indent=2) + "\n")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder of JPEGs to search with")
    parser.add_argument("--target", default="127.0.0.1:50050")
    parser.add_argument("--collection", default="")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--seconds", type=float, default=20.0, help="for each number of callers")
    parser.add_argument("--limit", type=int, default=DEFAULT_LIMIT, help="most photos to read")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
