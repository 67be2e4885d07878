"""JPEG in, vector out: the embed service, beside the same model in this process and behind a bare server.

    python -m benchmarks.embed PHOTOS [--json FILE] [--plot FILE]

Starts the service on a free port, and a bare one (``benchmarks/bare.py``). They, the baseline and the load generator
share the same cores, in turns: in every round each side embeds the very same photos, one a call.
"""

import argparse
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from benchmarks.bare import running_bare
from benchmarks.in_process import InProcessEmbedder, run
from benchmarks.photos import fresh, read_photos
from benchmarks.report import add_outputs, machine_line, write
from benchmarks.services import DEFAULT_FOLDER, free_ports, service
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
    require_ratios,
)
from clothing_retrieval.up.service import ServiceSpec
from clothing_retrieval.v1.embed_service_pb2 import EmbedRequest
from clothing_retrieval.v1.embed_service_pb2_grpc import EmbedServiceStub
from clothing_retrieval.v1.types_pb2 import Image

_TIMEOUT_S = 30.0


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[str]:
    """The address of the embed service, which runs in a process of its own."""
    target = f"127.0.0.1:{free_ports(1)}"
    spec = ServiceSpec("embed", "embed_service", target, {"EMBED_LISTEN": target, "EMBED_DRAIN_S": "0"})
    async with service(spec, folder / "logs" / "embed.log"):
        yield target


@asynccontextmanager
async def calling(target: str) -> AsyncIterator[Call]:
    async with grpc.aio.insecure_channel(target) as channel:
        stub = EmbedServiceStub(channel)

        async def call(photo: bytes) -> Any:
            answer = await stub.Embed(EmbedRequest(images=[Image(encoded=photo)]), timeout=_TIMEOUT_S)
            return np.array(answer.embeddings[0].values, np.float32)

        yield call


async def check_same(photo: bytes, baseline: Call, calls: Iterable[Call]) -> None:
    """Raises SystemExit where the sides give different vectors: they would not do the same work."""
    wanted = await baseline(photo)
    for call in calls:
        if not np.allclose(wanted, await call(photo), atol=1e-5):
            raise SystemExit("the sides give different vectors: benchmarks/in_process.py or bare.py is behind")


async def main() -> None:
    arguments = _parse()
    print(machine_line())
    photos = fresh(read_photos(arguments.photos))
    with closing(InProcessEmbedder()) as baseline:
        async with (
            served(arguments.folder) as target,
            calling(target) as call,
            running_bare(["embed"]) as bare_target,
            calling(bare_target) as bare,
        ):
            await check_same(next(photos), baseline.caller(1), (bare, call))
            closed = {}
            for callers in arguments.callers:
                turns = Turns({BASELINE: baseline.caller(callers), BARE: bare, SERVED: call}, photos)
                closed[callers] = closed_figures(await turns.closed(callers, arguments.rounds, arguments.turn))
    print("\n\n".join(closed_tables(closed, "photos/s")))
    write(arguments, {"closed": closed}, lambda figure: draw(closed, "photos a second", figure))
    require_ratios(closed, arguments)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder of JPEGs to embed")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side, for each number of callers")
    parser.add_argument("--turn", type=int, default=800, help="photos in a turn")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="for the logs")
    add_outputs(parser)
    add_guard(parser)
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
