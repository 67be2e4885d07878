import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
import pytest
from google.rpc import code_pb2

from clothing_retrieval.v1 import retrieval_service_pb2 as pb
from clothing_retrieval.v1 import types_pb2
from gateway.imports import answer_each
from serving.errors import InvalidField, InvalidImage, ModelMismatch, StreamSilent, Unavailable
from tests.samples import sample
from tests.servers import details, unpacked
from tests.unit.gateway.fake_stages import FakeStages, Gateway, gateway

CREATED, UPDATED = pb.IMPORT_OUTCOME_CREATED, pb.IMPORT_OUTCOME_UPDATED
UNCHANGED, FAILED = pb.IMPORT_OUTCOME_UNCHANGED, pb.IMPORT_OUTCOME_FAILED


def item(name: str, *images: bytes, **fields: Any) -> pb.ImportItemsRequest:
    pictures = [types_pb2.Image(encoded=data) for data in images or (b"a picture",)]
    rest = {key: fields.pop(key) for key in ("whole_image", "picture_jpeg") if key in fields}
    return pb.ImportItemsRequest(collection="spring", item=types_pb2.Item(id=name, **fields), images=pictures, **rest)


async def run_import(front: Gateway, *requests: pb.ImportItemsRequest) -> dict[str, pb.ImportItemsResponse]:
    answers = [answer async for answer in front.retrieval.ImportItems(iter(requests), timeout=30)]
    assert len(answers) == len(requests)
    return {answer.id: answer for answer in answers}


def outcomes(answers: dict[str, pb.ImportItemsResponse]) -> dict[str, Any]:
    return {name: answer.outcome for name, answer in answers.items()}


async def test_every_item_is_answered_once_and_stored() -> None:
    async with gateway() as front:
        names = [f"item {number}" for number in range(100)]
        answers = await run_import(front, *map(item, names))
        assert outcomes(answers) == dict.fromkeys(names, CREATED)
        assert set(front.stages.collections["spring"]) == set(names)
    assert all(answer.status.code == code_pb2.OK for answer in answers.values())


async def test_an_import_is_work_in_the_background_and_a_search_is_not() -> None:
    async with gateway() as front:
        await run_import(front, item("a"))
        assert front.stages.last("Segment").background
        assert front.stages.last("Embed").background
        await front.retrieval.Search(pb.SearchRequest(image=types_pb2.Image(encoded=b"a photo"), collection="spring"))
        assert not front.stages.last("Segment").background
        assert not front.stages.last("Embed").background


async def test_an_empty_import_ends_at_once() -> None:
    async with gateway() as front:
        assert await run_import(front) == {}


async def test_unchanged_items_cost_no_model_time() -> None:
    async with gateway() as front:
        await run_import(front, item("a"), item("b"))
        front.stages.calls.clear()
        assert outcomes(await run_import(front, item("a"), item("b"))) == {"a": UNCHANGED, "b": UNCHANGED}
        assert front.stages.calls["Segment"] == front.stages.calls["Embed"] == front.stages.calls["UpsertItems"] == 0


@pytest.mark.parametrize(
    "change",
    [
        item("a", b"another picture"),
        item("a", b"a picture", b"a second"),
        item("a", title="another title"),
        item("a", price=5.0),
        item("a", price=0.0),
        item("a", whole_image=True),
        item("a", picture_jpeg=b"small"),
        item("a", attributes={"colour": "red"}),
    ],
    ids=["picture", "pictures", "title", "price", "price 0", "whole image", "small picture", "attributes"],
)
async def test_whatever_changes_in_an_item_it_is_stored_anew(change: pb.ImportItemsRequest) -> None:
    async with gateway() as front:
        await run_import(front, item("a"))
        assert outcomes(await run_import(front, change)) == {"a": UPDATED}


async def test_the_order_of_attributes_and_the_time_of_an_update_are_no_change() -> None:
    first, second = item("a", attributes={"x": "1", "y": "2"}), item("a", attributes={"y": "2", "x": "1"})
    second.item.update_time.GetCurrentTime()
    async with gateway() as front:
        await run_import(front, first)
        assert outcomes(await run_import(front, second)) == {"a": UNCHANGED}


async def test_another_model_makes_every_item_new() -> None:
    async with gateway() as front:
        await run_import(front, item("a"))
        front.stages.digest = "f" * 64
        await front.retrieval.GetPipeline(pb.GetPipelineRequest())
        assert outcomes(await run_import(front, item("a"))) == {"a": UPDATED}


