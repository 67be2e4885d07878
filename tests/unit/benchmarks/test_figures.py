"""What is made of the answers and the metrics."""

import asyncio
import itertools
import math
from argparse import Namespace
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.load import OK, Answer, Load
from benchmarks.metrics import Samples, parse
from benchmarks.overload import REFUSED, goodput_by_second, judged
from benchmarks.overload import tables as overload_tables
from benchmarks.scaling import share_of_last
from benchmarks.soak import moments
from benchmarks.soak import tables as soak_tables
from benchmarks.stages import KINDS, by_stage, hops_ms, late_share
from benchmarks.turns import (
    BARE,
    BASELINE,
    SERVED,
    Call,
    Turns,
    closed_figures,
    closed_tables,
    open_figures,
    require_ratios,
)
from clothing_retrieval.v1.retrieval_service_pb2 import SearchResponse

METRICS = """
# TYPE clothing_rpc_seconds histogram
clothing_rpc_seconds_sum{{method="/clothing_retrieval.v1.{method}"}} {seconds}
clothing_rpc_seconds_count{{method="/clothing_retrieval.v1.{method}"}} 10
# TYPE clothing_wait_seconds histogram
clothing_wait_seconds_sum{{stage="{stage}"}} {wait}
# TYPE clothing_queue_seconds histogram
clothing_queue_seconds_sum{{stage="{stage}"}} {queue}
# TYPE clothing_decode_seconds histogram
clothing_decode_seconds_sum{{stage="{stage}"}} {decode}
# TYPE clothing_compute_seconds histogram
clothing_compute_seconds_sum{{stage="{stage}"}} {compute}
"""


def load(latencies_ms: list[float], elapsed_s: float = 1.0) -> Load:
    return Load([Answer(0.0, latency / 1000) for latency in latencies_ms], elapsed_s)


def metrics(stage: str, method: str, seconds: float, **parts: float) -> Samples:
    return parse(METRICS.format(stage=stage, method=method, seconds=seconds, **parts))


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    rounds = [
        {BASELINE: load([10] * 20), BARE: load([10.5] * 20), SERVED: load([11] * served, elapsed)}
        for served, elapsed in ((20, 1.0), (18, 1.0), (20, 2.0))
    ]
    figures = closed_figures(rounds)
    assert figures[SERVED]["of"] == pytest.approx({BASELINE: 0.9, BARE: 0.9, SERVED: 1.0})
    assert figures[SERVED]["per_s"] == pytest.approx(58 / 4)
    table, alone = closed_tables({1: figures, 32: figures}, "photos/s")
    assert max(map(len, table.splitlines())) <= 80
    assert alone == "one caller, at the median beyond in process: bare gRPC 0.5 ms, served 1.0 ms"


def test_who_comes_first_changes_from_round_to_round() -> None:
    called: list[str] = []

    def side(name: str) -> Call:
        async def call(photo: bytes) -> None:
            called.append(name)

        return call

    sides = {name: side(name) for name in (BASELINE, BARE, SERVED)}
    warm_up = 8 * len(sides)
    asyncio.run(Turns(sides, itertools.repeat(b"")).closed(callers=1, rounds=4, turn=1))
    assert called[warm_up :: len(sides)] == [BASELINE, BARE, SERVED, BASELINE]


def test_the_parts_of_a_search_add_up_to_what_its_caller_waited() -> None:
    delta = {
        "segment": metrics("segment", "SegmentService/Segment", 0.4, wait=0.01, queue=0.05, decode=0.04, compute=0.2),
        "embed": metrics("embed", "EmbedService/Embed", 0.1, wait=0.0, queue=0.12, decode=0.0, compute=0.08),
        "search": metrics("search", "SearchService/Query", 0.05, wait=0.01, queue=0.0, decode=0.0, compute=0.0),
        "gateway": metrics("gateway", "RetrievalService/Search", 0.65, wait=0.0, queue=0.0, decode=0.0, compute=0.0),
    }
    stages = by_stage(delta, {"segment": 43.0, "embed": 12.0, "search": 6.0}, latency_ms=70.0)
    assert sum(sum(parts.values()) for parts in stages.values()) == pytest.approx(70)
    assert stages["segment"] == pytest.approx({"wait": 6, "decode": 4, "compute": 20, "other": 10, "gRPC": 3})
    # Side by side on two engines, the cutouts' 12 ms of waiting and 8 of computing took 10.
    assert stages["embed"] == pytest.approx({"wait": 6, "decode": 0, "compute": 4, "other": 0, "gRPC": 2})
    assert stages["search"] == pytest.approx({"wait": 1, "decode": 0, "compute": 4, "other": 0, "gRPC": 1})
    assert stages["gateway"] == pytest.approx({"wait": 0, "decode": 0, "compute": 0, "other": 4, "gRPC": 5})
    assert all(set(parts) == set(KINDS) for parts in stages.values())


def test_metrics_are_told_apart_by_labels_and_by_moment() -> None:
    before = parse('# TYPE a counter\na_total{x="1",y="2"} 3\n')
    after = parse('# TYPE a counter\na_total{x="1",y="2"} 5\na_total{x="2",y="2"} 7\n')
    assert after.total("a_total") == 12
    assert after.total("a_total", x="2") == 7
    assert (after - before).total("a_total", y="2") == 9
    assert after.total("b_total") == 0


