"""A photo in, the nearest items out: all four services over real sockets, with models of known answers."""

import asyncio
import io
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from clothing_retrieval.v1 import catalog_service_pb2, types_pb2
from clothing_retrieval.v1 import retrieval_service_pb2 as pb
from serving.images import ImageLimits, decode, fit_square
from tests.engines import SIDE, expected_embedding
from tests.pictures import message, photo, striped
from tests.servers import details, health, wait_for_health
from tests.stack import Stack, item, running

BANDS = {
    f"{label} {name} {at}": striped(label, colour, at)
    for label in ("top", "pants")
    for name, colour in {"black": (0, 0, 0), "white": (255, 255, 255)}.items()
    for at in (0, 40, 80, 120)
}
"""Sixteen items: two kinds of garment, each with a dark or a light band at one of four heights."""


async def with_bands(stack: Stack, **fields: Any) -> None:
    answers = await stack.load(*(item(name, picture, **fields) for name, picture in BANDS.items()))
    assert {answer.outcome for answer in answers.values()} == {pb.IMPORT_OUTCOME_CREATED}


def ids(result: pb.GarmentMatches) -> list[str]:
    return [match.item.id for match in result.matches]


async def test_each_item_is_the_nearest_to_its_own_picture(stack: Stack) -> None:
    await with_bands(stack)
    for name, picture in BANDS.items():
        (result,) = (await stack.find(picture)).results
        assert ids(result)[0] == name
        assert result.matches[0].distance == pytest.approx(0, abs=1e-3)
        distances = [match.distance for match in result.matches]
        assert distances == sorted(distances)
        assert len(distances) == 5
        assert result.garment.category == name.split()[0]


async def test_each_garment_of_a_photo_finds_its_own_matches(stack: Stack) -> None:
    await with_bands(stack)
    both = Image.new("RGB", (192, 512), "white")
    both.paste(BANDS["top black 40"], (0, 0))
    both.paste(BANDS["pants white 80"], (0, 256))
    response = await stack.find(both, category_matching=pb.CATEGORY_MATCHING_STRICT, include_masks=True)
    found = {result.garment.category: result for result in response.results}
    assert ids(found["top"])[0] == "top black 40"
    assert ids(found["pants"])[0] == "pants white 80"
    assert all(name.startswith("top") for name in ids(found["top"]))
    assert found["pants"].garment.box.y > found["top"].garment.box.y + 200
    assert Image.open(io.BytesIO(found["top"].garment.mask_png)).size == (192, 512)


def whole(picture: Image.Image) -> NDArray[np.float32]:
    """What the embed service makes of a picture."""
    decoded = decode(message(picture), ImageLimits(decoded_side=SIDE))
    return expected_embedding(fit_square(decoded.pixels, SIDE))


async def test_distances_are_euclidean_between_the_embedders_vectors(stack: Stack) -> None:
    pictures = {name: picture for name, picture in BANDS.items() if name.startswith("top")}
    await stack.load(*(item(name, picture, whole_image=True) for name, picture in pictures.items()))
    (result,) = (await stack.find(BANDS["pants black 0"], whole_image=True, top_k=8)).results
    probe = whole(BANDS["pants black 0"])
    expected = {name: float(np.linalg.norm(whole(picture) - probe)) for name, picture in pictures.items()}
    assert {match.item.id: match.distance for match in result.matches} == pytest.approx(expected, abs=1e-4)
    assert ids(result) == sorted(expected, key=lambda name: expected[name])
    near = sorted(expected.values())[2] + 1e-4
    (bounded,) = (await stack.find(BANDS["pants black 0"], whole_image=True, top_k=8, max_distance=near)).results
    assert ids(bounded) == ids(result)[:3]


async def test_a_photo_without_clothing_is_searched_as_a_whole_and_says_so(stack: Stack) -> None:
    await with_bands(stack)
    (result,) = (await stack.find(photo(size=(100, 60)))).results
    assert result.garment.category == ""
    assert (result.garment.box.width, result.garment.box.height, result.garment.area) == (100, 60, 1.0)
    assert len(result.matches) == 5


