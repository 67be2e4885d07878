"""What can go wrong, and the one place that knows which gRPC status each becomes.

ServiceError
├── InvalidField            INVALID_ARGUMENT      BadRequest
│   └── InvalidImage
├── NotFound                NOT_FOUND             ResourceInfo
├── ModelMismatch           FAILED_PRECONDITION   both digests
├── Overloaded              RESOURCE_EXHAUSTED    RetryInfo
├── LimitReached            RESOURCE_EXHAUSTED    RetryInfo
├── Unauthenticated         UNAUTHENTICATED
├── PermissionDenied        PERMISSION_DENIED     the right that is missing
├── DeadlineExceeded        DEADLINE_EXCEEDED     the stage
├── StreamSilent            DEADLINE_EXCEEDED
├── Unavailable             UNAVAILABLE           the service
│   ├── BadAnswer
│   └── ModelChanged
├── NotOffered              UNIMPLEMENTED
├── StageFailed             as the stage answered, and the stage
└── InternalError           INTERNAL              the request id
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError, Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

DOMAIN = "clothing-retrieval"

_LONGEST_TEXT = 400
"""In characters. A status travels in trailers of a few KiB: what a caller sent is echoed only so far."""


class ServiceError(Exception):
    """An error that a caller can act on: a status code, a fixed reason, and facts."""

    code: int = code_pb2.INTERNAL
    reason: str = "INTERNAL"
    retry_after_s: float | None = None
    """When a caller may come again; None where that is not known."""

    def facts(self) -> Mapping[str, str]:
        """Metadata of the ErrorInfo."""
        return {}

    def details(self) -> Sequence[Message]:
        """What travels beside the ErrorInfo."""
        return ()

    def status(self) -> status_pb2.Status:
        facts = {name: shortened(fact) for name, fact in self.facts().items()}
        info = error_details_pb2.ErrorInfo(reason=self.reason, domain=DOMAIN, metadata=facts)
        packed = []
        for detail in (info, *self.details()):
            packed.append(any_pb2.Any())
            packed[-1].Pack(detail)
        return status_pb2.Status(code=self.code, message=shortened(str(self)), details=packed)


class InvalidField(ServiceError):
    """A field of the request cannot be used. ``field`` is its path in the request."""

    code = code_pb2.INVALID_ARGUMENT
    reason = "INVALID_FIELD"

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem

    def details(self) -> Sequence[Message]:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=shortened(self.field), description=shortened(self.problem)
        )
        return (error_details_pb2.BadRequest(field_violations=[violation]),)


class InvalidImage(InvalidField):
    """The bytes are no picture that we read, or it is too large."""

    reason = "INVALID_IMAGE"

    def __init__(self, problem: str, field: str = "image") -> None:
        super().__init__(field, problem)


class NotFound(ServiceError):
    """``kind`` is "collection", "item" or "picture"."""

    code = code_pb2.NOT_FOUND

    def __init__(self, kind: str, name: str, problem: str = "does not exist") -> None:
        super().__init__(f"{kind} {name!r} {problem}")
        self.kind = kind
        self.name = name
        self.reason = f"{kind.upper()}_NOT_FOUND"

    def details(self) -> Sequence[Message]:
        return (
            error_details_pb2.ResourceInfo(
                resource_type=self.kind, resource_name=shortened(self.name), description=shortened(str(self))
            ),
        )


class ModelMismatch(ServiceError):
    """Vectors of one embedding model were brought to a collection of another."""

    code = code_pb2.FAILED_PRECONDITION
    reason = "MODEL_MISMATCH"

    def __init__(self, collection: str, expected: str, actual: str) -> None:
        super().__init__(
            f"collection {collection!r} holds vectors of model {expected or '(none)'}, the request bears "
            f"{actual or '(none)'}: import the catalogue into a new collection with the new model, then point the "
            "alias at it"
        )
        self.collection = collection
        self.expected = expected
        self.actual = actual

    def facts(self) -> Mapping[str, str]:
        return {"collection": self.collection, "expected_digest": self.expected, "actual_digest": self.actual}


class Overloaded(ServiceError):
    """The queue is full. ``retry_after_s`` is how long it will take to drain, about."""

    code = code_pb2.RESOURCE_EXHAUSTED
    reason = "QUEUE_FULL"
    retry_after_s: float

    def __init__(self, queue: str, limit: int, retry_after_s: float, mend: str = "add workers") -> None:
        super().__init__(f"{queue} queue is full ({limit} at a time): retry in {retry_after_s:.1f} s, or {mend}")
        self.queue = queue
        self.retry_after_s = retry_after_s

    def facts(self) -> Mapping[str, str]:
        return {"queue": self.queue}

    def details(self) -> Sequence[Message]:
        return (_retry_info(self.retry_after_s),)


class LimitReached(ServiceError):
    """The caller's key has a limit, and this call is beyond it."""

    code = code_pb2.RESOURCE_EXHAUSTED
    reason = "LIMIT_REACHED"
    retry_after_s: float

    def __init__(self, key: str, limit: str, retry_after_s: float) -> None:
        super().__init__(f"the key {key!r} allows {limit}: retry in {retry_after_s:.1f} s")
        self.key = key
        self.limit = limit
        self.retry_after_s = retry_after_s

    def facts(self) -> Mapping[str, str]:
        return {"key": self.key, "limit": self.limit}

    def details(self) -> Sequence[Message]:
        return (_retry_info(self.retry_after_s),)


class Unauthenticated(ServiceError):
    """Who calls is not known. ``reason`` is NO_API_KEY or UNKNOWN_API_KEY."""

    code = code_pb2.UNAUTHENTICATED

    def __init__(self, reason: str, problem: str) -> None:
        super().__init__(problem)
        self.reason = reason


