"""Load on anything that can be called, and what came of it.

What is there when a load begins is not garbage-collected any more: that would add 20 to 50 ms to calls in flight.
"""

import asyncio
import itertools
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import grpc
import numpy as np
from numpy.typing import NDArray

from serving.memory import set_aside_what_stays

T = TypeVar("T")

Seconds = NDArray[np.float64]
OK = "OK"


@dataclass(frozen=True)
class Answer:
    """``intended_s`` is when the call was due, since the load began; ``latency_s`` counts from then on."""

    intended_s: float
    latency_s: float
    code: str = OK
    pushback_ms: int | None = None
    """Of a refusal: ``grpc-retry-pushback-ms``."""


@dataclass(frozen=True)
class Load:
    """Every call's answer, and how long it took until the last one."""

    answers: Sequence[Answer] = field(repr=False)
    elapsed_s: float

    def of(self, code: str) -> Seconds:
        """Latencies of the calls that ended with a status code, in seconds."""
        return np.array([answer.latency_s for answer in self.answers if answer.code == code])

    @property
    def per_s(self) -> float:
        """Calls that succeeded, a second."""
        return len(self.of(OK)) / self.elapsed_s

    @property
    def codes(self) -> dict[str, int]:
        return dict(Counter(answer.code for answer in self.answers).most_common())

    def since(self, start_s: float) -> "Load":
        """The calls that were due from then on, as if the load had begun there."""
        later = [
            replace(each, intended_s=each.intended_s - start_s) for each in self.answers if each.intended_s >= start_s
        ]
        return Load(later, self.elapsed_s - start_s)

    def require_ok(self) -> "Load":
        """Raises RuntimeError where a call failed: a figure would hide it."""
        if set(self.codes) - {OK}:
            raise RuntimeError(f"calls failed: {self.codes}")
        return self


def joined(loads: Iterable[Load]) -> Load:
    """As if they had been one, with no pause between them."""
    loads = list(loads)
    answers = [answer for load in loads for answer in load.answers]
    return Load(answers, sum(load.elapsed_s for load in loads))


def percentile_ms(latencies_s: Seconds, percent: float) -> float:
    """NaN of none."""
    return float(np.percentile(latencies_s, percent)) * 1000 if len(latencies_s) else math.nan


def percentiles_ms(latencies_s: Seconds) -> dict[str, float]:
    return {f"p{percent}_ms": percentile_ms(latencies_s, percent) for percent in (50, 95, 99)}


def for_seconds(source: Iterable[T], seconds: float) -> Iterator[T]:
    """From ``source``, until the time is over."""
    until = time.perf_counter() + seconds
    for each in source:
        if time.perf_counter() >= until:
            return
        yield each


async def closed_loop(call: Callable[[T], Awaitable[Any]], requests: Iterable[T], callers: int) -> Load:
    """Each caller sends the next request when it has its answer, until there are no more."""
    set_aside_what_stays()
    source = iter(requests)
    answers: list[Answer] = []
    began = time.perf_counter()

    async def caller() -> None:
        for request in source:
            answers.append(await _answer(call, request, began, time.perf_counter()))

    await asyncio.gather(*(caller() for _ in range(callers)))
    return Load(answers, time.perf_counter() - began)


class Steady:
    """A closed loop in the background, until it is stopped."""

    def __init__(self, call: Callable[[T], Awaitable[Any]], requests: Iterable[T], callers: int) -> None:
        self._stopping = False
        until_stopped = itertools.takewhile(lambda _: not self._stopping, requests)
        self._loop = asyncio.create_task(closed_loop(call, until_stopped, callers))

    async def stop(self) -> Load:
        """Lets the calls in flight end."""
        self._stopping = True
        return await self._loop


async def open_loop(call: Callable[[T], Awaitable[Any]], requests: Iterable[T], arrivals: Seconds) -> Load:
    """Sends a request at each arrival, whatever became of those before.

    Latency counts from when a call was due, so that a generator that is late hides nothing (coordinated omission).
    """
    set_aside_what_stays()
    began = time.perf_counter()
    calls: list[asyncio.Task[Answer]] = []
    for arrival, request in zip(arrivals.tolist(), requests, strict=False):
        due = began + arrival
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        calls.append(asyncio.create_task(_answer(call, request, began, due)))
    answers = await asyncio.gather(*calls)
    return Load(answers, time.perf_counter() - began)


def poisson(per_s: float, seconds: float, seed: int = 0) -> Seconds:
    """Arrivals of a Poisson process in [0, seconds): the gaps between them are exponentially distributed."""
    rng = np.random.default_rng(seed)
    arrivals: Seconds = np.empty(0)
    while not len(arrivals) or arrivals[-1] < seconds:
        gaps = rng.exponential(1 / per_s, max(16, math.ceil(per_s * seconds)))
        arrivals = np.concatenate([arrivals, gaps.cumsum() + (arrivals[-1] if len(arrivals) else 0.0)])
    return arrivals[arrivals < seconds]


async def _answer(call: Callable[[T], Awaitable[Any]], request: T, began: float, due: float) -> Answer:
    code, pushback_ms = OK, None
    try:
        await call(request)
    except grpc.RpcError as error:
        code, pushback_ms = error.code().name, pushback_of(error)
    return Answer(due - began, time.perf_counter() - due, code, pushback_ms)


def pushback_of(error: grpc.RpcError) -> int | None:
    """When to come again, as the server said; None where it did not."""
    trailing: Any = error.trailing_metadata() or ()
    found = [value for key, value in trailing if key == "grpc-retry-pushback-ms"]
    return int(found[0]) if found else None