async def test_the_category_matching_asked_for_holds_and_prefer_is_the_default(stack: Stack) -> None:
    await with_bands(stack)
    probe = striped("top", (0, 0, 0), 40)
    strict, prefer, ignore, default = [
        ids((await stack.find(probe, top_k=16, category_matching=matching)).results[0])
        for matching in (
            pb.CATEGORY_MATCHING_STRICT,
            pb.CATEGORY_MATCHING_PREFER,
            pb.CATEGORY_MATCHING_IGNORE,
            pb.CATEGORY_MATCHING_UNSPECIFIED,
        )
    ]
    assert len(strict) == 8
    assert all(name.startswith("top") for name in strict)
    assert len(prefer) == len(ignore) == 16
    assert default == prefer


async def test_a_filter_keeps_the_items_that_meet_it(stack: Stack) -> None:
    await stack.load(
        *(
            item(name, picture, price=number * 10.0, gender="unisex")
            for number, (name, picture) in enumerate(BANDS.items())
        )
    )
    condition = types_pb2.Condition(field="price", range=types_pb2.Range(min=20, max=50))
    response = await stack.find(
        BANDS["top black 0"], top_k=16, filter=types_pb2.Filter(all_of=[condition]),
        category_matching=pb.CATEGORY_MATCHING_IGNORE,
    )  # fmt: skip
    assert {match.item.price for match in response.results[0].matches} == {20, 30, 40, 50}


async def test_searching_by_item_leaves_the_item_out(stack: Stack) -> None:
    await with_bands(stack)
    response = await stack.retrieval.SearchByItem(pb.SearchByItemRequest(id="top black 0", top_k=15))
    found = [match.item.id for match in response.matches]
    assert "top black 0" not in found
    assert len(found) == 15


async def test_an_import_run_again_changes_nothing_and_costs_no_model_time(stack: Stack) -> None:
    await with_bands(stack)
    before = served("Segment"), served("Embed")
    answers = await stack.load(*(item(name, picture) for name, picture in BANDS.items()))
    assert {answer.outcome for answer in answers.values()} == {pb.IMPORT_OUTCOME_UNCHANGED}
    assert (served("Segment"), served("Embed")) == before
    answers = await stack.load(*(item(name, picture, title="new") for name, picture in list(BANDS.items())[:2]))
    assert {answer.outcome for answer in answers.values()} == {pb.IMPORT_OUTCOME_UPDATED}
    assert served("Segment") == before[0] + 2


def served(method: str) -> float:
    from prometheus_client import REGISTRY

    service = f"/clothing_retrieval.v1.{method}Service/{method}"
    return REGISTRY.get_sample_value("clothing_rpc_calls_total", {"method": service, "code": "OK"}) or 0.0


async def test_a_bad_item_is_answered_with_its_error_and_the_rest_is_stored(stack: Stack) -> None:
    answers = await stack.load(
        item("good", BANDS["top black 0"]), item("text", b"no picture"), item("none"), item("", BANDS["top black 0"])
    )
    assert answers["good"].outcome == pb.IMPORT_OUTCOME_CREATED
    for name in ("text", "none", ""):
        assert (answers[name].outcome, answers[name].status.code) == (pb.IMPORT_OUTCOME_FAILED, 3)
    listed = await stack.catalog.ListItems(catalog_service_pb2.ListItemsRequest())
    assert [found.id for found in listed.items] == ["good"]


async def test_an_item_of_several_pictures_is_found_by_each_and_tells_which(stack: Stack) -> None:
    pictures = [BANDS["top black 0"], BANDS["top white 120"]]
    await stack.load(item("both", *pictures), item("other", BANDS["top black 80"]))
    for view, picture in enumerate(pictures):
        (match, _) = (await stack.find(picture)).results[0].matches
        assert (match.item.id, match.view) == ("both", view)


