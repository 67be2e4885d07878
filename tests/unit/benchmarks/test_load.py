import asyncio
import itertools
import time
from typing import Any

import grpc
import numpy as np
import pytest

from benchmarks.load import (
    OK,
    Answer,
    Load,
    Steady,
    closed_loop,
    for_seconds,
    joined,
    open_loop,
    percentile_ms,
    percentiles_ms,
    poisson,
)

SERVICE_S = 0.02


class Refused(grpc.RpcError):
    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.RESOURCE_EXHAUSTED

    def trailing_metadata(self) -> Any:
        return (("grpc-retry-pushback-ms", "150"),)


class Server:
    """Takes SERVICE_S for each request, any number at a time; counts how many there were."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.now = self.most = 0

    async def __call__(self, request: int) -> None:
        self.seen.append(request)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(SERVICE_S)
        self.now -= 1


async def test_callers_share_the_requests_and_have_one_in_flight_each() -> None:
    server = Server()
    load = await closed_loop(server, range(12), callers=3)
    assert sorted(server.seen) == list(range(12))
    assert server.most == 3
    assert load.codes == {OK: 12}
    assert load.elapsed_s >= 4 * SERVICE_S
    assert load.per_s == pytest.approx(12 / load.elapsed_s)


async def test_a_closed_loop_ends_when_its_time_is_over() -> None:
    load = await closed_loop(Server(), for_seconds(itertools.count(), 0.1), callers=2)
    assert 0.1 <= load.elapsed_s < 1
    assert 2 <= len(load.answers) <= 12


async def test_latency_counts_from_when_a_call_was_due_not_from_when_it_was_sent() -> None:
    async def blocks(_: int) -> None:
        time.sleep(0.05)  # noqa: ASYNC251 a generator that is late is what is tested

    load = await open_loop(blocks, range(3), np.array([0.0, 0.001, 0.002]))
    assert max(load.of(OK)) >= 0.14


async def test_an_open_loop_waits_for_no_answer() -> None:
    server = Server()
    load = await open_loop(server, itertools.count(), np.zeros(20))
    assert server.most == 20
    assert len(load.answers) == 20


async def test_a_failure_is_counted_by_its_code_and_keeps_its_pushback() -> None:
    async def refuses_every_other(request: int) -> None:
        if request % 2:
            raise Refused

    load = await closed_loop(refuses_every_other, range(10), callers=1)
    assert load.codes == {OK: 5, "RESOURCE_EXHAUSTED": 5}
    assert {answer.pushback_ms for answer in load.answers if answer.code != OK} == {150}
    assert load.per_s == pytest.approx(5 / load.elapsed_s)
    with pytest.raises(RuntimeError, match="RESOURCE_EXHAUSTED"):
        load.require_ok()


async def test_what_is_no_answer_of_a_server_ends_the_load() -> None:
    async def breaks(_: int) -> None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await closed_loop(breaks, range(3), callers=1)


async def test_a_steady_load_lasts_until_it_is_stopped() -> None:
    server = Server()
    load = Steady(server, itertools.count(), callers=2)
    await asyncio.sleep(0.1)
    found = await load.stop()
    assert 4 <= len(found.answers) == len(server.seen)
    assert server.now == 0


def test_loads_are_joined_without_the_pauses_between_them() -> None:
    load = joined([Load([Answer(0, 0.1)], 1.0), Load([Answer(0, 0.3), Answer(1, 0.2, "UNAVAILABLE")], 2.0)])
    assert load.elapsed_s == 3.0
    assert load.of(OK).tolist() == [0.1, 0.3]
    assert load.per_s == pytest.approx(2 / 3)


def test_percentiles_are_in_milliseconds() -> None:
    latencies = np.arange(1, 101) / 1000
    assert percentiles_ms(latencies) == pytest.approx({"p50_ms": 50.5, "p95_ms": 95.05, "p99_ms": 99.01})
    assert np.isnan(percentile_ms(np.array([]), 99))


def test_poisson_arrivals_come_at_their_rate_and_as_irregularly_as_they_should() -> None:
    arrivals = poisson(50, 200, seed=1)
    gaps = np.diff(arrivals)
    assert arrivals[0] > 0
    assert arrivals[-1] < 200
    assert len(arrivals) == pytest.approx(10_000, rel=0.05)
    assert gaps.min() > 0
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.05)


def test_poisson_arrivals_are_the_same_for_the_same_seed() -> None:
    assert poisson(5, 10, seed=3).tolist() == poisson(5, 10, seed=3).tolist()
    assert poisson(5, 10, seed=3).tolist() != poisson(5, 10, seed=4).tolist()


@pytest.mark.parametrize("seconds", [0.001, 1.0])
def test_few_arrivals_are_few(seconds: float) -> None:
    assert len(poisson(1, seconds)) <= 6


def test_a_load_can_be_told_from_some_moment_on() -> None:
    whole = Load([Answer(0.5, 0.1), Answer(2.0, 0.1), Answer(3.0, 0.2, "UNAVAILABLE")], 4.0)
    assert whole.since(2.0) == Load([Answer(0.0, 0.1), Answer(1.0, 0.2, "UNAVAILABLE")], 2.0)