class PermissionDenied(ServiceError):
    """Who calls may not do this: the key has not this right."""

    code = code_pb2.PERMISSION_DENIED
    reason = "RIGHT_MISSING"

    def __init__(self, key: str, right: str) -> None:
        super().__init__(f"the key {key!r} has not the right {right!r}")
        self.key = key
        self.right = right

    def facts(self) -> Mapping[str, str]:
        return {"key": self.key, "right": self.right}


class DeadlineExceeded(ServiceError):
    """The caller's deadline passed before ``stage`` was done, or would."""

    code = code_pb2.DEADLINE_EXCEEDED
    reason = "DEADLINE_EXCEEDED"

    def __init__(self, stage: str, how: Literal["passed", "cannot be met"] = "passed") -> None:
        super().__init__(f"the deadline {how} in stage {stage!r}")
        self.stage = stage

    def facts(self) -> Mapping[str, str]:
        return {"stage": self.stage}


class StreamSilent(ServiceError):
    """A caller left a stream open and sent nothing for ``silence_s``."""

    code = code_pb2.DEADLINE_EXCEEDED
    reason = "STREAM_SILENT"

    def __init__(self, silence_s: float) -> None:
        super().__init__(f"nothing came for {silence_s:g} s: send the rest in another call")


class Unavailable(ServiceError):
    """``service`` cannot answer now: away, loading or draining. A retry may reach another."""

    code = code_pb2.UNAVAILABLE
    reason = "UNAVAILABLE"

    def __init__(self, service: str, why: str) -> None:
        super().__init__(f"{service} is {why}")
        self.service = service

    def facts(self) -> Mapping[str, str]:
        return {"service": self.service}


class BadAnswer(Unavailable):
    """``service`` answered with something that no sound replica of it answers with. A retry may reach another."""

    reason = "BAD_ANSWER"

    def __init__(self, service: str, what: str) -> None:
        super().__init__(service, f"broken: it answered with {what}")


class ModelChanged(Unavailable):
    """``service`` answered with another model than it did before: its replicas are being exchanged."""

    def __init__(self, service: str) -> None:
        super().__init__(service, "changing its model")


class NotOffered(ServiceError):
    """This deployment has no such thing; ``what`` tells what it has instead."""

    code = code_pb2.UNIMPLEMENTED
    reason = "NOT_OFFERED"

    def __init__(self, what: str) -> None:
        super().__init__(f"not offered: {what}")


class StageFailed(ServiceError):
    """A stage behind the gateway answered with an error: it is passed on, with the stage's name.

    ``renamed`` says what a field of the stage's request is called in the caller's: ("image", "images[3]").
    """

    def __init__(self, stage: str, error: grpc.RpcError, renamed: tuple[str, str] | None = None) -> None:
        answered = sent_status(error) or status_pb2.Status(message=error.details() or "")
        super().__init__(f"{stage}: {_renamed(answered.message, renamed)}")
        # A server that says goodbye cancels what arrives at that very moment: to the caller it is away.
        code = error.code() if error.code() is not grpc.StatusCode.CANCELLED else grpc.StatusCode.UNAVAILABLE
        self.stage = stage
        self.code = code.value[0]
        self.reason = code.name
        self._metadata: dict[str, str] = {}
        self._passed_on: list[Message] = []
        for detail in answered.details:
            self._keep(detail, renamed)

    def facts(self) -> Mapping[str, str]:
        return {**self._metadata, "stage": self.stage}

    def details(self) -> Sequence[Message]:
        return self._passed_on

    def _keep(self, detail: any_pb2.Any, renamed: tuple[str, str] | None) -> None:
        for kind in (
            error_details_pb2.ErrorInfo,
            error_details_pb2.BadRequest,
            error_details_pb2.ResourceInfo,
            error_details_pb2.RetryInfo,
        ):
            message = kind()
            try:
                if not detail.Unpack(message):
                    continue
            except DecodeError:  # a detail that says nothing
                return
            if isinstance(message, error_details_pb2.ErrorInfo):
                self.reason = message.reason
                self._metadata.update(message.metadata)
                return
            if isinstance(message, error_details_pb2.RetryInfo):
                self.retry_after_s = message.retry_delay.ToNanoseconds() / 1e9
            if isinstance(message, error_details_pb2.BadRequest):
                for violation in message.field_violations:
                    violation.field = _renamed(violation.field, renamed)
            self._passed_on.append(message)


class InternalError(ServiceError):
    """A bug. The caller gets the request id, the log has the rest."""

    def __init__(self, request_id: str) -> None:
        super().__init__(f"internal error; the log tells more under request id {request_id}")
        self.request_id = request_id

    def facts(self) -> Mapping[str, str]:
        return {"request_id": self.request_id}


def _retry_info(seconds: float) -> error_details_pb2.RetryInfo:
    delay = duration_pb2.Duration()
    delay.FromMilliseconds(round(seconds * 1000))
    return error_details_pb2.RetryInfo(retry_delay=delay)


def sent_status(error: grpc.RpcError) -> status_pb2.Status | None:
    """The status with details that a server sent; None where it sent none, or none that can be read."""
    try:
        return rpc_status.from_call(error)
    except (ValueError, DecodeError):
        return None


def shortened(text: str) -> str:
    """At most some hundred characters of it."""
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def _renamed(text: str, renamed: tuple[str, str] | None) -> str:
    """A text that begins with a field's path, with the path's beginning exchanged."""
    if renamed is None:
        return text
    old, new = renamed
    begins = text.startswith(old) and text[len(old) : len(old) + 1] in ("", ".", "[", ":")
    return new + text.removeprefix(old) if begins else text
