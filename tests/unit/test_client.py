import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import numpy as np
import PIL.Image
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from opentelemetry import trace

from clothing_retrieval import AsyncClient, Client, Deadlines, NewItem, calls, errors
from clothing_retrieval.v1.retrieval_service_pb2 import ImportItemsRequest
from clothing_retrieval.v1.types_pb2 import Image, Item
from tests.fake_gateway import FakeGateway, picture, refusal, status

UNAVAILABLE = status(grpc.StatusCode.UNAVAILABLE, "embed is draining", reason="UNAVAILABLE", service="embed")


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    with FakeGateway() as gateway:
        yield gateway


@pytest.fixture
def client(gateway: FakeGateway) -> Iterator[Client]:
    with Client(gateway.target, api_key="secret") as client:
        yield client


@pytest.fixture
async def async_client(gateway: FakeGateway) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(gateway.target, api_key="secret") as client:
        yield client


def test_search_sends_a_file_as_it_is(gateway: FakeGateway, client: Client, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(picture())

    response = client.search(photo, top_k=3, max_distance=0.0, include_masks=True)

    request = gateway.requests[0]
    assert request.image.encoded == photo.read_bytes()
    assert (request.top_k, request.max_distance, request.include_masks) == (3, 0.0, True)
    assert [found.garment.category for found in response.results] == ["dress", "bag"]


def test_a_caller_that_has_a_span_of_opentelemetry_hands_its_trace_on(gateway: FakeGateway, client: Client) -> None:
    span = trace.NonRecordingSpan(trace.SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=trace.TraceFlags(1)))
    with trace.use_span(span):
        client.search(picture())
        list(client.import_items([]))
    client.search(picture())
    within = f"00-{0xABC:032x}-{0xDEF:016x}-01"
    assert [metadata.get("traceparent") for metadata in gateway.metadata] == [within, within, None]


def test_an_absent_max_distance_is_not_zero(gateway: FakeGateway, client: Client) -> None:
    client.search(picture())
    assert not gateway.requests[0].HasField("max_distance")


def test_a_pillow_picture_is_sent_upright_and_on_white() -> None:
    turned = PIL.Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    turned.getexif()[0x0112] = 6

    message = calls.image_message(turned)

    assert (message.pixels.width, message.pixels.height) == (1, 2)
    assert message.pixels.rgb == b"\xff" * 6


def test_a_large_pillow_picture_is_sent_as_a_jpeg() -> None:
    large = PIL.Image.fromarray(np.zeros((2400, 2400, 3), np.uint8))
    with PIL.Image.open(io.BytesIO(calls.image_message(large).encoded)) as sent:
        assert (sent.format, sent.size) == ("JPEG", large.size)


def test_a_message_is_sent_as_it_is() -> None:
    message = Image(encoded=b"x")
    assert calls.image_message(message) is message


def test_a_photo_larger_than_a_message_is_refused_here(client: Client) -> None:
    with pytest.raises(errors.InvalidArgument, match="31 is the most") as caught:
        client.search(bytes(32 * 2**20))
    assert caught.value.field == "image"


def test_every_call_bears_the_key_a_request_id_and_a_deadline(gateway: FakeGateway, client: Client) -> None:
    client.get_pipeline()
    client.search(picture(), timeout_s=5)
    list(client.import_items([]))

    assert {metadata["x-api-key"] for metadata in gateway.metadata} == {"secret"}
    assert len({metadata["x-request-id"] for metadata in gateway.metadata}) == 3
    assert gateway.deadlines == pytest.approx([10, 5, 3600], rel=0.01)


def test_deadlines_can_be_set_for_all_calls(gateway: FakeGateway) -> None:
    with Client(gateway.target, deadlines=Deadlines(read_s=2)) as client:
        client.list_collections()
    assert gateway.deadlines == pytest.approx([2], rel=0.1)


def test_a_read_is_repeated_while_the_gateway_is_away(gateway: FakeGateway, client: Client) -> None:
    gateway.failures["Search"].extend([UNAVAILABLE] * 2)
    assert client.search(picture()).results
    assert len(gateway.requests) == 3


def test_a_write_is_not_repeated(gateway: FakeGateway, client: Client) -> None:
    gateway.failures["DeleteItems"].append(UNAVAILABLE)
    with pytest.raises(errors.Unavailable) as caught:
        client.delete_items(["a"])
    assert caught.value.service == "embed"
    assert len(gateway.requests) == 1


