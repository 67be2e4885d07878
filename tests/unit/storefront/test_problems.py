import grpc
import httpx
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from storefront import searching
from tests.fake_gateway import FakeGateway, picture, status
from tests.unit.storefront.conftest import Open

JPEG = {"content-type": "image/jpeg"}
BAD_PHOTO = error_details_pb2.BadRequest(
    field_violations=[error_details_pb2.BadRequest.FieldViolation(field="image.encoded", description="no picture")]
)
LATER = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=3, nanos=200_000_000))


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (
            status(grpc.StatusCode.INVALID_ARGUMENT, "image: no picture", BAD_PHOTO, reason="INVALID_IMAGE"),
            {"status": 422, "reason": "INVALID_IMAGE", "field": "photo", "detail": "image: no picture"},
        ),
        (
            status(grpc.StatusCode.RESOURCE_EXHAUSTED, "queue is full", LATER, reason="QUEUE_FULL"),
            {"status": 503, "reason": "QUEUE_FULL", "retry_after_s": 3.2},
        ),
        (
            status(grpc.StatusCode.DEADLINE_EXCEEDED, "too late", reason="DEADLINE_EXCEEDED", stage="segment"),
            {"status": 504, "reason": "DEADLINE_EXCEEDED", "stage": "segment"},
        ),
        (
            status(grpc.StatusCode.FAILED_PRECONDITION, "another model", reason="MODEL_MISMATCH"),
            {"status": 409, "reason": "MODEL_MISMATCH"},
        ),
        (
            status(grpc.StatusCode.UNAUTHENTICATED, "key k-17 is unknown", reason="UNKNOWN_API_KEY"),
            {"status": 502, "reason": "UNKNOWN_API_KEY"},
        ),
        (
            status(grpc.StatusCode.INTERNAL, "a bug", reason="INTERNAL"),
            {"status": 502, "reason": "INTERNAL"},
        ),
    ],
)
async def test_what_the_gateway_answers_becomes_a_problem(
    shop: httpx.AsyncClient, gateway: FakeGateway, failure: Status, expected: dict[str, object]
) -> None:
    gateway.failures["Search"].append(failure)
    response = await shop.post("/v1/search", content=picture(), headers=JPEG)

    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem == problem | expected
    assert response.status_code == problem["status"]
    assert problem["request_id"]
    if "retry_after_s" in expected:
        assert response.headers["retry-after"] == "4"


async def test_what_is_no_business_of_shoppers_is_not_told(shop: httpx.AsyncClient, gateway: FakeGateway) -> None:
    gateway.failures["Search"].append(status(grpc.StatusCode.UNAUTHENTICATED, "key k-17 is unknown"))
    response = await shop.post("/v1/search", content=picture(), headers=JPEG)
    assert "k-17" not in response.text


async def test_a_gateway_that_is_away_is_told_with_when_to_come_again(open_shop: Open) -> None:
    shop = await open_shop(gateway="127.0.0.1:1")
    response = await shop.get("/v1/items")
    problem = response.json()
    assert (response.status_code, problem["service"], response.headers["retry-after"]) == (503, "gateway", "2")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("DELETE", "/v1/items", 405)])
async def test_what_is_not_offered_is_a_problem_too(
    shop: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await shop.request(method, path)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")


async def test_a_bug_tells_nothing_of_the_inside(shop: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("password 1234")

    monkeypatch.setattr(searching, "search_answer", fail)
    response = await shop.post("/v1/search", content=picture(), headers=JPEG)
    assert (response.status_code, response.json()["reason"]) == (500, "INTERNAL")
    assert "1234" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"
