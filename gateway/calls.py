"""One call of a stage: under a deadline, with errors that name the stage."""

from collections.abc import Awaitable
from typing import Any, Protocol, TypeVar

import grpc

from serving import tracing
from serving.deadline import Deadline
from serving.errors import BadAnswer, StageFailed, sent_status
from serving.telemetry import outgoing_metadata

Response = TypeVar("Response", covariant=True)


class Call(Protocol[Response]):
    """A unary method of a generated stub."""

    def __call__(self, request: Any, *, timeout: float, metadata: Any) -> Awaitable[Response]: ...


async def call(
    stage: str, method: Call[Response], request: Any, deadline: Deadline, renamed: tuple[str, str] | None = None
) -> Response:
    """Calls a stage with what is left of the deadline.

    Raises DeadlineExceeded when nothing is, BadAnswer where what came is no answer, else StageFailed.
    """
    deadline.check(stage)
    with tracing.calling(request):
        try:
            answer: Response | None = await method(request, timeout=deadline.remaining(), metadata=outgoing_metadata())
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and sent_status(error) is None:
                # Not the stage's refusal, which has details: grpc's own, of a message beyond the limit.
                raise BadAnswer(stage, error.details() or "too much") from error
            raise StageFailed(stage, error, renamed) from error
        if answer is None:  # grpc.aio's way to say that it could not read the message
            raise BadAnswer(stage, "a message that cannot be read")
        return answer