def test_a_refused_field_is_named(gateway: FakeGateway, client: Client) -> None:
    violation = error_details_pb2.BadRequest.FieldViolation(field="top_k", description="is 101")
    detail = error_details_pb2.BadRequest(field_violations=[violation])
    gateway.failures["Search"].append(
        status(grpc.StatusCode.INVALID_ARGUMENT, "top_k: is 101", detail, reason="INVALID_FIELD")
    )
    with pytest.raises(errors.InvalidArgument, match="top_k: is 101") as caught:
        client.search(picture())
    assert (caught.value.field, caught.value.reason) == ("top_k", "INVALID_FIELD")
    assert caught.value.request_id == gateway.metadata[0]["x-request-id"]


def test_a_full_queue_says_when_to_come_back(gateway: FakeGateway, client: Client) -> None:
    detail = error_details_pb2.RetryInfo(retry_delay=Duration(nanos=250_000_000))
    gateway.failures["Search"].append(status(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", detail, reason="QUEUE_FULL"))
    with pytest.raises(errors.ResourceExhausted) as caught:
        client.search(picture())
    assert caught.value.retry_after_s == 0.25
    assert isinstance(caught.value, errors.TransientError)


def test_what_does_not_exist_is_named(client: Client) -> None:
    with pytest.raises(errors.NotFound) as caught:
        client.get_item("nothing")
    assert (caught.value.kind, caught.value.name) == ("item", "nothing")


def test_a_status_without_a_class_of_its_own_keeps_its_code() -> None:
    error = errors.from_status(status(grpc.StatusCode.DATA_LOSS, "lost"))
    assert type(error) is errors.RetrievalError
    assert error.code is grpc.StatusCode.DATA_LOSS


def test_an_unreachable_gateway_is_unavailable_without_a_service() -> None:
    with Client("127.0.0.1:1") as client, pytest.raises(errors.Unavailable) as caught:
        client.get_pipeline()
    assert (caught.value.service, caught.value.reason) == ("", "")


def test_items_are_imported_and_answered_one_by_one(gateway: FakeGateway, client: Client) -> None:
    bad = status(grpc.StatusCode.INVALID_ARGUMENT, "no picture", reason="INVALID_IMAGE")
    gateway.on_import = lambda request: refusal("b", bad) if request.item.id == "b" else None

    answers = list(client.import_items((NewItem(Item(id=id), [picture()]) for id in "abc"), collection="shop"))

    assert [answer.id for answer in answers] == ["a", "b", "c"]
    assert str(errors.from_status(answers[1].status)) == "no picture"
    assert {request.collection for request in gateway.requests} == {"shop"}


def test_an_import_takes_no_more_of_its_source_than_was_asked_for(client: Client) -> None:
    taken = 0

    def source() -> Iterator[NewItem]:
        nonlocal taken
        for taken in range(1, 10_001):
            yield NewItem(Item(id=str(taken)), [bytes(100_000)])

    answers = client.import_items(source())
    next(answers)
    answers.close()
    assert taken < 500


def test_what_the_source_raises_is_raised_after_the_answers(gateway: FakeGateway, client: Client) -> None:
    def source() -> Iterator[ImportItemsRequest]:
        yield ImportItemsRequest(item=Item(id="a"))
        raise FileNotFoundError("b.jpg")

    answers = client.import_items(source())
    assert next(answers).id == "a"
    with pytest.raises(FileNotFoundError, match=r"b\.jpg"):
        next(answers)


def test_items_are_listed_over_all_pages(gateway: FakeGateway, client: Client) -> None:
    gateway.items = {f"{number:03}": Item(id=f"{number:03}") for number in range(25)}
    assert [item.id for item in client.list_items(page_size=10)] == sorted(gateway.items)
    assert len(gateway.requests) == 3


def test_the_catalogue_is_tended(gateway: FakeGateway, client: Client) -> None:
    gateway.items = {id: Item(id=id, title=id.upper()) for id in "abc"}
    gateway.pictures = {"a": b"jpeg"}
    assert client.get_item("a").title == "A"
    assert client.get_picture("a") == b"jpeg"
    assert [match.item.id for match in client.search_by_item("a", top_k=1).matches] == ["b"]
    assert client.delete_items(["a", "z"]) == 1
    assert client.set_alias("live", "default") == "before"
    assert [collection.name for collection in client.list_collections()] == ["default"]
    client.delete_collection("default")
    assert not gateway.items


def test_wait_ready_returns_when_the_gateway_serves(gateway: FakeGateway, client: Client) -> None:
    client.wait_ready(5)


def test_wait_ready_tells_a_gateway_that_is_not_ready_from_none(gateway: FakeGateway, client: Client) -> None:
    gateway.serving(False)
    with pytest.raises(errors.Unavailable, match="answers, but is not ready") as caught:
        client.wait_ready(1)
    assert caught.value.service == "gateway"
    with Client("127.0.0.1:1") as nobody, pytest.raises(errors.Unavailable, match="does not answer") as caught:
        nobody.wait_ready(0.2)
    assert caught.value.service == ""


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("10.0.0.1:5", "dns:///10.0.0.1:5"),
        ("gateway", "dns:///gateway:50050"),
        ("[::1]:7", "dns:///[::1]:7"),
        ("unix:/run/gateway", "unix:/run/gateway"),
        ("dns:///gateway:5", "dns:///gateway:5"),
    ],
)
def test_targets_become_names(target: str, name: str) -> None:
    assert calls.channel_target(target) == name


