"""Where the time of a search goes: by stage, and by what it is spent on.

    python -m benchmarks.stages PHOTOS CATALOGUE [--callers 1 8] [--json FILE] [--plot FILE]

Read from the services' own metrics, as milliseconds of one photo's way through all of them:

    wait     for a thread, for room to decode, for an engine
    decode   JPEG to pixels
    compute  the model; in search, all that the index does
    other    the rest of the service's call: scaling, cutting out, copying, messages to and from Python objects
    gRPC     what the caller waited beyond the service's call: sending, receiving, waking up

The cutouts of a photo are embedded side by side: what they took together is scaled to the time that their call took.
"""

import argparse
import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.load import OK, closed_loop, for_seconds
from benchmarks.metrics import Samples, read_all
from benchmarks.photos import fresh, read_photos
from benchmarks.report import add_outputs, machine_line, table, write
from benchmarks.searching import Search, search_request, searching
from benchmarks.services import SERVICES, Running, add_catalogue, import_catalogue, running
from clothing_retrieval.v1.retrieval_service_pb2 import SearchRequest, SearchResponse
from serving.cpus import available_cpus

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("wait", "decode", "compute", "other", "gRPC")
STAGES = ("segment", "embed", "search", "gateway")

_METHODS = {
    "segment": "/clothing_retrieval.v1.SegmentService/Segment",
    "embed": "/clothing_retrieval.v1.EmbedService/Embed",
    "search": "/clothing_retrieval.v1.SearchService/Query",
    "gateway": "/clothing_retrieval.v1.RetrievalService/Search",
}
_WARM_UP = 16

Parts = dict[str, float]  # ms of one photo, by kind


async def measure(search: Search, services: Running, photos: Iterator[bytes], callers: int, seconds: float) -> Any:
    requests = map(search_request, photos)
    seen: list[SearchResponse] = []

    async def call(request: SearchRequest) -> None:
        seen.append(await search(request))

    (await closed_loop(call, itertools.islice(requests, _WARM_UP), callers)).require_ok()
    seen.clear()
    before, own_cpu = await read_all(services.metrics), time.process_time()
    load = (await closed_loop(call, for_seconds(requests, seconds), callers)).require_ok()
    own_cpu = time.process_time() - own_cpu
    after = await read_all(services.metrics)
    delta = {name: after[name] - before[name] for name in services.metrics}
    latency_ms = 1000 * float(load.of(OK).mean())
    cpu = {name: delta[name].total("process_cpu_seconds_total") for name in SERVICES} | {"load generator": own_cpu}
    return {
        "per_s": load.per_s,
        "latency_ms": latency_ms,
        "garments": sum(len(response.results) for response in seen) / len(seen),
        "stages": by_stage(delta, hops_ms(seen), latency_ms),
        "cpu_ms": {name: 1000 * cpu_s / len(seen) for name, cpu_s in cpu.items()},
        "busy": sum(cpu.values()) / load.elapsed_s / available_cpus(),
        "late": {name: late_share(delta[name]) for name in SERVICES},
    }


def late_share(delta: Samples) -> float:
    """Of the looks at an event loop: those at which it was more than 5 ms late."""
    looks = delta.total("clothing_loop_lag_seconds_count")
    return 1 - delta.total("clothing_loop_lag_seconds_bucket", le="0.005") / looks if looks else 0.0


def hops_ms(responses: Sequence[SearchResponse]) -> Parts:
    """Mean time that the gateway waited for each stage."""
    times = [response.stage_times for response in responses]
    fields = {"segment": "segment", "embed": "embed", "search": "query"}
    return {
        stage: sum(getattr(each, field).ToNanoseconds() for each in times) / len(times) / 1e6
        for stage, field in fields.items()
    }