@pytest.mark.parametrize(("method", "digest"), [("Segment", "parser_digest"), ("Embed", "digest")])
async def test_an_item_is_known_by_the_models_that_it_was_made_by(method: str, digest: str) -> None:
    async def is_changed(request: Any) -> None:
        setattr(front.stages, digest, "f" * 64)

    async with gateway() as front:
        await front.retrieval.GetPipeline(pb.GetPipelineRequest())
        front.stages.on[method] = is_changed
        assert outcomes(await run_import(front, item("a"))) == {"a": CREATED}
        await front.retrieval.GetPipeline(pb.GetPipelineRequest())
        assert outcomes(await run_import(front, item("a"))) == {"a": UNCHANGED}


async def test_an_item_that_two_models_cut_out_is_made_anew_the_next_time() -> None:
    async def differs(request: Any) -> None:
        front.stages.parser_digest = known if request.image.encoded == b"one" else "f" * 64

    async with gateway() as front:
        known = front.stages.parser_digest
        front.stages.on["Segment"] = differs
        await run_import(front, item("a", b"one", b"two"))
        front.stages.on.clear()
        front.stages.parser_digest = known
        await front.retrieval.GetPipeline(pb.GetPipelineRequest())
        assert outcomes(await run_import(front, item("a", b"one", b"two"))) == {"a": UPDATED}
        assert outcomes(await run_import(front, item("a", b"one", b"two"))) == {"a": UNCHANGED}


async def test_an_item_whose_embedder_goes_on_changing_fails_and_is_not_stored() -> None:
    async def changes(request: Any) -> None:
        front.stages.digest = str(front.stages.calls["Embed"])

    async with gateway(import_item_timeout_s=1) as front:
        front.stages.on["Embed"] = changes
        (answer,) = (await run_import(front, item("a"))).values()
        assert front.stages.calls["UpsertItems"] == 0
    assert (answer.status.code, answer.status.message) == (code_pb2.UNAVAILABLE, "embed is changing its model")


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (item(""), "item.id"),
        (item("x" * 129), "item.id"),
        (pb.ImportItemsRequest(item=types_pb2.Item(id="none")), "images"),
        (item("many", *[b"p"] * 17), "images"),
        (item("heavy", picture_jpeg=bytes(65_537)), "picture_jpeg"),
        (pb.ImportItemsRequest(), "item.id"),
    ],
    ids=["no id", "long id", "no picture", "many pictures", "heavy picture", "nothing"],
)
async def test_a_bad_item_is_answered_with_its_own_error_and_stops_no_other(
    bad: pb.ImportItemsRequest, field: str
) -> None:
    async with gateway() as front:
        answers = await run_import(front, item("a"), bad, item("b"))
    answer = answers[bad.item.id]
    assert (answer.outcome, answer.status.code) == (FAILED, code_pb2.INVALID_ARGUMENT)
    assert unpacked(answer.status)["BadRequest"].field_violations[0].field == field  # type: ignore[attr-defined]
    assert outcomes(answers) == {"a": CREATED, "b": CREATED, bad.item.id: FAILED}


async def test_items_are_counted_by_how_they_ended() -> None:
    def counts() -> list[float]:
        return [
            sample("clothing_imported_items_total", outcome=outcome)
            for outcome in ("created", "updated", "unchanged", "failed")
        ]

    before = counts()
    async with gateway() as front:
        await run_import(front, item("a"), item("b"), item("c"), item(""))
        await run_import(front, item("a"), item("b"), item("c", title="New"))
    assert [after - was for was, after in zip(before, counts(), strict=True)] == [3, 1, 2, 1]


async def test_a_bad_picture_is_named_by_its_place_in_the_item() -> None:
    async def refuses(request: Any) -> None:
        if request.image.encoded == b"bad":
            raise InvalidImage("is empty", "image.encoded")

    async with gateway() as front:
        front.stages.on["Segment"] = refuses
        answers = await run_import(front, item("a", b"good", b"good", b"bad"))
    violation = unpacked(answers["a"].status)["BadRequest"].field_violations[0]  # type: ignore[attr-defined]
    assert violation.field == "images[2].encoded"


async def test_a_collection_of_another_model_fails_its_items_with_both_digests() -> None:
    async def refuses(request: Any) -> None:
        raise ModelMismatch("spring", "a" * 64, "b" * 64)

    async with gateway() as front:
        front.stages.on["UpsertItems"] = refuses
        answers = await run_import(front, item("a"))
    assert answers["a"].status.code == code_pb2.FAILED_PRECONDITION
    info: Any = unpacked(answers["a"].status)["ErrorInfo"]
    assert info.metadata["expected_digest"] == "a" * 64


async def test_a_bad_collection_name_is_told_as_the_callers_field() -> None:
    async def refuses(request: Any) -> None:
        raise InvalidField("name", "is not made of a-z")

    async with gateway() as front:
        front.stages.on["CreateCollection"] = refuses
        answers = await run_import(front, item("a"))
    violation = unpacked(answers["a"].status)["BadRequest"].field_violations[0]  # type: ignore[attr-defined]
    assert violation.field == "collection"