async def test_the_async_client_searches(gateway: FakeGateway, async_client: AsyncClient) -> None:
    await async_client.wait_ready(5)
    response = await async_client.search(picture())
    assert len(response.results) == 2
    assert gateway.metadata[-1]["x-api-key"] == "secret"


async def test_the_async_client_raises_the_same_errors(gateway: FakeGateway, async_client: AsyncClient) -> None:
    with pytest.raises(errors.NotFound) as caught:
        await async_client.get_picture("nothing")
    assert (caught.value.kind, caught.value.reason) == ("picture", "PICTURE_NOT_FOUND")


async def test_the_async_client_imports_from_either_kind_of_iterable(
    gateway: FakeGateway, async_client: AsyncClient
) -> None:
    async def source() -> AsyncIterator[NewItem]:
        for id in "abc":
            yield NewItem(Item(id=id), [picture()])

    assert [answer.id async for answer in async_client.import_items(source())] == ["a", "b", "c"]
    again = async_client.import_items([NewItem(Item(id="a"), [picture()])])
    assert [answer.outcome async for answer in again] == [3]
    assert [item.id async for item in async_client.list_items(page_size=2)] == ["a", "b", "c"]


async def test_the_async_client_tends_the_catalogue(gateway: FakeGateway, async_client: AsyncClient) -> None:
    gateway.items = {id: Item(id=id) for id in "abc"}
    gateway.pictures = {"a": b"jpeg"}
    assert (await async_client.get_item("a")).id == "a"
    assert await async_client.get_picture("a") == b"jpeg"
    assert len((await async_client.search_by_item("a")).matches) == 2
    assert await async_client.delete_items(["a"]) == 1
    assert await async_client.set_alias("live", "default") == "before"
    assert len(await async_client.list_collections()) == 1
    assert (await async_client.get_pipeline()).embed_model.digest == "bb"
    await async_client.delete_collection("default")


async def test_the_async_client_raises_what_the_source_raises_after_the_answers(async_client: AsyncClient) -> None:
    def source() -> Iterator[NewItem]:
        yield NewItem(Item(id="a"), [picture()])
        raise FileNotFoundError("b.jpg")

    answers = async_client.import_items(source())
    assert (await anext(answers)).id == "a"
    with pytest.raises(FileNotFoundError, match=r"b\.jpg"):
        await anext(answers)


async def test_the_async_client_lets_go_of_the_source_when_the_stream_breaks(
    gateway: FakeGateway, async_client: AsyncClient
) -> None:
    ended = asyncio.Event()

    async def source() -> AsyncIterator[NewItem]:
        try:
            yield NewItem(Item(id="a"), [picture()])
            await asyncio.Event().wait()
        finally:
            ended.set()

    gateway.on_import = lambda request: UNAVAILABLE
    with pytest.raises(errors.Unavailable):
        await anext(async_client.import_items(source()))
    assert ended.is_set()
