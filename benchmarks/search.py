"""Throughput and latency of Search through the gateway, closed loop.

    python -m benchmarks.search PHOTOS [--target HOST:PORT] [--callers 1 8] [--seconds 20]

Each caller sends its next photo when it has its answer. The load generator runs on the same cores.
"""

import argparse
import asyncio
import itertools
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from clothing_retrieval import AsyncClient

_WARM_UP = 16


@dataclass(frozen=True)
class Run:
    callers: int
    photos: int
    photos_per_s: float
    garments_per_photo: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


async def measure(client: AsyncClient, photos: Sequence[bytes], collection: str, callers: int, seconds: float) -> Run:
    """Runs ``callers`` loops for ``seconds``; an error ends the measurement."""
    source = itertools.cycle(photos)
    latencies: list[float] = []
    garments = 0
    began = time.perf_counter()
    until = began + seconds

    async def caller(source: Iterator[bytes]) -> None:
        nonlocal garments
        while (sent := time.perf_counter()) < until:
            response = await client.search(next(source), collection=collection)
            latencies.append(time.perf_counter() - sent)
            garments += sum(1 for found in response.results if found.garment.category)

    await asyncio.gather(*(caller(source) for _ in range(callers)))
    elapsed = time.perf_counter() - began
    p50, p95, p99 = (float(value) * 1000 for value in np.percentile(latencies, (50, 95, 99)))
    return Run(callers, len(latencies), len(latencies) / elapsed, garments / len(latencies), p50, p95, p99)


async def main() -> None:
    arguments = _parse()
    photos = [path.read_bytes() for path in sorted(arguments.photos.rglob("*.jpg"))[: arguments.limit]]
    if not photos:
        raise SystemExit(f"{arguments.photos}: no .jpg here")
    async with AsyncClient(arguments.target) as client:
        await client.wait_ready()
        for photo in photos[:_WARM_UP]:
            await client.search(photo, collection=arguments.collection)
        runs = [
            await measure(client, photos, arguments.collection, callers, arguments.seconds)
            for callers in arguments.callers
        ]
    print(f"{'callers':>7} {'photos':>7} {'photos/s':>9} {'garments':>9} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8}")
    for run in runs:
        print(
            f"{run.callers:7d} {run.photos:7d} {run.photos_per_s:9.1f} {run.garments_per_photo:9.2f} "
            f"{run.p50_ms:8.1f} {run.p95_ms:8.1f} {run.p99_ms:8.1f}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(run) for run in runs], indent=2) + "\n")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder of JPEGs to search with")
    parser.add_argument("--target", default="127.0.0.1:50050")
    parser.add_argument("--collection", default="")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--seconds", type=float, default=20.0, help="for each number of callers")
    parser.add_argument("--limit", type=int, default=400, help="most photos to read")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