async def test_the_largest_garment_of_the_items_own_category_is_embedded() -> None:
    async with gateway() as front:
        front.stages.garments = [("pants", 0.5), ("top", 0.3), ("top", 0.2)]
        answers = await run_import(front, item("a", category="T-Shirts"))
        (stored,) = front.stages.collections["spring"].values()
    assert (answers["a"].garments[0].category, answers["a"].garments[0].area) == ("top", pytest.approx(0.3))
    assert stored.item.category == "T-Shirts"
    assert [view.category for view in stored.views] == ["top"]


async def test_an_item_without_a_category_gets_the_largest_garments() -> None:
    async with gateway() as front:
        front.stages.garments = [("pants", 0.5), ("top", 0.3)]
        await run_import(front, item("a"))
        (stored,) = front.stages.collections["spring"].values()
    assert stored.item.category == "pants"
    assert [view.category for view in stored.views] == ["pants"]


async def test_where_no_garment_is_found_the_picture_itself_is_embedded() -> None:
    async with gateway() as front:
        front.stages.garments = []
        answers = await run_import(front, item("a", category="sofa"))
        assert front.stages.last("Embed").images[0].encoded == b"a picture"
        (stored,) = front.stages.collections["spring"].values()
    assert answers["a"].outcome == CREATED
    assert answers["a"].garments[0].area == 1.0
    assert [view.category for view in stored.views] == [""]


async def test_whole_images_are_embedded_as_they_are() -> None:
    async with gateway() as front:
        await run_import(front, item("a", b"one", b"two", whole_image=True))
        assert front.stages.calls["Segment"] == 0
        assert [image.encoded for image in front.stages.last("Embed").images] == [b"one", b"two"]


async def test_answers_bear_the_garments_without_their_cutouts() -> None:
    async with gateway() as front:
        (garment,) = (await run_import(front, item("a")))["a"].garments
    assert garment.category == "top"
    assert not garment.HasField("cutout")


async def test_no_more_than_the_limit_are_worked_on_at_a_time() -> None:
    at_once = most = 0
    four = asyncio.Barrier(4)  # where fewer are worked on, the import never ends

    async def counts(request: Any) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await four.wait()
        at_once -= 1

    async with gateway(import_in_flight=4) as front:
        front.stages.on["Segment"] = counts
        await run_import(front, *(item(f"item {number}") for number in range(40)))
    assert most == 4


def away(times: int) -> Any:
    """Fails as a worker does that restarts, some times."""

    async def restarts(request: Any) -> None:
        nonlocal times
        times -= 1
        if times >= 0:
            raise Unavailable("worker", "restarting")

    return restarts


async def test_it_waits_for_any_stage_that_restarts() -> None:
    async def while_away(method: str) -> None:
        async with gateway() as front:
            front.stages.on[method] = away(times=6)  # more than a channel tries again by itself
            assert outcomes(await run_import(front, item("a"))) == {"a": CREATED}, method

    methods = ("GetFingerprints", "CreateCollection", "Segment", "Embed", "UpsertItems")
    await asyncio.gather(*map(while_away, methods))


async def test_it_waits_for_the_models_of_workers_that_are_still_away_at_the_start() -> None:
    stages = FakeStages()
    stages.on["GetEmbedModel"] = away(times=12)
    async with gateway(stages) as front:  # it never saw the models
        assert outcomes(await run_import(front, item("a"))) == {"a": CREATED}


async def test_an_item_that_waits_too_long_fails_with_the_stage_and_the_others_go_on() -> None:
    async def stays_away(request: Any) -> None:
        if request.image.encoded == b"slow":
            raise Unavailable("worker", "away")

    async with gateway(import_item_timeout_s=0.5) as front:
        front.stages.on["Segment"] = stays_away
        answers = await run_import(front, item("slow", b"slow"), item("b"))
    assert answers["slow"].status.code in (code_pb2.UNAVAILABLE, code_pb2.DEADLINE_EXCEEDED)
    assert "segment" in answers["slow"].status.message
    assert answers["b"].outcome == CREATED


async def test_a_stream_that_its_caller_breaks_leaves_no_task_and_no_call_behind() -> None:
    working, cancelled = asyncio.Semaphore(0), 0

    async def hangs(request: Any) -> None:
        nonlocal cancelled
        working.release()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled += 1
            raise

    async with gateway(import_in_flight=3) as front:
        await front.retrieval.GetPipeline(pb.GetPipelineRequest())
        before = asyncio.all_tasks()
        front.stages.on["Segment"] = hangs
        stream = front.retrieval.ImportItems(iter([item(name) for name in "abcdef"]))
        for _ in range(3):
            await working.acquire()
        stream.cancel()
        async with asyncio.timeout(10):
            while cancelled < 3 or any("imports" in repr(task) for task in asyncio.all_tasks() - before):
                await asyncio.sleep(0.01)
        front.stages.on.clear()
        assert outcomes(await run_import(front, item("a"))) == {"a": CREATED}


