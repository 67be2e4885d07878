"""What went wrong, as RFC 9457 has it: the one place that knows which HTTP status an error becomes.

the photo or a parameter cannot be used           422, and the field
the body is larger than allowed, or too slow      413, 408
the body is of a kind that is not taken           415
no such collection, item or picture               404
the caller asks too often                         429, Retry-After
the catalogue and the model do not fit together   409
the gateway, or a service behind it, is away      503, Retry-After
it has too much to do                             503, Retry-After
it did not answer in time                         504
it answers what it should not                     502
"""

import logging
import math
import uuid
from collections.abc import Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from clothing_retrieval import errors
from storefront.headers import SECURITY

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_RETRY_S = 2.0
_AWAY = "The shop's search is away for a moment: try again soon."
_BUSY = "The shop's search has too much to do: try again soon."
_LATE = "The search took too long: try again, or with a smaller photo."
_NOT_ALLOWED = "The gateway does not let the storefront in: its operator has to look at STOREFRONT_API_KEY."
_WRONG = "Something went wrong behind the storefront: its operator finds more in the logs, by the request id."


class FieldProblem(BaseModel):
    field: str
    problem: str


class Problem(BaseModel):
    """An error, as RFC 9457 has it. What is not known is absent."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "about:blank",
                "title": "Unprocessable Entity",
                "status": 422,
                "detail": "image: not a JPEG, PNG or WebP file",
                "reason": "INVALID_IMAGE",
                "field": "photo",
                "request_id": "5a0f0c2e8f5d4c6f9e0b7a4a8c1d2e3f",
            }
        }
    )

    type: str = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What is wrong and what to do, for people.")
    reason: str = Field(description="A fixed word, for programs.")
    field: str | None = Field(None, description="The parameter that cannot be used.")
    errors: list[FieldProblem] | None = Field(None, description="All parameters that cannot be used.")
    service: str | None = Field(None, description="The service that is away.")
    stage: str | None = Field(None, description="Where the time went.")
    retry_after_s: float | None = Field(None, description="When to come again, in seconds; also in Retry-After.")
    request_id: str | None = Field(None, description="Stands in the services' logs.")


class Refusal(HTTPException):
    """What the storefront itself refuses."""

    def __init__(
        self,
        status: HTTPStatus,
        reason: str,
        detail: str,
        *,
        field: str | None = None,
        retry_after_s: float | None = None,
        close: bool = False,
    ) -> None:
        """``close``: the connection ends with the answer, since the rest of the request is not read."""
        super().__init__(status, detail, {"Connection": "close"} if close else None)
        self.problem = Problem(
            title=status.phrase,
            status=status,
            detail=detail,
            reason=reason,
            field=field,
            retry_after_s=retry_after_s,
        )


def answer(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    retry = {} if problem.retry_after_s is None else {"Retry-After": str(max(1, math.ceil(problem.retry_after_s)))}
    return JSONResponse(
        problem.model_dump(exclude_none=True),
        problem.status,
        headers={"Cache-Control": "no-store", **(headers or {}), **retry},
        media_type=MEDIA_TYPE,
    )


def from_gateway(error: errors.RetrievalError) -> Problem:
    status, detail, retry_after_s = _meaning(error)
    return Problem(
        title=status.phrase,
        status=status,
        detail=detail,
        reason=error.reason or error.code.name,
        field=_field(error.field) if isinstance(error, errors.InvalidArgument) else None,
        service=error.service or "gateway" if isinstance(error, errors.Unavailable) else None,
        stage=error.stage or None if isinstance(error, errors.DeadlineExceeded) else None,
        retry_after_s=retry_after_s,
        request_id=error.request_id or None,
    )


def _field(path: str) -> str | None:
    """What a field of the gateway's requests is called here: "image.encoded" is the photo."""
    return "photo" if path.partition(".")[0] == "image" else path or None


def _meaning(error: errors.RetrievalError) -> tuple[HTTPStatus, str, float | None]:
    """The status, what to say, and when to come again."""
    match error:
        case errors.InvalidArgument(reason="IMAGE_TOO_LARGE"):
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error), None
        case errors.InvalidArgument():
            return HTTPStatus.UNPROCESSABLE_ENTITY, str(error), None
        case errors.NotFound():
            return HTTPStatus.NOT_FOUND, str(error), None
        case errors.FailedPrecondition():
            return HTTPStatus.CONFLICT, str(error), None
        case errors.ResourceExhausted():
            return HTTPStatus.SERVICE_UNAVAILABLE, _BUSY, error.retry_after_s or _RETRY_S
        case errors.Unavailable() | errors.Aborted() | errors.Cancelled():
            return HTTPStatus.SERVICE_UNAVAILABLE, _AWAY, _RETRY_S
        case errors.DeadlineExceeded():
            return HTTPStatus.GATEWAY_TIMEOUT, _LATE, None
        case errors.Unauthenticated() | errors.PermissionDenied():
            return HTTPStatus.BAD_GATEWAY, _NOT_ALLOWED, None
        case _:
            return HTTPStatus.BAD_GATEWAY, _WRONG, None


def add_to(app: FastAPI) -> None:
    """Every error that leaves the app is a problem."""

    @app.exception_handler(errors.RetrievalError)
    async def on_gateway_error(_: Request, error: errors.RetrievalError) -> JSONResponse:
        problem = from_gateway(error)
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("%s from the gateway: %s (request id %s)", error.code.name, error, error.request_id)
        return answer(problem)

    @app.exception_handler(RequestValidationError)
    async def on_bad_parameters(_: Request, error: RequestValidationError) -> JSONResponse:
        return answer(_bad_parameters(error.errors()))

    @app.exception_handler(HTTPException)
    async def on_refusal(_: Request, error: HTTPException) -> JSONResponse:
        status = HTTPStatus(error.status_code)
        problem = (
            error.problem
            if isinstance(error, Refusal)
            else Problem(title=status.phrase, status=status, detail=str(error.detail), reason=status.name)
        )
        return answer(problem, dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def on_bug(request: Request, _: Exception) -> JSONResponse:
        status, request_id = HTTPStatus.INTERNAL_SERVER_ERROR, uuid.uuid4().hex
        log.error("%s %s failed (request id %s)", request.method, request.url.path, request_id)
        problem = Problem(title=status.phrase, status=status, detail=_WRONG, reason="INTERNAL", request_id=request_id)
        return answer(problem, dict(SECURITY))  # made outside of all middleware


def _bad_parameters(found: Sequence[dict[str, object]]) -> Problem:
    problems = [
        FieldProblem(field=".".join(map(str, error["loc"][1:])) or "body", problem=str(error["msg"]))  # type: ignore[index]
        for error in found
    ]
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return Problem(
        title=status.phrase,
        status=status,
        detail="; ".join(f"{one.field}: {one.problem}" for one in problems),
        reason="INVALID_FIELD",
        field=problems[0].field,
        errors=problems,
    )
