"""What a call can answer instead of a result: one exception for each status that a caller can do something about.

RetrievalError
├── InvalidArgument        a field cannot be used: mend the request              field
├── NotFound               no such collection, item or picture                   kind, name
├── FailedPrecondition     for example vectors of another embedding model
├── Unauthenticated        no API key, or an unknown one
├── PermissionDenied       the key may not do this
├── TransientError         may succeed if tried again
│   ├── ResourceExhausted  a queue is full                                       retry_after_s
│   ├── DeadlineExceeded   the answer did not come in time                       stage
│   ├── Unavailable        a service, or the gateway itself, is away or loading  service
│   └── Aborted            another write was in the way
├── Cancelled              the call was given up on this side
├── Unimplemented          the gateway is older than this client
└── Internal               a bug in a service: report the request id
"""

from collections.abc import Iterable, Mapping
from typing import cast

import grpc
from google.rpc import error_details_pb2, status_pb2

REQUEST_ID_KEY = "x-request-id"

_STATUS_KEY = "grpc-status-details-bin"
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


class RetrievalError(Exception):
    """Base of all errors that a call raises.

    Attributes:
        code: the status as gRPC names it.
        reason: a fixed word such as "INVALID_IMAGE"; empty where no service of ours answered.
        metadata: facts, such as {"stage": "segment"}.
        request_id: stands in the services' logs; empty where unknown.
    """

    code: grpc.StatusCode = grpc.StatusCode.UNKNOWN

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode | None = None,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.reason = reason
        self.metadata: Mapping[str, str] = dict(metadata or {})
        self.request_id = request_id or self.metadata.get("request_id", "")


class InvalidArgument(RetrievalError):
    """A field of the request cannot be used. ``field`` is its path, for example "image"."""

    code = grpc.StatusCode.INVALID_ARGUMENT
    field: str = ""


class NotFound(RetrievalError):
    """``kind`` is "collection", "item" or "picture"; ``name`` is the one that does not exist."""

    code = grpc.StatusCode.NOT_FOUND
    kind: str = ""
    name: str = ""


class FailedPrecondition(RetrievalError):
    """The catalogue is in a state that rules this out; ``reason`` and ``metadata`` say which."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class Unauthenticated(RetrievalError):
    """The gateway wants an API key that it knows."""

    code = grpc.StatusCode.UNAUTHENTICATED


class PermissionDenied(RetrievalError):
    """The API key is known, and lacks the right for this call."""

    code = grpc.StatusCode.PERMISSION_DENIED


class TransientError(RetrievalError):
    """Nothing is wrong with the request: it may succeed if tried again."""


class ResourceExhausted(TransientError):
    """Too much is asked at once. ``retry_after_s`` is how long to wait, where the service said."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    retry_after_s: float | None = None


class DeadlineExceeded(TransientError):
    """The answer did not come in time. ``stage`` is where it was then, if known."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED

    @property
    def stage(self) -> str:
        return self.metadata.get("stage", "")


class Unavailable(TransientError):
    """``service`` cannot answer now; empty where not even the gateway was reached."""

    code = grpc.StatusCode.UNAVAILABLE

    @property
    def service(self) -> str:
        return self.metadata.get("service", "")


class Aborted(TransientError):
    """Another write was in the way."""

    code = grpc.StatusCode.ABORTED


class Cancelled(RetrievalError):
    """The call was given up on this side, or the client was closed."""

    code = grpc.StatusCode.CANCELLED


class Unimplemented(RetrievalError):
    """The other end does not know this call: it is older, or no gateway."""

    code = grpc.StatusCode.UNIMPLEMENTED


class Internal(RetrievalError):
    """A bug in a service. Its log tells more under ``request_id``."""

    code = grpc.StatusCode.INTERNAL


_CLASSES: Mapping[grpc.StatusCode, type[RetrievalError]] = {
    kind.code: kind
    for kind in (
        InvalidArgument,
        NotFound,
        FailedPrecondition,
        Unauthenticated,
        PermissionDenied,
        ResourceExhausted,
        DeadlineExceeded,
        Unavailable,
        Aborted,
        Cancelled,
        Unimplemented,
        Internal,
    )
}


def from_status(status: status_pb2.Status, request_id: str = "") -> RetrievalError:
    """The exception for a status that is not OK, for example of an ImportItemsResponse."""
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details:
        if detail.Unpack(info):
            break
    error = _CLASSES.get(code, RetrievalError)(
        status.message or code.name, code=code, reason=info.reason, metadata=info.metadata, request_id=request_id
    )
    _take_details(error, status)
    return error


def from_rpc_error(error: grpc.RpcError, request_id: str = "") -> RetrievalError:
    """The exception for a call that failed. ``request_id`` is the one the call bore."""
    trailing = dict(cast("Iterable[tuple[str, str | bytes]]", iter(error.trailing_metadata() or ())))
    answered = str(trailing.get(REQUEST_ID_KEY) or request_id)
    code = error.code()
    packed = trailing.get(_STATUS_KEY)
    if isinstance(packed, bytes):
        status = status_pb2.Status.FromString(packed)
        if status.code == code.value[0]:
            return from_status(status, answered)
    return _CLASSES.get(code, RetrievalError)(error.details() or code.name, code=code, request_id=answered)


def _take_details(error: RetrievalError, status: status_pb2.Status) -> None:
    request = error_details_pb2.BadRequest()
    resource = error_details_pb2.ResourceInfo()
    retry = error_details_pb2.RetryInfo()
    for detail in status.details:
        if isinstance(error, InvalidArgument) and detail.Unpack(request) and request.field_violations:
            error.field = request.field_violations[0].field
        elif isinstance(error, NotFound) and detail.Unpack(resource):
            error.kind, error.name = resource.resource_type, resource.resource_name
        elif isinstance(error, ResourceExhausted) and detail.Unpack(retry):
            error.retry_after_s = retry.retry_delay.ToTimedelta().total_seconds()