async def numbered(count: int, broken_by: Exception | None = None) -> AsyncIterator[pb.ImportItemsRequest]:
    for number in range(count):
        yield item(str(number))
    if broken_by:
        raise broken_by


async def answer(request: pb.ImportItemsRequest) -> pb.ImportItemsResponse:
    await asyncio.sleep(0)
    return pb.ImportItemsResponse(id=request.item.id, outcome=CREATED)


def names(answers: Iterable[pb.ImportItemsResponse]) -> list[str]:
    return sorted((answer.id for answer in answers), key=int)


@pytest.mark.parametrize("in_flight", [1, 3, 50])
async def test_any_number_in_flight_answers_each_once(in_flight: int) -> None:
    answers = [found async for found in answer_each(numbered(20), answer, in_flight)]
    assert names(answers) == [str(number) for number in range(20)]


async def test_a_bug_with_one_item_tells_nothing_of_the_inside_and_stops_no_other() -> None:
    async def work(request: pb.ImportItemsRequest) -> pb.ImportItemsResponse:
        if request.item.id == "1":
            raise KeyError("the inside")
        return await answer(request)

    found = {each.id: each.status async for each in answer_each(numbered(3), work, 2)}
    assert {name: status.code for name, status in found.items()} == {
        "0": code_pb2.OK,
        "1": code_pb2.INTERNAL,
        "2": code_pb2.OK,
    }
    assert "inside" not in found["1"].message


async def test_what_breaks_the_request_stream_is_raised_after_the_answers_to_what_came_before() -> None:
    answers = []
    with pytest.raises(OSError, match="cut"):
        async for found in answer_each(numbered(5, OSError("cut")), answer, 3):
            answers.append(found)
    assert names(answers) == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("in_flight", [1, 3])
async def test_a_stream_on_which_nothing_comes_ends_after_the_answers_to_what_came(in_flight: int) -> None:
    async def then_silent() -> AsyncIterator[pb.ImportItemsRequest]:
        async for request in numbered(5):
            yield request
        await asyncio.Event().wait()

    answers = []
    async with asyncio.timeout(20):
        with pytest.raises(StreamSilent, match=r"nothing came for 0\.2 s"):
            async for found in answer_each(then_silent(), answer, in_flight, silence_s=0.2):
                answers.append(found)
    assert names(answers) == ["0", "1", "2", "3", "4"]


async def test_a_silent_stream_is_told_so_and_makes_room_for_others() -> None:
    async with gateway(import_silence_s=2, import_streams=1) as front:
        silent = front.retrieval.ImportItems(timeout=20)
        await silent.write(item("a"))
        assert (await silent.read()).outcome == CREATED
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await run_import(front, item("b"))
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await silent.read()
        assert outcomes(await run_import(front, item("b"))) == {"b": CREATED}
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert ended.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert details(ended.value)["ErrorInfo"].reason == "STREAM_SILENT"  # type: ignore[attr-defined]


async def test_a_reader_that_is_slow_holds_back_the_requests() -> None:
    taken = 0

    async def endless() -> AsyncIterator[pb.ImportItemsRequest]:
        nonlocal taken
        while True:
            taken += 1
            yield item(str(taken))

    answers = answer_each(endless(), answer, 4)
    await anext(answers)
    for _ in range(200):
        await asyncio.sleep(0)
    assert taken <= 1 + 4 + 4 + 1
    before = asyncio.all_tasks()
    await answers.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert len(before) > 1


async def test_a_reader_that_is_cancelled_while_it_waits_leaves_no_task_behind() -> None:
    async def never(request: pb.ImportItemsRequest) -> pb.ImportItemsResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async def read() -> None:
        async for _ in answer_each(numbered(10), never, 4):
            pass

    reading = asyncio.create_task(read())
    for _ in range(20):
        await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait([reading])
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_call_of_another_kind_than_the_stream_is_untouched_by_a_running_import() -> None:
    async def hangs(request: Any) -> None:
        await asyncio.sleep(30)

    async with gateway() as front:
        front.stages.on["UpsertItems"] = hangs
        stream = front.retrieval.ImportItems(iter([item("a")]))
        await front.retrieval.Search(pb.SearchRequest(image=types_pb2.Image(encoded=b"a photo")), timeout=10)
        stream.cancel()
        with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError)):
            await stream.read()
