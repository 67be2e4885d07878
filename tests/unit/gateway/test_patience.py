import time

import grpc
import pytest
from google.rpc import code_pb2

from gateway.patience import patiently
from serving.deadline import Deadline
from serving.errors import StageFailed


class Answered(grpc.RpcError):
    """What a stage answered."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "told so"

    def trailing_metadata(self) -> None:
        return None


class Attempt:
    def __init__(self, code: grpc.StatusCode, failures: int) -> None:
        self.count = 0
        self._code = code
        self._failures = failures

    async def __call__(self) -> str:
        self.count += 1
        if self.count <= self._failures:
            raise StageFailed("embed", Answered(self._code))
        return "done"


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED])
async def test_it_waits_for_a_stage_that_is_busy_or_away(code: grpc.StatusCode) -> None:
    attempt = Attempt(code, failures=2)
    assert await patiently(attempt, Deadline.after(30)) == "done"
    assert attempt.count == 3


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INTERNAL]
)
async def test_what_another_attempt_cannot_mend_is_raised_at_once(code: grpc.StatusCode) -> None:
    attempt = Attempt(code, failures=1)
    with pytest.raises(StageFailed):
        await patiently(attempt, Deadline.after(30))
    assert attempt.count == 1


async def test_near_the_deadline_it_gives_up_with_what_the_stage_said() -> None:
    began = time.monotonic()
    with pytest.raises(StageFailed, match="embed: told so") as failed:
        await patiently(Attempt(grpc.StatusCode.UNAVAILABLE, failures=1000), Deadline.after(0.3))
    assert failed.value.code == code_pb2.UNAVAILABLE
    assert time.monotonic() - began < 1


async def test_where_time_is_over_in_the_midst_of_an_attempt_it_tells_why_there_was_another() -> None:
    errors = iter((Answered(grpc.StatusCode.UNAVAILABLE), Answered(grpc.StatusCode.DEADLINE_EXCEEDED)))

    async def attempt() -> str:
        raise StageFailed("search", next(errors))

    with pytest.raises(StageFailed) as failed:
        await patiently(attempt, Deadline.after(30))
    assert failed.value.code == code_pb2.UNAVAILABLE
