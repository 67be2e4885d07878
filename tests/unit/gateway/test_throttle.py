import random

import grpc
import pytest

from clothing_retrieval.v1 import retrieval_service_pb2 as pb
from clothing_retrieval.v1 import types_pb2
from gateway import throttle as module
from gateway.throttle import Throttle
from serving.errors import Overloaded, StageFailed
from tests.samples import sample
from tests.servers import details
from tests.unit.gateway.fake_stages import gateway
from tests.unit.serving.test_admission import Clock

CALLS = 2_000
EVERY_S = 0.005


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module, "random", random.Random(0))
    return clock


class Stage:
    """Accepts one call in so many; the others fail with a code."""

    def __init__(self, one_in: int, code: grpc.StatusCode = grpc.StatusCode.RESOURCE_EXHAUSTED) -> None:
        self.one_in = one_in
        self.calls = 0
        metadata = grpc.aio.Metadata()
        self._error = grpc.aio.AioRpcError(code, metadata, metadata, "no room")

    async def __call__(self) -> str:
        self.calls += 1
        if self.calls % self.one_in:
            raise StageFailed("segment", self._error)
        return "answer"


async def load(throttle: Throttle, stage: Stage, clock: Clock, calls: int = CALLS) -> int:
    """How many of so many calls, one after the other, were answered."""
    answered = 0
    for _ in range(calls):
        clock.now += EVERY_S
        try:
            assert await throttle.run(stage) == "answer"
        except StageFailed as error:
            assert str(error) == "segment: no room"
        else:
            answered += 1
    return answered


async def test_a_stage_that_accepts_all_gets_all(clock: Clock) -> None:
    stage = Stage(1)
    assert await load(Throttle(), stage, clock) == stage.calls == CALLS


async def test_a_stage_that_refuses_gets_about_twice_what_it_accepts(clock: Clock) -> None:
    class Full(Stage):
        """Accepts a call each 50 ms, however many come."""

        accepted_at = 0.0

        async def __call__(self) -> str:
            self.calls += 1
            if clock.now - self.accepted_at < 0.05:
                raise StageFailed("segment", self._error)
            self.accepted_at = clock.now
            return "answer"

    stage = Full(1)
    answered = await load(Throttle(), stage, clock)
    assert answered > 0.5 * CALLS * EVERY_S / 0.05
    assert 1.8 < stage.calls / answered < 2.4


async def test_it_ends_half_a_second_after_the_last_refusal(clock: Clock) -> None:
    throttle = Throttle()
    await load(throttle, Stage(20), clock)
    clock.now += 0.51
    free = Stage(1)
    assert await load(throttle, free, clock, 100) == free.calls == 100


async def test_errors_that_are_no_refusals_throttle_nothing(clock: Clock) -> None:
    away = Stage(20, grpc.StatusCode.UNAVAILABLE)
    await load(Throttle(), away, clock)
    assert away.calls == CALLS


async def test_what_the_gateway_refuses_itself_tells_when_to_come_again() -> None:
    before = sample("clothing_throttled_total")
    async with gateway() as front:

        async def full(request: object) -> None:
            raise Overloaded("segment", 3, 0.25)

        front.stages.on["Segment"] = full
        codes = []
        for number in range(40):
            request = pb.SearchRequest(image=types_pb2.Image(encoded=b"%d" % number))
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await front.retrieval.Search(request, timeout=20)
            codes.append(seen.value.code())
            assert details(seen.value)["RetryInfo"].retry_delay.ToMilliseconds() == 250  # type: ignore[attr-defined]
            assert ("grpc-retry-pushback-ms", "250") in tuple(seen.value.trailing_metadata())
        assert set(codes) == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert front.stages.calls["Segment"] < 40
        assert sample("clothing_throttled_total") - before == 40 - front.stages.calls["Segment"]
