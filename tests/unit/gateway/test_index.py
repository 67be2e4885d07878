"""The one search service: calls wait for it while it restarts."""

import asyncio
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2

from gateway import index
from gateway.index import Index
from serving.deadline import Deadline
from serving.errors import Overloaded, StageFailed
from tests.unit.gateway.test_patience import Answered

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
PATIENCE_S = 8.0
AWAY = Answered(grpc.StatusCode.UNAVAILABLE)


class Refusal(Answered):
    """As a search service refuses calls that it has no room for."""

    def __init__(self) -> None:
        super().__init__(grpc.StatusCode.RESOURCE_EXHAUSTED)
        self._status = Overloaded("search", 256, 0.05).status()

    def details(self) -> str:
        return self._status.message

    def trailing_metadata(self) -> Any:
        return (("grpc-status-details-bin", self._status.SerializeToString()),)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class SearchService:
    """``failures``: of the next calls."""

    def __init__(self) -> None:
        self.status = SERVING
        self.failures: list[Answered] = []
        self.calls = 0

    async def Query(self, request: Any, *, timeout: float, metadata: Any) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "found"

    async def Check(self, request: Any, *, timeout: float, metadata: Any) -> health_pb2.HealthCheckResponse:
        return health_pb2.HealthCheckResponse(status=self.status)


@pytest.fixture
def service() -> SearchService:
    return SearchService()


@pytest.fixture
async def known(service: SearchService) -> Index:
    """Saw the service a moment ago."""
    known = Index(PATIENCE_S)
    assert await trouble(known, service) is None
    return known


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(index, "time", clock)
    return clock


def deadline() -> Deadline:
    return Deadline.after(30)


async def trouble(of: Index, service: SearchService) -> str | None:
    return await of.trouble(service, deadline())  # type: ignore[arg-type]


async def fails_at_once(of: Index, service: SearchService) -> None:
    with pytest.raises(StageFailed):
        await of.ask(lambda: service.Query, None, deadline())
    assert service.calls == 1


async def test_a_call_waits_for_a_service_that_was_there_a_moment_ago(known: Index, service: SearchService) -> None:
    service.failures = [AWAY, AWAY]
    assert await known.ask(lambda: service.Query, None, deadline()) == "found"
    assert service.calls == 3


@pytest.mark.parametrize("seen", [False, True])
async def test_it_fails_at_once_where_the_service_never_was_there_or_is_long_away(
    service: SearchService, clock: Clock, seen: bool
) -> None:
    away = Index(PATIENCE_S)
    if seen:
        clock.now -= 2 * PATIENCE_S
        assert await trouble(away, service) is None
    service.failures = [AWAY]
    await fails_at_once(away, service)


@pytest.mark.parametrize("answer", [Refusal(), Answered(grpc.StatusCode.NOT_FOUND)])
async def test_a_service_that_answers_is_not_asked_again(
    known: Index, service: SearchService, answer: Answered
) -> None:
    service.failures = [answer]
    await fails_at_once(known, service)


async def test_who_waited_waits_for_his_turn_where_the_service_is_busy_when_it_is_back(
    known: Index, service: SearchService
) -> None:
    service.failures = [AWAY, Refusal()]
    assert await known.ask(lambda: service.Query, None, deadline()) == "found"


async def test_a_call_that_waits_goes_on_over_the_channel_that_is_there_then(
    known: Index, service: SearchService
) -> None:
    service.failures = [AWAY]
    closed, opened = service, SearchService()
    methods = iter((closed.Query, opened.Query))
    assert await known.ask(lambda: next(methods), None, deadline()) == "found"
    assert (closed.calls, opened.calls) == (1, 1)


async def test_so_many_wait_and_the_others_fail_at_once(
    known: Index, service: SearchService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_MOST_WAITING", 0)
    service.failures = [AWAY]
    await fails_at_once(known, service)


async def test_calls_wait_while_there_is_room_for_what_their_callers_sent(
    known: Index, service: SearchService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_MOST_WAITING_BYTES", 100)
    service.failures = [AWAY, AWAY]
    waiting = asyncio.create_task(known.ask(lambda: service.Query, None, deadline(), held_bytes=60))
    while service.failures:
        await asyncio.sleep(0)
    service.failures = [AWAY]
    with pytest.raises(StageFailed):
        await known.ask(lambda: service.Query, None, deadline(), held_bytes=60)
    assert await waiting == "found"
    service.failures = [AWAY]
    assert await known.ask(lambda: service.Query, None, deadline(), held_bytes=100) == "found"


@pytest.mark.parametrize(("after_s", "expected"), [(PATIENCE_S - 1, None), (PATIENCE_S, "search: not serving")])
async def test_trouble_is_told_when_calls_do_not_wait_any_longer(
    service: SearchService, clock: Clock, after_s: float, expected: str | None
) -> None:
    watched = Index(PATIENCE_S)
    assert await trouble(watched, service) is None
    service.status = NOT_SERVING
    clock.now += after_s
    assert await trouble(watched, service) == expected
