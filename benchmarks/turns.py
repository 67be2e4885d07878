"""Two sides that do the same work in turns, so that a slow moment of the machine slows both."""

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

BASELINE, SERVED = "in process", "served"
_WARM_UP = 8

Call = Callable[[bytes], Awaitable[Any]]
Round = Mapping[str, Load]


@dataclass(frozen=True)
class Turns:
    """``sides`` are BASELINE and SERVED; ``photos`` never end."""

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
            for side in _order(number):
                loads[side] = (await closed_loop(self.sides[side], part, callers)).require_ok()
            found.append(loads)
        return found

    async def open(self, per_s: float, seconds: float) -> Round:
        """The same photos at the same Poisson arrivals for each side."""
        arrivals = poisson(per_s, seconds)
        part = list(itertools.islice(self.photos, len(arrivals)))
        return {side: await open_loop(call, part, arrivals) for side, call in self.sides.items()}


def closed_figures(rounds: Sequence[Round]) -> dict[str, Any]:
    """Throughputs and latencies of all rounds together; the median of the rounds' ratios."""
    ratios = [each[SERVED].per_s / each[BASELINE].per_s for each in rounds]
    sides = {side: _figures(joined(each[side] for each in rounds)) for side in (BASELINE, SERVED)}
    medians = [sides[side]["p50_ms"] for side in (SERVED, BASELINE)]
    return {**sides, "ratios": ratios, "ratio": float(np.median(ratios)), "overhead_ms": medians[0] - medians[1]}


def open_figures(found: Round) -> dict[str, Any]:
    failed = {side: sum(count for code, count in load.codes.items() if code != OK) for side, load in found.items()}
    return {side: {**_figures(load), "failed": failed[side]} for side, load in found.items()}


def add_guard(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--least", type=float, default=0.0, help="fail where the ratio is lower, for any callers")


def require_ratio(closed: Mapping[int, Mapping[str, Any]], least: float) -> None:
    """Raises SystemExit where the services fall behind: a ratio holds on any machine, a time on one."""
    for callers, row in closed.items():
        if row["ratio"] < least:
            raise SystemExit(
                f"{callers} callers: served {row['ratio']:.3f} of what one process does, {least} is wanted"
            )


def closed_tables(closed: Mapping[int, Mapping[str, Any]], unit: str) -> Iterator[str]:
    """``closed`` are figures by number of callers."""
    yield table(
        ["callers", f"in process {unit}", f"served {unit}", "ratio", "of rounds"],
        [
            [
                str(callers),
                f"{row[BASELINE]['per_s']:.1f}",
                f"{row[SERVED]['per_s']:.1f}",
                f"{row['ratio']:.3f}",
                f"{min(row['ratios']):.2f}–{max(row['ratios']):.2f}",
            ]
            for callers, row in closed.items()
        ],
    )
    yield table(
        ["callers", "in process p50", "p95", "p99 ms", "served p50", "p95", "p99 ms"],
        [[str(callers), *latencies(row[BASELINE]), *latencies(row[SERVED])] for callers, row in closed.items()],
    )
    if alone := closed.get(1):
        yield f"one caller: {alone['overhead_ms']:.1f} ms more at the median than in process"


def latencies(figures: Mapping[str, float]) -> list[str]:
    """p50, p95 and p99 in milliseconds."""
    return [f"{figures[name]:.1f}" for name in ("p50_ms", "p95_ms", "p99_ms")]


def draw(closed: Mapping[int, Mapping[str, Any]], unit: str, figure: "Figure") -> None:
    """Throughput and latency by number of callers."""
    throughput, latency = figure.subplots(1, 2)
    callers = [str(each) for each in closed]
    for side, colour in ((BASELINE, "C7"), (SERVED, "C0")):
        rows = [row[side] for row in closed.values()]
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


def _order(number: int) -> tuple[str, str]:
    """Who comes first gains or loses by what came before: they take turns at that, too."""
    return (BASELINE, SERVED) if number % 2 == 0 else (SERVED, BASELINE)
