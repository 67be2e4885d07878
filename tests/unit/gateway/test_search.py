import asyncio
import os
from pathlib import Path
from typing import Any

import grpc
import pytest

from clothing_retrieval.v1 import retrieval_service_pb2 as pb
from clothing_retrieval.v1 import search_service_pb2, segment_service_pb2, types_pb2
from gateway import index, pipeline
from gateway.search import without_cutout
from serving.errors import DeadlineExceeded, InvalidImage, ModelMismatch, NotFound, Overloaded, Unavailable
from tests.samples import sample
from tests.servers import details, health, wait_for_health
from tests.unit.gateway.fake_stages import SIZE, FakeStages, Gateway, gateway, index_of

IMAGE = types_pb2.Image(encoded=b"a photo")


def ids(matches: Any) -> list[str]:
    return [match.item.id for match in matches]


def fails_with(error: Exception) -> Any:
    async def fail(request: Any) -> None:
        raise error

    return fail


async def failed(front: Gateway, request: pb.SearchRequest, **options: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as seen:
        await front.retrieval.Search(request, timeout=20, **options)
    return seen.value


async def test_all_garments_are_embedded_in_one_call_and_queried_in_one_call() -> None:
    async with gateway() as front:
        front.stages.garments = [("top", 0.5), ("pants", 0.3), ("bag", 0.1)]
        response = await front.retrieval.Search(pb.SearchRequest(image=IMAGE, collection="spring", top_k=7))
        assert [result.garment.category for result in response.results] == ["top", "pants", "bag"]
        assert (front.stages.calls["Segment"], front.stages.calls["Embed"], front.stages.calls["Query"]) == (1, 1, 1)
        assert front.stages.last("Segment").cutout_size == SIZE
        assert len(front.stages.last("Embed").images) == 3
        query = front.stages.last("Query")
        assert (query.collection, query.model_digest, query.top_k) == ("spring", front.stages.digest, 7)
        assert query.HasField("max_distance") is False


async def test_alternatives_are_searched_for_where_they_are_asked_for() -> None:
    async with gateway() as front:
        cutout = types_pb2.Pixels(width=SIZE, height=SIZE, rgb=bytes(SIZE * SIZE * 3))
        garments = [
            types_pb2.Garment(category="top", cutout=cutout),
            types_pb2.Garment(category="dress", cutout=cutout, alternative=True),
        ]

        async def segment(request: Any) -> Any:
            return segment_service_pb2.SegmentResponse(garments=garments[: 1 + request.include_alternatives])

        front.stages.on["Segment"] = segment
        plain = await front.retrieval.Search(pb.SearchRequest(image=IMAGE))
        asked = await front.retrieval.Search(pb.SearchRequest(image=IMAGE, include_alternatives=True))
    assert [(each.garment.category, each.garment.alternative) for each in plain.results] == [("top", False)]
    assert [(each.garment.category, each.garment.alternative) for each in asked.results] == [
        ("top", False),
        ("dress", True),
    ]


async def test_an_alternative_of_a_category_found_before_is_another_cutout_of_that_garment() -> None:
    async with gateway() as front:
        cutout = types_pb2.Pixels(width=SIZE, height=SIZE, rgb=bytes(SIZE * SIZE * 3))
        garments = [
            types_pb2.Garment(category=category, cutout=cutout, area=area, alternative=alternative)
            for category, area, alternative in (
                ("top", 0.4, False),
                ("bag", 0.1, False),
                ("dress", 0.6, True),
                ("top", 0.3, True),
                ("dress", 0.2, True),
            )
        ]

        async def segment(request: Any) -> Any:
            return segment_service_pb2.SegmentResponse(garments=garments)

        front.stages.on["Segment"] = segment
        front.stages.matches = [
            [("top's", 0.3), ("both tops'", 0.4)],
            [("both tops'", 0.1), ("other top's", 0.35)],
            [("bag's", 0.5)],
            [("dress's", 0.2)],
            [("dress's", 0.1), ("other dress's", 0.7)],
        ]
        request = pb.SearchRequest(
            image=IMAGE, include_alternatives=True, category_matching=pb.CATEGORY_MATCHING_IGNORE, top_k=2
        )
        response = await front.retrieval.Search(request)
        assert len(front.stages.last("Embed").images) == 5
    found = [(each.garment.category, round(each.garment.area, 1), ids(each.matches)) for each in response.results]
    assert found == [
        ("top", 0.4, ["both tops'", "top's"]),
        ("bag", 0.1, ["bag's"]),
        ("dress", 0.6, ["dress's", "other dress's"]),
    ]
    assert response.results[0].matches[0].distance == pytest.approx(0.1)


@pytest.mark.parametrize("cutouts", [False, True])
@pytest.mark.parametrize("masks", [False, True])
async def test_cutouts_and_masks_come_only_where_they_are_asked_for(cutouts: bool, masks: bool) -> None:
    async with gateway() as front:
        request = pb.SearchRequest(image=IMAGE, include_cutouts=cutouts, include_masks=masks)
        (result,) = (await front.retrieval.Search(request)).results
        assert front.stages.last("Segment").trim_cutouts is not cutouts
    assert result.garment.HasField("cutout") is cutouts
    assert bool(result.garment.mask_png) is masks


async def test_the_whole_image_is_embedded_as_it_is_and_not_segmented() -> None:
    async with gateway() as front:
        front.stages.matches = [[("a", 0.1)]]
        response = await front.retrieval.Search(pb.SearchRequest(image=IMAGE, whole_image=True))
        assert front.stages.calls["Segment"] == 0
        assert front.stages.last("Embed").images[0] == IMAGE
        (probe,) = front.stages.last("Query").probes
        assert not probe.categories
    (result,) = response.results
    assert (result.garment.category, result.garment.area, ids(result.matches)) == ("", 1.0, ["a"])


async def test_where_no_clothing_is_found_the_whole_photo_stands_for_it() -> None:
    async with gateway() as front:
        front.stages.garments = []
        (result,) = (await front.retrieval.Search(pb.SearchRequest(image=IMAGE))).results
        assert front.stages.last("Embed").images[0] == IMAGE
    assert result.garment.category == ""
    assert result.garment.area == 1.0
    assert (result.garment.box.width, result.garment.box.height) == (300, 400)


async def test_the_categories_asked_for_bind_the_parser_and_the_fall_back() -> None:
    async with gateway() as front:
        front.stages.garments = []
        await front.retrieval.Search(pb.SearchRequest(image=IMAGE, categories=["top", "bag"]))
        assert list(front.stages.last("Segment").categories) == ["top", "bag"]
        assert list(front.stages.last("Query").probes[0].categories) == ["top", "bag"]


NEAR, FAR = [("own near", 0.30), ("own far", 0.60)], [("other", 0.25), ("own near", 0.30), ("other far", 0.55)]


@pytest.mark.parametrize(
    ("matching", "probes", "expected"),
    [
        (pb.CATEGORY_MATCHING_STRICT, [["top"]], ["own near", "own far"]),
        (pb.CATEGORY_MATCHING_PREFER, [["top"], []], ["own near", "other", "own far", "other far"]),
        (pb.CATEGORY_MATCHING_UNSPECIFIED, [["top"], []], ["own near", "other", "own far", "other far"]),
        (pb.CATEGORY_MATCHING_IGNORE, [[]], ["other", "own near", "other far"]),
    ],
)
async def test_a_category_is_a_wall_a_preference_or_nothing(
    matching: Any, probes: list[list[str]], expected: list[str]
) -> None:
    async with gateway(category_penalty=0.1) as front:
        front.stages.matches = [NEAR, FAR] if len(probes) == 2 else [NEAR if probes[0] else FAR]
        request = pb.SearchRequest(image=IMAGE, category_matching=matching)
        (result,) = (await front.retrieval.Search(request)).results
        assert [list(probe.categories) for probe in front.stages.last("Query").probes] == probes
    assert ids(result.matches) == expected
    assert {match.item.id: pytest.approx(match.distance) for match in result.matches}.get("other", 0.25) == 0.25


async def test_preferring_finds_no_more_than_were_asked_for() -> None:
    async with gateway() as front:
        front.stages.matches = [NEAR, FAR]
        (result,) = (await front.retrieval.Search(pb.SearchRequest(image=IMAGE, top_k=2))).results
    assert ids(result.matches) == ["own near", "other"]


def confusing(confusion: dict[str, dict[str, float]]) -> FakeStages:
    stages = FakeStages()
    stages.confusion = confusion
    return stages


def asked(query: Any) -> list[list[str]]:
    return [list(probe.categories) for probe in query.probes]


CONFUSION = {"top": {"top": 0.6, "dress": 0.3, "outer": 0.06, "bag": 0.04}}


async def test_items_of_a_category_that_the_parser_confuses_rank_by_how_likely_it_does() -> None:
    async with gateway(confusing(CONFUSION), category_penalty=0.1) as front:
        everywhere = [("bag", 0.42), ("outer", 0.45), ("dress", 0.46), ("own", 0.50)]
        front.stages.matches = [[("own", 0.50)], [("dress", 0.46)], [("outer", 0.45)], everywhere]
        (result,) = (await front.retrieval.Search(pb.SearchRequest(image=IMAGE))).results
        assert asked(front.stages.last("Query")) == [["top"], ["dress"], ["outer"], []]
    # 0.50 + 0, 0.46 + 0.1 · (1 - 0.3 / 0.6), 0.42 + 0.1, 0.45 + 0.1 · (1 - 0.06 / 0.6)
    assert ids(result.matches) == ["own", "dress", "bag", "outer"]
    assert [match.distance for match in result.matches] == pytest.approx([0.50, 0.46, 0.42, 0.45])


@pytest.mark.parametrize(
    ("matching", "expected"), [(pb.CATEGORY_MATCHING_STRICT, [["top"]]), (pb.CATEGORY_MATCHING_IGNORE, [[]])]
)
async def test_what_the_parser_confuses_matters_only_to_prefer(matching: Any, expected: list[list[str]]) -> None:
    async with gateway(confusing(CONFUSION)) as front:
        await front.retrieval.Search(pb.SearchRequest(image=IMAGE, category_matching=matching))
        assert asked(front.stages.last("Query")) == expected


@pytest.mark.parametrize("whole", [True, False])
async def test_the_whole_photo_is_one_probe_whatever_the_parser_confuses(whole: bool) -> None:
    async with gateway(confusing(CONFUSION)) as front:
        front.stages.garments = []
        await front.retrieval.Search(pb.SearchRequest(image=IMAGE, whole_image=whole, categories=["top", "bag"]))
        assert asked(front.stages.last("Query")) == [["top", "bag"]]


@pytest.mark.parametrize(("others", "sizes"), [([], [64, 16]), (["dress", "outer"], [64, 64, 32])])
async def test_a_photo_of_many_garments_is_queried_in_calls_of_64_probes(others: list[str], sizes: list[int]) -> None:
    async def names_each_probe(request: Any) -> Any:
        assert (request.collection, request.top_k, request.max_distance) == ("spring", 4, 0.5)
        names = [f"{index_of(probe.embedding.values)} {''.join(probe.categories)}" for probe in request.probes]
        matches = [types_pb2.Match(item=types_pb2.Item(id=name), distance=0.25) for name in names]
        results = [search_service_pb2.ProbeMatches(matches=[match]) for match in matches]
        return search_service_pb2.QueryResponse(results=results)

    kinds = [f"a kind {number}" for number in range(40)]
    stages = confusing({kind: {kind: 0.4, **dict.fromkeys(others, 0.2)} for kind in kinds})
    async with gateway(stages) as front:
        stages.garments = [(kind, 0.01) for kind in kinds]
        stages.on["Query"] = names_each_probe
        request = pb.SearchRequest(image=IMAGE, collection="spring", top_k=4, max_distance=0.5)
        results = (await front.retrieval.Search(request)).results
    assert [len(query.probes) for method, query in stages.requests if method == "Query"] == sizes
    for number, (kind, result) in enumerate(zip(kinds, results, strict=True)):
        assert ids(result.matches) == [f"{number} {category}" for category in (kind, *others, "")]


async def test_a_photo_of_many_garments_is_embedded_in_calls_of_64_pictures() -> None:
    stages = FakeStages()
    async with gateway(stages) as front:
        stages.garments = [(f"a kind {number}", 0.01) for number in range(130)]
        results = (await front.retrieval.Search(pb.SearchRequest(image=IMAGE))).results
    assert [len(request.images) for method, request in stages.requests if method == "Embed"] == [64, 64, 2]
    assert len(results) == 130


async def test_vectors_of_two_models_are_never_mixed() -> None:
    stages = FakeStages()

    async def changes(request: Any) -> None:
        stages.digest = str(stages.calls["Embed"])

    async with gateway(stages) as front:
        stages.garments = [(f"a kind {number}", 0.01) for number in range(65)]
        stages.on["Embed"] = changes
        with pytest.raises(grpc.aio.AioRpcError, match="embed is changing its model") as failed:
            await front.retrieval.Search(pb.SearchRequest(image=IMAGE))
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_the_callers_distance_holds_even_when_it_is_0_else_the_gateways() -> None:
    async with gateway(max_distance=0.75) as front:
        await front.retrieval.Search(pb.SearchRequest(image=IMAGE))
        assert front.stages.last("Query").max_distance == 0.75
        await front.retrieval.Search(pb.SearchRequest(image=IMAGE, max_distance=0))
        assert front.stages.last("Query").HasField("max_distance")
        assert front.stages.last("Query").max_distance == 0
        await front.retrieval.SearchByItem(pb.SearchByItemRequest(id="a"))
        assert front.stages.last("Query").max_distance == 0.75


@pytest.mark.parametrize("top_k", [101, -1, 2**31 - 1, -(2**31)])
async def test_a_top_k_outside_1_to_100_is_refused_before_any_stage_is_called(top_k: int) -> None:
    async with gateway() as front:
        error = await failed(front, pb.SearchRequest(image=IMAGE, top_k=top_k))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert details(error)["BadRequest"].field_violations[0].field == "top_k"  # type: ignore[attr-defined]
        with pytest.raises(grpc.aio.AioRpcError, match="top_k"):
            await front.retrieval.SearchByItem(pb.SearchByItemRequest(id="a", top_k=top_k))
        assert front.stages.calls["Segment"] == front.stages.calls["Query"] == 0
        await front.retrieval.Search(pb.SearchRequest(image=IMAGE))
        assert front.stages.last("Query").top_k == 5


async def test_it_tells_where_the_time_went() -> None:
    def told() -> dict[str, float]:
        return {stage: sample("clothing_stage_seconds_sum", stage=stage) for stage in ("segment", "embed", "search")}

    async def slow(request: Any) -> None:
        await asyncio.sleep(0.06)

    async with gateway() as front:
        front.stages.on["Embed"] = slow
        before = told()
        times = (await front.retrieval.Search(pb.SearchRequest(image=IMAGE))).stage_times
        waited = {stage: seconds - before[stage] for stage, seconds in told().items()}
    assert waited["embed"] >= 0.06
    assert 0 < waited["segment"] < 0.06
    assert 0 < waited["search"] < 0.06
    assert times.embed.ToMilliseconds() >= 60
    assert 0 < times.segment.ToMicroseconds() < 60_000
    assert 0 < times.query.ToMicroseconds() < 60_000


@pytest.mark.parametrize(("method", "stage"), [("Segment", "segment"), ("Embed", "embed"), ("Query", "search")])
@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (Unavailable("worker", "draining"), "UNAVAILABLE", "UNAVAILABLE"),
        (Overloaded("worker", 64, 1.0), "RESOURCE_EXHAUSTED", "QUEUE_FULL"),
        (DeadlineExceeded("worker"), "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"),
        (NotFound("collection", "spring"), "NOT_FOUND", "COLLECTION_NOT_FOUND"),
        (ModelMismatch("spring", "a", "b"), "FAILED_PRECONDITION", "MODEL_MISMATCH"),
        (RuntimeError("secret"), "INTERNAL", "INTERNAL"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_a_stage_that_fails_fails_the_search_under_its_name(
    method: str, stage: str, error: Exception, code: str, reason: str
) -> None:
    async with gateway() as front:
        front.stages.on[method] = fails_with(error)
        seen = await failed(front, pb.SearchRequest(image=IMAGE))
    assert seen.code().name == code
    assert (seen.details() or "").startswith(f"{stage}: ")
    assert "secret" not in (seen.details() or "")
    info: Any = details(seen)["ErrorInfo"]
    assert (info.reason, info.metadata["stage"]) == (reason, stage)


@pytest.mark.parametrize(("method", "stage"), [("Segment", "segment"), ("Embed", "embed"), ("Query", "search")])
async def test_a_stage_that_takes_too_long_is_named_by_the_deadline_error(method: str, stage: str) -> None:
    async def hangs(request: Any) -> None:
        await asyncio.sleep(30)

    async with gateway(timeout_s=0.3) as front:
        front.stages.on[method] = hangs
        seen = await failed(front, pb.SearchRequest(image=IMAGE))
    assert seen.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert details(seen)["ErrorInfo"].metadata["stage"] == stage  # type: ignore[attr-defined]


async def test_the_callers_deadline_reaches_the_stages_and_ends_their_work() -> None:
    cancelled = asyncio.Event()

    async def hangs(request: Any) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            cancelled.set()

    async with gateway() as front:
        front.stages.on["Embed"] = hangs
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await front.retrieval.Search(pb.SearchRequest(image=IMAGE), timeout=0.2)
        assert seen.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await asyncio.wait_for(cancelled.wait(), 5)


async def test_a_bad_photo_is_named_as_the_callers_field() -> None:
    async with gateway() as front:
        front.stages.on["Segment"] = fails_with(InvalidImage("is empty", "image.encoded"))
        seen = await failed(front, pb.SearchRequest(image=IMAGE))
        assert details(seen)["BadRequest"].field_violations[0].field == "image.encoded"  # type: ignore[attr-defined]
        front.stages.on["Embed"] = fails_with(InvalidImage("is empty", "images[0].encoded"))
        seen = await failed(front, pb.SearchRequest(image=IMAGE, whole_image=True))
        assert seen.details() == "embed: image.encoded: is empty"
        assert details(seen)["BadRequest"].field_violations[0].field == "image.encoded"  # type: ignore[attr-defined]


async def test_a_caller_that_leaves_stops_the_stages_too() -> None:
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def hangs(request: Any) -> None:
        began.set()
        try:
            await asyncio.sleep(30)
        finally:
            cancelled.set()

    async with gateway() as front:
        front.stages.on["Segment"] = hangs
        call = front.retrieval.Search(pb.SearchRequest(image=IMAGE))
        await began.wait()
        call.cancel()
        await asyncio.wait_for(cancelled.wait(), 5)


@pytest.mark.parametrize(("method", "stage"), [("GetSegmentModel", "segment"), ("GetEmbedModel", "embed")])
async def test_a_gateway_that_does_not_serve_says_which_stage_is_missing(
    method: str, stage: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with gateway() as front:
        await wait_for_health(front.channel, "SERVING")
        front.stages.on[method] = fails_with(Unavailable(stage, "away"))
        await wait_for_health(front.channel, "NOT_SERVING")
    assert f"not serving: {stage}: {stage} is away" in caplog.text


async def test_a_gateway_serves_until_no_replica_of_a_stage_can_be_left_that_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def hangs(request: Any) -> None:
        await asyncio.sleep(30)

    monkeypatch.setattr(pipeline, "_CHECK_TIMEOUT_S", 0.1)
    monkeypatch.setattr(pipeline, "_HANGS_S", 2.0)
    async with gateway() as front:
        await wait_for_health(front.channel, "SERVING")
        front.stages.on["GetSegmentModel"] = hangs
        front.stages.calls.clear()
        while front.stages.calls["GetSegmentModel"] < 3:
            assert await health(front.channel) == "SERVING"
            await asyncio.sleep(0.01)
        await wait_for_health(front.channel, "NOT_SERVING")
        front.stages.on.clear()
        await wait_for_health(front.channel, "SERVING")


async def test_searches_wait_for_the_index_while_there_is_room_for_their_photos(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def restarts(request: Any) -> None:
        if front.stages.calls["Query"] <= 6:  # more than a channel tries again by itself
            raise Unavailable("search", "restarting")

    monkeypatch.setattr(index, "_MOST_WAITING_BYTES", 2000)
    async with gateway() as front:
        await wait_for_health(front.channel, "SERVING")
        front.stages.on["Query"] = restarts
        seen = await failed(front, pb.SearchRequest(image=types_pb2.Image(encoded=bytes(2000))))
        assert seen.details() == "search: search is restarting"
        front.stages.calls.clear()
        await front.retrieval.Search(pb.SearchRequest(image=types_pb2.Image(encoded=bytes(1000))), timeout=20)
        front.stages.calls.clear()
        with_cutout = pb.SearchRequest(image=types_pb2.Image(encoded=bytes(1900)), include_cutouts=True)
        assert (await failed(front, with_cutout)).code() is grpc.StatusCode.UNAVAILABLE


def test_garments_hold_no_cutouts_of_the_answer_that_they_came_in() -> None:
    def resident_bytes() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    cutout = types_pb2.Pixels(width=1000, height=1000, rgb=bytes(3_000_000))
    before, held = resident_bytes(), []
    for _ in range(40):
        answer = segment_service_pb2.SegmentResponse(garments=[types_pb2.Garment(category="top", cutout=cutout)])
        held.append(without_cutout(answer.garments[0]))
    assert resident_bytes() - before < 40_000_000
    assert all(garment == types_pb2.Garment(category="top") for garment in held)


async def test_search_by_item_asks_around_the_item() -> None:
    async with gateway() as front:
        front.stages.matches = [[("b", 0.2)]]
        request = pb.SearchByItemRequest(collection="spring", id="a", top_k=3, max_distance=0.5)
        response = await front.retrieval.SearchByItem(request)
        query = front.stages.last("Query")
        assert ids(response.matches) == ["b"]
        assert (query.collection, query.probes[0].item_id, query.top_k, query.max_distance) == ("spring", "a", 3, 0.5)
        assert query.model_digest == ""


async def test_the_pipeline_tells_the_models_and_the_collections() -> None:
    async with gateway() as front:
        front.stages.collections = {"spring": {}, "autumn": {}}
        response = await front.retrieval.GetPipeline(pb.GetPipelineRequest())
        assert (response.segment_model.name, response.embed_model.name) == ("parser", "embedder")
        assert [collection.name for collection in response.collections] == ["spring", "autumn"]
        front.stages.digest = "f" * 64
        response = await front.retrieval.GetPipeline(pb.GetPipelineRequest())
        assert response.embed_model.digest == "f" * 64
