import asyncio

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

CALLERS = 20


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


class Stage:
    """Takes so many calls at a time, until it is told to answer; others fail with a code at once."""

    def __init__(
        self,
        places: int,
        code: grpc.StatusCode = grpc.StatusCode.RESOURCE_EXHAUSTED,
        retry_after_s: float | None = None,
    ) -> None:
        self.places = places
        self.asked = 0
        self._code = code
        self._retry_after_s = retry_after_s
        self._taken: list[asyncio.Future[str]] = []

    async def __call__(self) -> str:
        self.asked += 1
        if len(self._taken) == self.places:
            metadata = grpc.aio.Metadata()
            refusal = StageFailed("segment", grpc.aio.AioRpcError(self._code, metadata, metadata, "no room"))
            refusal.retry_after_s = self._retry_after_s
            raise refusal
        self._taken.append(asyncio.get_running_loop().create_future())
        return await self._taken[-1]

    def answer(self) -> None:
        for call in self._taken:
            call.set_result("answer")
        self._taken.clear()


async def answered(throttle: Throttle, stage: Stage, callers: int = CALLERS) -> int:
    """How many of so many calls at a time were answered."""
    calls = [asyncio.create_task(throttle.run(stage)) for _ in range(callers)]
    await asyncio.sleep(0)  # each has begun
    stage.answer()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert {str(each) for each in answers} <= {"answer", "segment: no room"}
    return answers.count("answer")


async def test_a_stage_that_accepts_all_gets_all(clock: Clock) -> None:
    stage = Stage(CALLERS)
    assert await answered(Throttle(), stage) == stage.asked == CALLERS


async def test_a_stage_that_refuses_gets_what_it_takes_and_seldom_one_more(clock: Clock) -> None:
    throttle, stage = Throttle(), Stage(4)
    rounds = [(await answered(throttle, stage), stage.asked) for _ in range(20)]
    assert {accepted for accepted, _ in rounds} == {4}  # it is never kept waiting
    refused = stage.asked - 20 * 4
    assert 5 <= refused <= 10


async def test_a_stage_that_takes_more_soon_gets_more(clock: Clock) -> None:
    throttle, stage = Throttle(), Stage(2)
    await answered(throttle, stage)
    stage.places = 8
    assert [await answered(throttle, stage) for _ in range(20)][-1] >= 8


async def test_it_ends_half_a_second_after_the_last_refusal(clock: Clock) -> None:
    throttle, stage = Throttle(), Stage(2)
    await answered(throttle, stage)
    stage.places = CALLERS
    assert await answered(throttle, stage) < CALLERS
    clock.now += 0.51
    assert await answered(throttle, stage) == CALLERS


async def test_a_stage_that_takes_nothing_is_asked_for_one_call_when_it_said_so(clock: Clock) -> None:
    throttle, stage = Throttle(), Stage(0, retry_after_s=0.1)
    asked = []
    for _ in range(9):
        assert await answered(throttle, stage, callers=1) == 0
        asked.append(stage.asked)
        clock.now += 0.04
    assert asked == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    stage.places = 1
    assert await answered(throttle, stage) == 1


async def test_errors_that_are_no_refusals_throttle_nothing(clock: Clock) -> None:
    throttle, away = Throttle(), Stage(2, grpc.StatusCode.UNAVAILABLE)
    for _ in range(3):
        await answered(throttle, away)
    assert away.asked == 3 * CALLERS


async def test_what_the_gateway_refuses_itself_tells_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_OVERLOAD_S", 600)
    before = sample("clothing_throttled_total")
    async with gateway() as front:

        async def full(request: object) -> None:
            raise Overloaded("segment", 3, 300)

        front.stages.on["Segment"] = full
        for number in range(10):
            request = pb.SearchRequest(image=types_pb2.Image(encoded=b"%d" % number))
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await front.retrieval.Search(request, timeout=20)
            assert seen.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert details(seen.value)["RetryInfo"].retry_delay.ToSeconds() == 300  # type: ignore[attr-defined]
            assert ("grpc-retry-pushback-ms", "300000") in tuple(seen.value.trailing_metadata())
        assert front.stages.calls["Segment"] == 1
        assert sample("clothing_throttled_total") - before == 9