def test_the_share_of_looks_at_which_an_event_loop_was_late() -> None:
    lag = "clothing_loop_lag_seconds"
    looks = parse(
        f'# TYPE {lag} histogram\n{lag}_bucket{{le="0.005"}} 9\n{lag}_bucket{{le="+Inf"}} 10\n{lag}_count 10\n'
    )
    assert late_share(looks) == pytest.approx(0.1)
    assert late_share(parse("")) == 0


def test_goodput_is_what_succeeded_while_the_overload_lasted() -> None:
    accepted = [Answer(0.5, 0.2), Answer(1.5, 0.2), Answer(1.9, 3.0)]
    refused = [Answer(0.1, 0.01, REFUSED, pushback_ms=80), Answer(0.2, 0.03, REFUSED)]
    overload = Load([*accepted, *refused, Answer(1.0, 2.0, "UNAVAILABLE")], 4.9)
    figures = judged(load([100] * 10), load([100] * 2), overload, seconds=2.0)
    assert figures["goodput_per_s"] == 1.0
    assert figures["goodput_of_peak"] == 0.5
    assert figures["refused_with_pushback"] == 0.5
    assert figures["codes"] == {OK: 3, REFUSED: 2, "UNAVAILABLE": 1}
    assert figures["accepted_p99_of_alone"] == pytest.approx(29.4, abs=0.1)
    assert figures["seconds"] == goodput_by_second(overload, 2.0) == [1, 1]
    resident = {when: dict.fromkeys(("gateway", "segment", "embed", "search"), 100.0) for when in ("before", "after")}
    for table in overload_tables({**figures, "accepted_at_onset": figures["accepted"], "resident_mb": resident}):
        assert max(map(len, table.splitlines())) <= 80


@pytest.mark.parametrize(("before", "after", "share"), [([5, 0], [8, 1], 0.25), ([5, 0], [5, 0], 0), ([0], [3], 1)])
def test_the_share_of_the_last_worker_is_of_what_was_answered_since(
    before: list[float], after: list[float], share: float
) -> None:
    assert share_of_last(before, after) == share


def test_a_table_is_aligned() -> None:
    assert report.table(["name", "s"], [["a", "1.25"], ["longer", "10.00"]]).splitlines() == [
        "name        s",
        "─────────────",
        "a        1.25",
        "longer  10.00",
    ]


def test_the_files_that_are_asked_for_are_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    arguments = Namespace(json=tmp_path / "figures.json", plot=tmp_path / "plot.png")
    report.write(arguments, {1: {"p50_ms": math.nan}}, lambda figure: figure.subplots().plot([1, 2]))
    text = arguments.json.read_text()
    assert '"p50_ms": null' in text
    assert '"cpus"' in text
    assert arguments.plot.read_bytes().startswith(b"\x89PNG")


def test_no_file_is_written_where_none_is_asked_for() -> None:
    report.write(Namespace(json=None, plot=None), {}, lambda figure: pytest.fail("drew"))


def test_hops_are_means_of_what_the_gateway_says() -> None:
    responses = [SearchResponse(), SearchResponse()]
    responses[0].stage_times.segment.FromMilliseconds(30)
    responses[1].stage_times.segment.FromMilliseconds(10)
    responses[1].stage_times.query.FromMilliseconds(4)
    assert hops_ms(responses) == {"segment": 20.0, "embed": 0.0, "search": 2.0}


def test_an_open_loop_tells_how_many_failed() -> None:
    found = {BASELINE: load([10, 10]), SERVED: Load([Answer(0, 0.01), Answer(0, 0.001, REFUSED)], 1.0)}
    figures = open_figures(found)
    assert figures[BASELINE]["failed"] == 0
    assert figures[SERVED]["failed"] == 1
    assert figures[SERVED]["p50_ms"] == pytest.approx(10)


def test_a_ratio_below_the_least_fails_the_guard() -> None:
    ratios = {1: {BASELINE: 0.7, BARE: 0.9}, 8: {BASELINE: 0.4999, BARE: 0.7999}}
    closed = {callers: {SERVED: {"of": of}} for callers, of in ratios.items()}
    require_ratios({1: closed[1]}, Namespace(least=0.5, least_of_bare=0.8))
    with pytest.raises(SystemExit, match=r"8 callers: served 0\.500 of in process, 0\.5 is wanted"):
        require_ratios(closed, Namespace(least=0.5, least_of_bare=0.0))
    with pytest.raises(SystemExit, match=r"8 callers: served 0\.800 of bare gRPC, 0\.8 is wanted"):
        require_ratios(closed, Namespace(least=0.0, least_of_bare=0.8))


def test_memory_is_told_at_the_start_in_the_middle_and_at_the_end() -> None:
    assert moments([100, 120, 110, 140, 130]) == [100, 110, 130, 140]
    resident = {name: [1234.0, 1234.0] for name in ("gateway", "segment", "embed", "search")}
    counts = {"minutes": 60.0, "searches": 50_000, "imported": 90_000, "p50_ms": 120.0, "p99_ms": 300.0}
    for table in soak_tables({**counts, "resident_mb": resident}):
        assert max(map(len, table.splitlines())) <= 80
