"""The gateway at several times the load that it can bear.

    python -m benchmarks.overload PHOTOS CATALOGUE [--times 5] [--json FILE] [--plot FILE]

Starts the services on free ports. Measures one caller alone, then the peak throughput of a closed loop, then sends
photos at ``--times`` that rate (Poisson arrivals, open loop, nothing repeated). Latencies count from when a photo was
due, and the load generator runs on the same cores. The overload's first seconds are told apart: workers take a burst
in, and work it off.
"""

import argparse
import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.load import OK, Load, closed_loop, for_seconds, open_loop, percentile_ms, percentiles_ms, poisson
from benchmarks.photos import fresh, read_photos
from benchmarks.report import add_outputs, machine_line, table, write
from benchmarks.searching import Search, search_request, searching
from benchmarks.services import SERVICES, Running, add_catalogue, import_catalogue, running

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REFUSED = "RESOURCE_EXHAUSTED"

_WARM_UP = 32
_SAMPLE_S = 0.5


async def measure(arguments: argparse.Namespace, search: Search, services: Running) -> dict[str, Any]:
    requests = map(search_request, fresh(read_photos(arguments.photos)))

    async def closed(callers: int) -> Load:
        source = for_seconds(requests, arguments.closed_seconds)
        return (await closed_loop(search, source, callers)).require_ok()

    (await closed_loop(search, itertools.islice(requests, _WARM_UP), arguments.peak_callers)).require_ok()
    alone, peak = await closed(1), await closed(arguments.peak_callers)
    before = services.resident_mb()
    arrivals = poisson(arguments.times * peak.per_s, arguments.onset_seconds + arguments.seconds)
    async with highest_resident_mb(services) as highest:
        overload = await open_loop(search, requests, arrivals)
    resident = {"before": before, "highest": highest, "after": services.resident_mb()}
    onset = [each for each in overload.answers if each.intended_s < arguments.onset_seconds]
    return {
        **judged(alone, peak, overload.since(arguments.onset_seconds), arguments.seconds),
        "accepted_at_onset": percentiles_ms(Load(onset, arguments.onset_seconds).of(OK)),
        "resident_mb": resident,
    }


def judged(alone: Load, peak: Load, overload: Load, seconds: float) -> dict[str, Any]:
    """What the overload did to throughput and latency. ``seconds`` is how long it lasted."""
    done_in_time = [each for each in overload.answers if each.code == OK and each.intended_s + each.latency_s < seconds]
    refused = [each for each in overload.answers if each.code == REFUSED]
    goodput = len(done_in_time) / seconds
    alone_p99, accepted_p99 = (percentile_ms(load.of(OK), 99) for load in (alone, overload))
    return {
        "alone": percentiles_ms(alone.of(OK)),
        "peak_per_s": peak.per_s,
        "sent_per_s": len(overload.answers) / seconds,
        "codes": overload.codes,
        "goodput_per_s": goodput,
        "goodput_of_peak": goodput / peak.per_s,
        "accepted": percentiles_ms(overload.of(OK)),
        "accepted_p99_of_alone": accepted_p99 / alone_p99,
        "refused": percentiles_ms(overload.of(REFUSED)),
        "refused_with_pushback": sum(each.pushback_ms is not None for each in refused) / max(1, len(refused)),
        "seconds": goodput_by_second(overload, seconds),
    }


def goodput_by_second(load: Load, seconds: float) -> list[int]:
    """Searches that succeeded in each whole second."""
    ends = [each.intended_s + each.latency_s for each in load.answers if each.code == OK]
    return [sum(second <= end < second + 1 for end in ends) for second in range(int(seconds))]


@asynccontextmanager
async def highest_resident_mb(services: Running) -> AsyncIterator[Mapping[str, float]]:
    """By service, since it was entered."""
    highest = services.resident_mb()

    async def watch() -> None:
        while True:
            await asyncio.sleep(_SAMPLE_S)
            for name, resident in services.resident_mb().items():
                highest[name] = max(highest[name], resident)

    watching = asyncio.create_task(watch())
    try:
        yield highest
    finally:
        watching.cancel()


def tables(figures: Mapping[str, Any]) -> Iterator[str]:
    others = ", ".join(f"{count} {code}" for code, count in figures["codes"].items() if code not in (OK, REFUSED))
    yield table(
        ["", "measured", "wanted"],
        [
            ["photos/s at the peak, in a closed loop", f"{figures['peak_per_s']:.1f}", ""],
            ["photos/s sent", f"{figures['sent_per_s']:.1f}", ""],
            ["goodput, photos/s", f"{figures['goodput_per_s']:.1f}", ""],
            ["goodput of the peak", f"{figures['goodput_of_peak']:.2f}", "≥ 0.85"],
            ["p99 of one caller alone, ms", f"{figures['alone']['p99_ms']:.0f}", ""],
            ["p50, p99 of what was accepted, ms", "{p50_ms:.0f}, {p99_ms:.0f}".format(**figures["accepted"]), ""],
            ["… in the first seconds, ms", "{p50_ms:.0f}, {p99_ms:.0f}".format(**figures["accepted_at_onset"]), ""],
            ["p99 of what was accepted, of one alone", f"{figures['accepted_p99_of_alone']:.1f}", "≤ 4"],
            ["refused", str(figures["codes"].get(REFUSED, 0)), ""],
            ["p50, p99 of refusals, ms", "{p50_ms:.0f}, {p99_ms:.0f}".format(**figures["refused"]), "≤ 50"],
            ["refusals with grpc-retry-pushback-ms", f"{figures['refused_with_pushback']:.0%}", "100%"],
            ["other failures", others or "none", "none"],
        ],
    )
    resident = figures["resident_mb"]
    yield table(
        ["resident MB", *SERVICES],
        [[when, *(f"{resident[when][name]:.0f}" for name in SERVICES)] for when in resident],
    )


def draw(figures: Mapping[str, Any], figure: "Figure") -> None:
    goodput, memory = figure.subplots(1, 2)
    goodput.bar(range(1, len(figures["seconds"]) + 1), figures["seconds"])
    goodput.axhline(figures["peak_per_s"], color="C7", linestyle="--", label="peak of a closed loop")
    goodput.set(xlabel="second of the overload", ylabel="searches that succeeded")
    goodput.set_ylim(top=1.15 * max(figures["peak_per_s"], *figures["seconds"]))
    goodput.legend(frameon=False, loc="upper right")
    for when, resident in figures["resident_mb"].items():
        memory.plot(SERVICES, [resident[name] for name in SERVICES], marker="o", linestyle="", label=when)
    memory.set(ylabel="resident MB")
    memory.set_ylim(bottom=0)
    memory.legend(frameon=False)


async def main() -> None:
    arguments = _parse()
    print(machine_line())
    await import_catalogue(arguments.catalogue, arguments.folder)
    async with running(arguments.folder) as services, searching(services.target) as search:
        figures = await measure(arguments, search, services)
    print("\n\n".join(tables(figures)))
    write(arguments, figures, lambda figure: draw(figures, figure))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="folder of JPEGs to search with")
    add_catalogue(parser)
    parser.add_argument("--times", type=float, default=5.0, help="the peak throughput")
    parser.add_argument("--seconds", type=float, default=20.0, help="of overload")
    parser.add_argument("--onset-seconds", type=float, default=5.0, help="of overload before")
    parser.add_argument("--peak-callers", type=int, default=8, help="of the peak; no more than are admitted at a time")
    parser.add_argument("--closed-seconds", type=float, default=10.0, help="alone, and at the peak")
    add_outputs(parser)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