async def test_collections_are_apart_and_an_alias_leads_to_one(stack: Stack) -> None:
    await stack.load(item("a", BANDS["top black 0"], collection="spring"))
    await stack.load(item("b", BANDS["top black 0"], collection="autumn"))
    assert ids((await stack.find(BANDS["top black 0"], collection="spring")).results[0]) == ["a"]
    await stack.catalog.SetAlias(catalog_service_pb2.SetAliasRequest(alias="live", collection="autumn"))
    assert ids((await stack.find(BANDS["top black 0"], collection="live")).results[0]) == ["b"]
    pipeline = await stack.retrieval.GetPipeline(pb.GetPipelineRequest())
    assert {collection.name for collection in pipeline.collections} == {"spring", "autumn"}
    assert pipeline.embed_model.input_size == SIDE


async def test_a_small_picture_stored_with_an_item_comes_back(stack: Stack) -> None:
    await stack.load(item("a", BANDS["top black 0"], picture_jpeg=b"a small jpeg"))
    picture = await stack.catalog.GetPicture(catalog_service_pb2.GetPictureRequest(id="a"))
    assert picture.jpeg == b"a small jpeg"


async def test_deleted_items_are_found_no_more_and_can_be_imported_again(stack: Stack) -> None:
    await with_bands(stack)
    await stack.catalog.DeleteItems(catalog_service_pb2.DeleteItemsRequest(ids=["top black 0"]))
    assert "top black 0" not in ids((await stack.find(BANDS["top black 0"], top_k=16)).results[0])
    answers = await stack.load(item("top black 0", BANDS["top black 0"]))
    assert answers["top black 0"].outcome == pb.IMPORT_OUTCOME_CREATED


async def test_many_callers_at_once_each_get_their_own_answer(stack: Stack) -> None:
    await with_bands(stack)
    names = list(BANDS) * 3
    answers = await asyncio.gather(*(stack.find(BANDS[name], top_k=1) for name in names))
    assert [ids(answer.results[0]) for answer in answers] == [[name] for name in names]


@pytest.mark.parametrize("stage", ["segment", "embed", "search"])
async def test_a_stage_that_is_away_fails_the_search_under_its_name_and_the_gateways_health(
    stack: Stack, stage: str
) -> None:
    await with_bands(stack)
    gateway = stack.channels["gateway"]
    assert await health(gateway) == "SERVING"
    await stack.servers[stage].stop()
    with pytest.raises(grpc.aio.AioRpcError) as seen:
        await stack.find(BANDS["top black 0"])
    assert seen.value.code() is grpc.StatusCode.UNAVAILABLE
    assert details(seen.value)["ErrorInfo"].metadata["stage"] == stage  # type: ignore[attr-defined]
    await wait_for_health(gateway, "NOT_SERVING", "clothing_retrieval.v1.RetrievalService")


async def test_stored_items_outlive_the_servers(known_models: Path, tmp_path: Path) -> None:
    async with running(known_models, tmp_path) as stack:
        await with_bands(stack)
    async with running(known_models, tmp_path) as stack:
        assert ids((await stack.find(BANDS["top black 0"])).results[0])[0] == "top black 0"
        answers = await stack.load(*(item(name, picture) for name, picture in BANDS.items()))
        assert {answer.outcome for answer in answers.values()} == {pb.IMPORT_OUTCOME_UNCHANGED}


async def test_every_stage_answers_directly_too(stack: Stack) -> None:
    from clothing_retrieval.v1 import embed_service_pb2, search_service_pb2, segment_service_pb2

    segmented = await stack.segment.Segment(
        segment_service_pb2.SegmentRequest(image=message(BANDS["top black 0"]), cutout_size=SIDE)
    )
    pictures = [types_pb2.Image(pixels=garment.cutout) for garment in segmented.garments]
    embedded = await stack.embed.Embed(embed_service_pb2.EmbedRequest(images=pictures))
    await with_bands(stack)
    probes = [search_service_pb2.Probe(embedding=embedding) for embedding in embedded.embeddings]
    queried = await stack.search.Query(
        search_service_pb2.QueryRequest(model_digest=embedded.model_digest, probes=probes)
    )
    assert queried.results[0].matches[0].item.id == "top black 0"
