"""Each exception as a caller meets it: over a real call."""

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

from serving.errors import (
    DeadlineExceeded,
    InvalidField,
    InvalidImage,
    ModelMismatch,
    NotFound,
    Overloaded,
    ServiceError,
    StageFailed,
    Unavailable,
)
from tests.servers import details
from tests.unit.serving.scripted import embed, scripted


async def raised_by(error: Exception) -> grpc.aio.AioRpcError:
    """What a caller sees when a servicer raises ``error``."""

    async def raises(request: Any, context: Any) -> Any:
        raise error

    async with scripted(raises) as (_, channel):
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await embed(channel, timeout=10)
    return seen.value


@pytest.mark.parametrize(
    ("error", "code", "reason", "facts"),
    [
        (InvalidField("top_k", "is 101"), "INVALID_ARGUMENT", "INVALID_FIELD", {}),
        (InvalidImage("is 1 × 1 pixels", "images[3]"), "INVALID_ARGUMENT", "INVALID_IMAGE", {}),
        (NotFound("collection", "spring"), "NOT_FOUND", "COLLECTION_NOT_FOUND", {}),
        (NotFound("item", "a"), "NOT_FOUND", "ITEM_NOT_FOUND", {}),
        (
            ModelMismatch("spring", "aa", "bb"),
            "FAILED_PRECONDITION",
            "MODEL_MISMATCH",
            {"collection": "spring", "expected_digest": "aa", "actual_digest": "bb"},
        ),
        (Overloaded("embed", 64, 0.25), "RESOURCE_EXHAUSTED", "QUEUE_FULL", {"queue": "embed"}),
        (DeadlineExceeded("segment"), "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", {"stage": "segment"}),
        (
            DeadlineExceeded("segment", "cannot be met"),
            "DEADLINE_EXCEEDED",
            "DEADLINE_EXCEEDED",
            {"stage": "segment"},
        ),
        (Unavailable("embed", "draining"), "UNAVAILABLE", "UNAVAILABLE", {"service": "embed"}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ServiceError) else "",
)
async def test_each_error_arrives_with_its_code_reason_and_facts(
    error: ServiceError, code: str, reason: str, facts: dict[str, str]
) -> None:
    seen = await raised_by(error)
    assert seen.code().name == code
    assert seen.details() == str(error)
    info = details(seen)["ErrorInfo"]
    assert isinstance(info, error_details_pb2.ErrorInfo)
    assert (info.domain, info.reason, dict(info.metadata)) == ("clothing-retrieval", reason, facts)


async def test_a_bad_field_is_named_in_a_bad_request() -> None:
    found = details(await raised_by(InvalidField("filter.all_of[0].range", "min is above max")))
    (violation,) = found["BadRequest"].field_violations  # type: ignore[attr-defined]
    assert (violation.field, violation.description) == ("filter.all_of[0].range", "min is above max")


async def test_what_was_not_found_is_named_in_a_resource_info() -> None:
    found = details(await raised_by(NotFound("item", "sku-7")))["ResourceInfo"]
    assert isinstance(found, error_details_pb2.ResourceInfo)
    assert (found.resource_type, found.resource_name) == ("item", "sku-7")


async def test_overload_tells_when_to_come_back() -> None:
    found = details(await raised_by(Overloaded("embed", 64, 0.25)))["RetryInfo"]
    assert found.retry_delay.ToMilliseconds() == 250  # type: ignore[attr-defined]


@pytest.mark.parametrize("bug", [ValueError("secret /etc/passwd"), KeyError("secret"), StopAsyncIteration("secret")])
async def test_a_bug_arrives_as_internal_with_the_request_id_and_nothing_of_the_inside(bug: Exception) -> None:
    async def raises(request: Any, context: Any) -> Any:
        raise bug

    async with scripted(raises) as (_, channel):
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await embed(channel, timeout=10, metadata=(("x-request-id", "abc-123"),))
    assert seen.value.code() is grpc.StatusCode.INTERNAL
    assert "abc-123" in (seen.value.details() or "")
    assert "secret" not in repr(seen.value)
    info = details(seen.value)["ErrorInfo"]
    assert dict(info.metadata) == {"request_id": "abc-123"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "error",
    [
        InvalidField("categories[0]", "x" * 1_000_000),
        InvalidField("categories[0]", "衣" * 100_000),
        InvalidField("f" * 1_000_000, "is unknown"),
        NotFound("collection", "n" * 1_000_000),
        ModelMismatch("n" * 100_000, "e" * 100_000, "a" * 100_000),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_error_that_echoes_a_huge_value_still_arrives_as_itself(error: ServiceError) -> None:
    seen = await raised_by(error)
    assert seen.code().value[0] == error.code
    assert "ErrorInfo" in details(seen)
    assert len(seen.details() or "") <= 400


async def stage_failed(error: Exception, renamed: tuple[str, str] | None = None) -> StageFailed:
    return StageFailed("segment", await raised_by(error), renamed)


async def test_a_failed_stage_passes_on_code_reason_facts_and_details_and_adds_its_name() -> None:
    failed = await stage_failed(Overloaded("segment", 64, 1.5))
    assert str(failed).startswith("segment: segment queue is full")
    assert failed.retry_after_s == 1.5
    seen = await raised_by(failed)
    assert seen.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    found = details(seen)
    assert found["RetryInfo"].retry_delay.ToMilliseconds() == 1500  # type: ignore[attr-defined]
    info = found["ErrorInfo"]
    assert isinstance(info, error_details_pb2.ErrorInfo)
    assert (info.reason, dict(info.metadata)) == ("QUEUE_FULL", {"queue": "segment", "stage": "segment"})


async def test_a_failed_stage_calls_fields_what_the_caller_calls_them() -> None:
    failed = await stage_failed(InvalidImage("is empty", "image.encoded"), ("image", "images[3]"))
    assert str(failed) == "segment: images[3].encoded: is empty"
    (violation,) = details(await raised_by(failed))["BadRequest"].field_violations  # type: ignore[attr-defined]
    assert violation.field == "images[3].encoded"


async def test_a_failed_stage_renames_only_the_field_itself() -> None:
    failed = await stage_failed(InvalidField("images[10].encoded", "is empty"), ("images[1]", "image"))
    assert str(failed) == "segment: images[10].encoded: is empty"
    failed = await stage_failed(InvalidField("image_size", "is odd"), ("image", "images[3]"))
    assert str(failed) == "segment: image_size: is odd"


async def test_a_failed_stage_passes_on_what_was_not_found() -> None:
    found = details(await raised_by(await stage_failed(NotFound("collection", "spring"))))
    assert found["ResourceInfo"].resource_name == "spring"  # type: ignore[attr-defined]
    assert found["ErrorInfo"].reason == "COLLECTION_NOT_FOUND"  # type: ignore[attr-defined]


async def test_a_stage_that_is_away_is_unavailable_under_its_name() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await embed(channel, timeout=10)
    failed = StageFailed("embed", seen.value)
    assert failed.status().code == grpc.StatusCode.UNAVAILABLE.value[0]
    assert failed.reason == "UNAVAILABLE"
    assert failed.facts()["stage"] == "embed"


async def test_a_stage_that_cancels_as_it_says_goodbye_is_away() -> None:
    async def cancels(request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.CANCELLED, "goodbye")

    async with scripted(cancels) as (_, channel):
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await embed(channel, timeout=10)
    assert seen.value.code() is grpc.StatusCode.CANCELLED
    assert StageFailed("embed", seen.value).code == grpc.StatusCode.UNAVAILABLE.value[0]