def by_stage(delta: Mapping[str, Samples], hops: Mapping[str, float], latency_ms: float) -> dict[str, Parts]:
    """Means by stage and kind, in ms. Together they are ``latency_ms``.

    Args:
        delta: what each service's metrics rose by.
        hops: how long the gateway waited for each stage, in ms.
        latency_ms: how long the caller waited for the gateway.
    """
    photos = _calls(delta["gateway"], "gateway")
    stages = {stage: _service(delta[stage], stage, photos, hops[stage]) for stage in ("segment", "embed", "search")}
    own = _call_ms(delta["gateway"], "gateway", photos)
    nothing = dict.fromkeys(KINDS, 0.0)
    stages["gateway"] = nothing | {"other": own - sum(hops.values()), "gRPC": latency_ms - own}
    return stages


def _service(delta: Samples, stage: str, photos: float, hop_ms: float) -> Parts:
    def ms(name: str) -> float:
        return 1000 * delta.total(f"clothing_{name}_seconds_sum", stage=stage) / photos

    call_ms = _call_ms(delta, stage, photos)
    parts = {"wait": ms("wait") + ms("queue"), "decode": ms("decode"), "compute": ms("compute")}
    if stage == "search":
        parts["compute"] = call_ms - sum(parts.values())
    side_by_side = max(1.0, sum(parts.values()) / call_ms)
    parts = {kind: value / side_by_side for kind, value in parts.items()}
    return parts | {"other": call_ms - sum(parts.values()), "gRPC": hop_ms - call_ms}


def _call_ms(delta: Samples, stage: str, photos: float) -> float:
    return 1000 * delta.total("clothing_rpc_seconds_sum", method=_METHODS[stage]) / photos


def _calls(delta: Samples, stage: str) -> float:
    return delta.total("clothing_rpc_seconds_count", method=_METHODS[stage])


def tables(figures: Mapping[int, Any]) -> Iterator[str]:
    for callers, found in figures.items():
        rows = [_row(stage, parts) for stage, parts in found["stages"].items()]
        sums = {kind: sum(parts[kind] for parts in found["stages"].values()) for kind in KINDS}
        yield table([f"callers: {callers}, ms", *KINDS, "together"], [*rows, _row("together", sums)])
        yield table(
            ["CPU ms a photo", *found["cpu_ms"], "together"],
            [["", *(f"{value:.1f}" for value in found["cpu_ms"].values()), f"{sum(found['cpu_ms'].values()):.1f}"]],
        )
        yield (
            f"{found['per_s']:.1f} photos/s of {found['garments']:.1f} garments, {found['latency_ms']:.1f} ms each; "
            f"CPUs {found['busy']:.0%} busy"
        )
        late = ", ".join(f"{name} {share:.1%}" for name, share in found["late"].items())
        yield f"event loop more than 5 ms late: {late}"


def draw(figures: Mapping[int, Any], figure: "Figure") -> None:
    plots = figure.subplots(1, len(figures), squeeze=False)[0]
    for axes, (callers, found) in zip(plots, figures.items(), strict=True):
        below = [0.0] * len(STAGES)
        for kind in KINDS:
            values = [found["stages"][stage][kind] for stage in STAGES]
            axes.bar(STAGES, values, bottom=below, label=kind)
            below = [start + value for start, value in zip(below, values, strict=True)]
        axes.set_title(f"callers: {callers}, {found['per_s']:.1f} photos a second", loc="left", fontsize=10)
        axes.set_ylabel("ms of a photo")
    plots[0].legend(frameon=False)


def _row(name: str, parts: Mapping[str, float]) -> list[str]:
    return [name, *(f"{parts[kind]:.1f}" for kind in KINDS), f"{sum(parts.values()):.1f}"]


async def main() -> None:
    arguments = _parse()
    print(machine_line())
    photos = fresh(read_photos(arguments.photos))
    await import_catalogue(arguments.catalogue, arguments.folder)
    async with running(arguments.folder) as services, searching(services.target) as search:
        figures = {
            callers: await measure(search, services, photos, callers, arguments.seconds)
            for callers in arguments.callers
        }
    print("\n\n".join(tables(figures)))
    write(arguments, figures, lambda figure: draw(figures, figure))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder of JPEGs to search with")
    add_catalogue(parser)
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--seconds", type=float, default=20.0, help="for each number of callers")
    add_outputs(parser)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
