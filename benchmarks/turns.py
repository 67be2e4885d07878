"""Sides that do the same work in turns, so that a slow moment of the machine slows all."""

import argparse
import itertools
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.load import OK, Load, closed_loop, joined, open_loop, percentiles_ms, poisson
from benchmarks.report import table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BASELINE, BARE, SERVED = "in process", "bare gRPC", "served"
_COLOURS = {BASELINE: "C7", BARE: "C1", SERVED: "C0"}
_WARM_UP = 8

Call = Callable[[bytes], Awaitable[Any]]
Round = Mapping[str, Load]


@dataclass(frozen=True)
class Turns:
    """``photos`` never end."""

    sides: Mapping[str, Call]
    photos: Iterator[bytes]

    async def closed(self, callers: int, rounds: int, turn: int) -> list[Round]:
        """``turn`` photos for each side in each round, the same for both."""
        for call in self.sides.values():
            (await closed_loop(call, itertools.islice(self.photos, _WARM_UP), callers)).require_ok()
        found: list[Round] = []
        for number in range(rounds):
            part = list(itertools.islice(self.photos, turn))
            loads = {}
            for side in _order(list(self.sides), number):
                loads[side] = (await closed_loop(self.sides[side], part, callers)).require_ok()
            found.append(loads)
        return found

    async def open(self, per_s: float, seconds: float) -> Round:
        """The same photos at the same Poisson arrivals for each side."""
        arrivals = poisson(per_s, seconds)
        part = list(itertools.islice(self.photos, len(arrivals)))
        return {side: await open_loop(call, part, arrivals) for side, call in self.sides.items()}


def closed_figures(rounds: Sequence[Round]) -> dict[str, Any]:
    """For each side throughput and latencies of all rounds together; of its ratios to the others the rounds' median."""
    return {
        side: {**_figures(joined(each[side] for each in rounds)), "of": _ratios(side, rounds)} for side in rounds[0]
    }


def open_figures(found: Round) -> dict[str, Any]:
    failed = {side: sum(count for code, count in load.codes.items() if code != OK) for side, load in found.items()}
    return {side: {**_figures(load), "failed": failed[side]} for side, load in found.items()}


def add_guard(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--least", type=float, default=0.0, help="fail where served is less of in process")
    parser.add_argument("--least-of-bare", type=float, default=0.0, help="fail where served is less of bare gRPC")


def require_ratios(closed: Mapping[int, Mapping[str, Any]], arguments: argparse.Namespace) -> None:
    """Raises SystemExit where the services fall behind: a ratio holds on any machine, a time on one."""
    for callers, row in closed.items():
        for other, least in ((BASELINE, arguments.least), (BARE, arguments.least_of_bare)):
            ratio = row[SERVED]["of"][other]
            if ratio < least:
                raise SystemExit(f"{callers} callers: served {ratio:.3f} of {other}, {least} is wanted")


def closed_tables(closed: Mapping[int, Mapping[str, Any]], unit: str) -> Iterator[str]:
    """``closed`` are figures by number of callers."""
    rows = [(callers, side, figures) for callers, sides in closed.items() for side, figures in sides.items()]
    yield table(
        ["callers", "side", unit, "of process", "of bare", "p50 ms", "p95 ms", "p99 ms"],
        [
            [
                str(callers),
                side,
                f"{figures['per_s']:.1f}",
                *(f"{figures['of'][other]:.3f}" for other in (BASELINE, BARE)),
                *latencies(figures),
            ]
            for callers, side, figures in rows
        ],
    )
    if alone := closed.get(1):
        more = {side: figures["p50_ms"] - alone[BASELINE]["p50_ms"] for side, figures in alone.items()}
        told = ", ".join(f"{side} {ms:.1f} ms" for side, ms in more.items() if side != BASELINE)
        yield f"one caller, at the median beyond in process: {told}"


def latencies(figures: Mapping[str, float]) -> list[str]:
    """p50, p95 and p99 in milliseconds."""
    return [f"{figures[name]:.1f}" for name in ("p50_ms", "p95_ms", "p99_ms")]


def draw(closed: Mapping[int, Mapping[str, Any]], unit: str, figure: "Figure") -> None:
    """Throughput and latency by number of callers."""
    throughput, latency = figure.subplots(1, 2)
    callers = [str(each) for each in closed]
    for side in next(iter(closed.values())):
        rows, colour = [row[side] for row in closed.values()], _COLOURS[side]
        throughput.plot(callers, [row["per_s"] for row in rows], marker="o", color=colour, label=side)
        for name, style in (("p50", "-"), ("p99", ":")):
            values = [row[f"{name}_ms"] for row in rows]
            latency.plot(callers, values, marker=".", linestyle=style, color=colour, label=f"{side}, {name}")
    throughput.set(xlabel="callers", ylabel=unit)
    throughput.set_ylim(bottom=0)
    latency.set(xlabel="callers", ylabel="latency in ms", yscale="log")
    latency.yaxis.set_major_formatter("{x:g}")
    latency.yaxis.set_minor_formatter("{x:g}")
    for axes in (throughput, latency):
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)


def _figures(load: Load) -> dict[str, float]:
    return {"per_s": load.per_s, **percentiles_ms(load.of(OK))}


def _ratios(side: str, rounds: Sequence[Round]) -> dict[str, float]:
    """Of throughputs, by the other side."""
    return {other: float(np.median([each[side].per_s / each[other].per_s for each in rounds])) for other in rounds[0]}


def _order(sides: list[str], number: int) -> list[str]:
    """Who comes first gains or loses by what came before: they take turns at that, too."""
    first = number % len(sides)
    return sides[first:] + sides[:first]
