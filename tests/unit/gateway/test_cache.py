from typing import Any

import pytest

from clothing_retrieval.v1 import retrieval_service_pb2 as pb
from clothing_retrieval.v1 import types_pb2
from gateway.cache import Cache, Seen, key_of
from tests.unit.gateway.fake_stages import FakeStages, Gateway, gateway

PHOTO = types_pb2.Image(encoded=b"a photo")
ROOM = 4000


def seen(name: str = "top", padding: int = 0) -> Seen:
    garment = types_pb2.Garment(category=name, mask_png=bytes(padding))
    return Seen([garment], [types_pb2.Embedding(values=[1.0, 0.0])], "s", "e")


def test_what_was_kept_is_found_as_it_was_and_apart_from_who_changes_it() -> None:
    cache = Cache(ROOM)
    cache.keep(b"1", seen())
    found = cache.find(b"1")
    assert found == seen()
    assert found is not None
    found.garments[0].category = "hat"
    assert cache.find(b"1") == seen()
    assert cache.find(b"2") is None


def test_the_photo_that_was_not_asked_for_the_longest_goes_first() -> None:
    cache = Cache(ROOM)
    for key in (b"1", b"2", b"3"):
        cache.keep(key, seen())
    assert cache.find(b"1")
    cache.keep(b"4", seen())
    assert [key for key in (b"1", b"2", b"3", b"4") if cache.find(key)] == [b"1", b"3", b"4"]


def test_a_photo_kept_again_takes_its_room_once() -> None:
    cache = Cache(ROOM)
    cache.keep(b"1", seen())
    for _ in range(5):
        cache.keep(b"2", seen())
    assert cache.find(b"1")


def test_what_is_larger_than_all_the_room_is_not_kept_and_drives_nothing_out() -> None:
    cache = Cache(ROOM)
    cache.keep(b"1", seen())
    cache.keep(b"2", seen(padding=ROOM))
    assert cache.find(b"1")
    assert cache.find(b"2") is None


@pytest.mark.parametrize(
    "change",
    [
        {"image": types_pb2.Image(encoded=b"another")},
        {"image": types_pb2.Image(pixels=types_pb2.Pixels(width=1, height=1, rgb=b"rgb"))},
        {"categories": ["top"]},
        {"whole_image": True},
        {"include_cutouts": True},
        {"include_masks": True},
        {"include_alternatives": True},
    ],
)
def test_what_changes_the_models_answers_is_another_key(change: dict[str, Any]) -> None:
    request = pb.SearchRequest(image=PHOTO)
    changed = pb.SearchRequest(image=PHOTO)
    for name, value in change.items():
        changed.MergeFrom(pb.SearchRequest(**{name: value}))
    assert key_of(changed, "s", "e") != key_of(request, "s", "e")


@pytest.mark.parametrize(
    "change",
    [
        {"collection": "spring"},
        {"top_k": 9},
        {"max_distance": 0.5},
        {"category_matching": pb.CATEGORY_MATCHING_STRICT},
        {"filter": types_pb2.Filter(all_of=[types_pb2.Condition(field="gender")])},
    ],
)
def test_what_only_the_index_is_asked_is_the_same_key(change: dict[str, Any]) -> None:
    request = pb.SearchRequest(image=PHOTO)
    assert key_of(pb.SearchRequest(image=PHOTO, **change), "s", "e") == key_of(request, "s", "e")


def test_other_models_are_another_key() -> None:
    request = pb.SearchRequest(image=PHOTO)
    assert len({key_of(request, *digests) for digests in (("s", "e"), ("s2", "e"), ("s", "e2"))}) == 3


async def searched(front: Gateway, **asked: Any) -> pb.SearchResponse:
    request = pb.SearchRequest(image=PHOTO, **asked)
    response: pb.SearchResponse = await front.retrieval.Search(request, timeout=20)
    return response


def calls(stages: FakeStages) -> list[int]:
    return [stages.calls[name] for name in ("Segment", "Embed", "Query")]


async def test_a_photo_that_comes_again_costs_only_the_query() -> None:
    async with gateway() as front:
        front.stages.garments = [("top", 0.5), ("pants", 0.3)]
        first = await searched(front)
        front.stages.matches = [[("new", 0.1)]]
        again = await searched(front, top_k=9)
        assert calls(front.stages) == [1, 1, 2]
    assert [each.garment for each in again.results] == [each.garment for each in first.results]
    assert [match.item.id for match in again.results[0].matches] == ["new"]
    assert not again.stage_times.segment.ToNanoseconds()
    assert again.stage_times.query.ToNanoseconds()


async def test_cutouts_come_again_where_they_are_asked_for() -> None:
    async with gateway() as front:
        plain = await searched(front)
        cut = await searched(front, include_cutouts=True)
        again = await searched(front, include_cutouts=True)
        assert calls(front.stages) == [2, 2, 3]
    assert [response.results[0].garment.HasField("cutout") for response in (plain, cut, again)] == [False, True, True]


async def test_the_models_are_asked_again_where_the_cache_is_skipped_or_off() -> None:
    async with gateway() as front:
        await searched(front)
        await searched(front, skip_cache=True)
        assert calls(front.stages) == [2, 2, 2]
    async with gateway(cache_bytes=0) as front:
        await searched(front)
        await searched(front)
        assert calls(front.stages) == [2, 2, 2]


async def test_a_model_that_was_changed_is_never_answered_for_by_the_old_one() -> None:
    async with gateway() as front:
        await searched(front)
        front.stages.digest = "f" * 64
        await front.retrieval.GetPipeline(pb.GetPipelineRequest())  # the gateway hears of it
        await searched(front)
        assert front.stages.last("Query").model_digest == "f" * 64
        assert calls(front.stages) == [2, 2, 2]


async def test_what_came_of_models_in_the_middle_of_a_change_is_not_kept() -> None:
    async with gateway() as front:
        stages = front.stages
        known = stages.digest

        async def changed(request: Any) -> None:
            stages.digest = "f" * 64

        stages.on["Embed"] = changed
        await searched(front)
        stages.digest = known
        del stages.on["Embed"]
        await searched(front)
        assert calls(stages) == [2, 2, 2]
