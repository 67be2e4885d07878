"""The segment service on a parser that labels by colour, over real calls."""

import asyncio
import functools
import hashlib
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from PIL import Image

from benchmarks.stand_in import load
from clothing_retrieval.v1 import segment_service_pb2 as pb
from clothing_retrieval.v1 import segment_service_pb2_grpc, types_pb2
from segment_service.garments import Garment, Rules
from segment_service.settings import Settings
from segment_service.worker import SegmentWorker
from tests.engines import COLOURS, GARMENTS, PARSER_SIZE, write_parser
from tests.pictures import encoded, message, photo, raster
from tests.samples import sample
from tests.servers import AT_ONCE, channel_to, details, serving

TOP = ("top", (40, 40, 120, 100))
PANTS = ("pants", (40, 120, 120, 240))


@asynccontextmanager
async def segment_service(models: Path, **settings: Any) -> AsyncIterator[segment_service_pb2_grpc.SegmentServiceStub]:
    worker = SegmentWorker(Settings(models_dir=str(models), **{**AT_ONCE, **settings}))
    async with serving(worker) as address, channel_to(address) as channel:
        yield segment_service_pb2_grpc.SegmentServiceStub(channel)


@pytest.fixture
async def stub(tmp_path: Path) -> AsyncIterator[segment_service_pb2_grpc.SegmentServiceStub]:
    write_parser(tmp_path)
    async with segment_service(tmp_path) as stub:
        yield stub


def near(box: types_pb2.Box, left: int, top: int, right: int, bottom: int, within: int = 9) -> bool:
    """Whether a box is this one, within a cell of the grid."""
    corners = (box.x, box.y, box.x + box.width, box.y + box.height)
    return all(abs(a - b) <= within for a, b in zip(corners, (left, top, right, bottom), strict=True))


async def test_each_garment_comes_with_its_category_box_and_area(stub: Any) -> None:
    response = await stub.Segment(pb.SegmentRequest(image=message(photo(TOP, PANTS))))
    assert [garment.category for garment in response.garments] == ["pants", "top"]
    assert (response.image_width, response.image_height) == (192, 256)
    assert near(response.garments[0].box, *PANTS[1])
    assert near(response.garments[1].box, *TOP[1])
    assert response.garments[1].area == pytest.approx(80 * 60 / (192 * 256), rel=0.2)
    assert response.garments[0].confidence > 0.9
    assert not response.garments[0].HasField("cutout")
    assert not response.garments[0].mask_png
    assert len(response.model_digest) == 64


async def test_what_is_small_in_the_photo_is_looked_at_again(tmp_path: Path) -> None:
    write_parser(tmp_path)
    image = message(photo(("top", (340, 380, 440, 460)), ("pants", (370, 470, 410, 520)), size=(768, 1024)))
    found = {}
    for looks, closer in (("one", float("inf")), ("two", 1.4)):
        async with segment_service(tmp_path, closer_look=closer) as stub:
            found[looks] = (await stub.Segment(pb.SegmentRequest(image=image))).garments
    assert [garment.category for garment in found["one"]] == ["top"]
    assert [garment.category for garment in found["two"]] == ["top", "pants"]
    assert near(found["two"][0].box, 340, 380, 440, 460, within=3)
    assert found["two"][1].area == pytest.approx(40 * 50 / (768 * 1024), rel=0.2)


async def test_alternatives_come_where_they_are_asked_for(stub: Any) -> None:
    picture = photo(PANTS)
    between = tuple((a + b) // 2 for a, b in zip(COLOURS["top"], COLOURS["pants"], strict=True))
    picture.paste(between, (40, 80, 120, 120))
    plain = (await stub.Segment(pb.SegmentRequest(image=message(picture)))).garments
    assert [(garment.category, garment.alternative) for garment in plain] == [("pants", False)]
    request = pb.SegmentRequest(image=message(picture), include_alternatives=True, cutout_size=60)
    whole, pants, top = (await stub.Segment(request)).garments
    assert (whole.category, whole.alternative) == ("pants", False)
    assert near(whole.box, 40, 80, 120, 240)
    assert (pants.category, pants.alternative, top.category, top.alternative) == ("pants", True, "top", True)
    assert near(pants.box, *PANTS[1])
    assert near(top.box, 40, 80, 120, 120)
    assert top.HasField("cutout")
    request.categories.append("top")
    assert [garment.category for garment in (await stub.Segment(request)).garments] == ["top"]


async def test_a_photo_without_clothing_has_no_garments(stub: Any) -> None:
    response = await stub.Segment(pb.SegmentRequest(image=message(photo())))
    assert list(response.garments) == []
    assert (response.image_width, response.image_height) == (192, 256)


async def test_a_cutout_has_the_size_asked_for_and_shows_the_garment_on_white(stub: Any) -> None:
    response = await stub.Segment(pb.SegmentRequest(image=message(photo(TOP)), cutout_size=60))
    cutout = response.garments[0].cutout
    assert (cutout.width, cutout.height, len(cutout.rgb)) == (60, 60, 60 * 60 * 3)
    pixels = np.frombuffer(cutout.rgb, np.uint8).reshape(60, 60, 3)
    assert tuple(pixels[30, 30]) == COLOURS["top"]
    assert (pixels[0] == 255).all()
    # The last fifth above and below the 4:3 garment is white, its edge off by at most one cell.
    assert (pixels[:3] == 255).all()


async def test_a_trimmed_cutout_is_the_same_without_white_above_and_below(stub: Any) -> None:
    request = pb.SegmentRequest(image=message(photo(TOP)), cutout_size=60)
    square = (await stub.Segment(request)).garments[0].cutout
    request.trim_cutouts = True
    trimmed = (await stub.Segment(request)).garments[0].cutout
    assert (trimmed.width, trimmed.height) == (60, pytest.approx(43, abs=4))
    rows, above = trimmed.height, (60 - trimmed.height) // 2
    assert square.rgb[60 * 3 * above : 60 * 3 * (above + rows)] == trimmed.rgb


async def test_a_mask_is_a_1_bit_png_of_the_photos_size(stub: Any) -> None:
    response = await stub.Segment(pb.SegmentRequest(image=message(photo(TOP)), include_masks=True))
    mask = Image.open(io.BytesIO(response.garments[0].mask_png))
    assert (mask.format, mask.mode, mask.size) == ("PNG", "1", (192, 256))
    inside = np.zeros((256, 192), bool)
    inside[40:100, 40:120] = True
    assert (np.asarray(mask) ^ inside).mean() < 0.03


async def test_what_is_left_of_a_photo_past_its_deadline_is_not_cut_out(
    stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cutout, cut = Garment.cutout, []

    def slowly(garment: Garment, *wanted: Any) -> Any:
        cut.append(garment.category)
        time.sleep(0.4)
        return cutout(garment, *wanted)

    monkeypatch.setattr(Garment, "cutout", slowly)
    garments = [("dress", (10, 10, 60, 60)), ("bag", (100, 10, 150, 60)), TOP, PANTS]
    request = pb.SegmentRequest(image=message(photo(*garments)), cutout_size=60)
    with pytest.raises(grpc.aio.AioRpcError) as seen:
        await stub.Segment(request, timeout=0.6)
    assert seen.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.sleep(1)
    assert len(cut) < len(garments)


@pytest.mark.parametrize("size", [(640, 200), (200, 640), (96, 128), (500, 500)])
async def test_boxes_are_right_in_photos_of_any_shape(stub: Any, size: tuple[int, int]) -> None:
    width, height = size
    box = (width // 4, height // 4, width * 3 // 4, height * 3 // 4)
    response = await stub.Segment(pb.SegmentRequest(image=message(photo(("dress", box), size=size))))
    cell = max(height / PARSER_SIZE[0], width / PARSER_SIZE[1]) * 4
    assert [garment.category for garment in response.garments] == ["dress"]
    assert near(response.garments[0].box, *box, within=round(cell) + 1)
    assert response.garments[0].area == pytest.approx(0.25, rel=0.25)


@pytest.mark.parametrize("orientation", [1, 6, 8])
async def test_boxes_and_masks_lie_in_the_upright_original_of_a_turned_and_reduced_jpeg(
    stub: Any, orientation: int
) -> None:
    upright = photo(("dress", (400, 200, 1200, 1400)), size=(1600, 2000))
    turns = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = upright.transpose(turns[orientation]) if orientation in turns else upright
    data = encoded(stored, "JPEG", exif=exif, quality=90)
    response = await stub.Segment(
        pb.SegmentRequest(image=types_pb2.Image(encoded=data), include_masks=True, cutout_size=100)
    )
    (dress,) = response.garments
    assert (response.image_width, response.image_height) == (1600, 2000)
    assert near(dress.box, 400, 200, 1200, 1400, within=70)
    mask = np.asarray(Image.open(io.BytesIO(dress.mask_png)))
    assert mask.shape == (2000, 1600)
    assert mask[300:1300, 500:1100].all()
    assert not mask[1500:].any()
    np.testing.assert_allclose(
        np.frombuffer(dress.cutout.rgb, np.uint8).reshape(100, 100, 3)[50, 50], COLOURS["dress"], atol=6
    )


async def test_only_the_categories_asked_for_are_answered(stub: Any) -> None:
    response = await stub.Segment(pb.SegmentRequest(image=message(photo(TOP, PANTS)), categories=["top", "bag"]))
    assert [garment.category for garment in response.garments] == ["top"]


async def test_the_callers_confidence_holds_instead_of_the_services(tmp_path: Path) -> None:
    write_parser(tmp_path)
    unsure = Image.new("RGB", (192, 256), "white")
    between = [round(0.52 * top + 0.48 * skin) for top, skin in zip(COLOURS["top"], COLOURS["skin"], strict=True)]
    unsure.paste(tuple(between), TOP[1])
    async with segment_service(tmp_path, min_confidence=0.95) as stub:
        request = pb.SegmentRequest(image=message(unsure))
        assert not (await stub.Segment(request)).garments
        request.min_confidence = 0.3
        assert (await stub.Segment(request)).garments


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("categories", ["top", "spacesuit"]),
        ("categories", ["skin"]),
        ("min_confidence", 1.5),
        ("min_confidence", -0.1),
        ("min_confidence", float("nan")),
        ("cutout_size", -1),
        ("cutout_size", 769),
    ],
)
async def test_a_bad_field_is_refused_by_name(stub: Any, field: str, value: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as seen:
        await stub.Segment(pb.SegmentRequest(image=message(photo()), **{field: value}))
    assert seen.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    (violation,) = details(seen.value)["BadRequest"].field_violations  # type: ignore[attr-defined]
    assert violation.field.startswith(field)


async def test_a_bad_image_is_refused_and_the_next_photo_answered(stub: Any) -> None:
    for image in (types_pb2.Image(), types_pb2.Image(encoded=b"text"), message(photo(size=(15, 15)))):
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await stub.Segment(pb.SegmentRequest(image=image))
        assert seen.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert (await stub.Segment(pb.SegmentRequest(image=message(photo(TOP))))).garments


async def test_the_longest_photo_that_is_allowed_is_answered_with_its_mask(stub: Any) -> None:
    for size in ((50_000, 40), (40, 50_000)):
        box = (0, 0, size[0] // 2, size[1] // 2)
        image = message(photo(("dress", box), size=size))
        response = await stub.Segment(pb.SegmentRequest(image=image, include_masks=True, cutout_size=64))
        assert (response.image_width, response.image_height) == size


async def test_a_raster_is_segmented_like_a_file(stub: Any) -> None:
    pixels = raster(photo(TOP))
    image = types_pb2.Image(pixels=types_pb2.Pixels(width=192, height=256, rgb=pixels.tobytes()))
    from_raster = await stub.Segment(pb.SegmentRequest(image=image))
    assert from_raster == await stub.Segment(pb.SegmentRequest(image=message(photo(TOP))))


async def test_many_photos_at_once_each_get_their_own_answer(tmp_path: Path) -> None:
    write_parser(tmp_path)
    async with segment_service(tmp_path, max_batch=4, max_delay_ms=2) as stub:
        labels = [GARMENTS[number % len(GARMENTS)] for number in range(40)]
        photos = [message(photo((label, (40, 40, 140, 200)))) for label in labels]
        responses = await asyncio.gather(*(stub.Segment(pb.SegmentRequest(image=image)) for image in photos))
    assert [response.garments[0].category for response in responses] == labels


async def test_beyond_its_queue_it_refuses_at_once_with_a_time_to_retry_after(tmp_path: Path) -> None:
    write_parser(tmp_path)
    async with segment_service(tmp_path, queue=1) as stub:
        calls = [stub.Segment(pb.SegmentRequest(image=message(photo(TOP)))) for _ in range(20)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
        assert 0 < len(refused) < 20
        assert {error.code() for error in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert details(refused[0])["RetryInfo"].retry_delay.ToMilliseconds() >= 50  # type: ignore[attr-defined]
        assert (await stub.Segment(pb.SegmentRequest(image=message(photo(TOP))))).garments


async def test_a_photo_that_cannot_be_done_in_time_is_refused_before_it_is_decoded() -> None:
    settings = Settings(**AT_ONCE)
    worker = SegmentWorker(settings, functools.partial(load, settings, service_s=0.5))
    async with serving(worker) as address, channel_to(address) as channel:
        stub = segment_service_pb2_grpc.SegmentServiceStub(channel)
        await stub.Segment(pb.SegmentRequest(image=message(photo(TOP))))
        with pytest.raises(grpc.aio.AioRpcError, match="cannot be met in stage 'segment'"):
            await stub.Segment(pb.SegmentRequest(image=types_pb2.Image(encoded=b"no picture")), timeout=0.4)


async def test_of_many_photos_few_are_decoded_at_a_time() -> None:
    settings = Settings(**AT_ONCE)
    worker = SegmentWorker(settings, functools.partial(load, settings, service_s=0.5))
    async with serving(worker) as address, channel_to(address) as channel:
        stub = segment_service_pb2_grpc.SegmentServiceStub(channel)
        before = sample("clothing_decode_seconds_count", stage="segment")
        calls = [stub.Segment(pb.SegmentRequest(image=message(photo(TOP)))) for _ in range(8)]
        await asyncio.wait([asyncio.ensure_future(call) for call in calls], return_when=asyncio.FIRST_COMPLETED)
        # One in the only engine and one beside it; then the next, as soon as one is done.
        assert 1 <= sample("clothing_decode_seconds_count", stage="segment") - before <= 3
        for call in calls:
            call.cancel()


async def test_imports_shut_no_search_out(tmp_path: Path) -> None:
    write_parser(tmp_path)
    image = message(photo(TOP))
    async with segment_service(tmp_path, queue=20) as stub:
        imports = [stub.Segment(pb.SegmentRequest(image=image, background=True)) for _ in range(40)]
        searches = [stub.Segment(pb.SegmentRequest(image=image)) for _ in range(20)]
        assert all(response.garments for response in await asyncio.gather(*searches))
        await asyncio.gather(*imports, return_exceptions=True)
        assert grpc.StatusCode.RESOURCE_EXHAUSTED in [await call.code() for call in imports]


async def test_it_tells_its_model(stub: Any) -> None:
    model = (await stub.GetSegmentModel(pb.GetSegmentModelRequest())).model
    assert (model.name, model.version, list(model.categories)) == ("clothing-parser", "1", list(GARMENTS))
    assert not model.confusions


async def test_its_digest_is_the_files_unless_settings_change_what_it_finds(tmp_path: Path) -> None:
    file = write_parser(tmp_path) / "model.onnx"
    usual: list[dict[str, float]] = [{}, {"max_batch": 2}, {"slack": Rules.slack}]
    others = [{name: 1.5 if name == "closer_look" else 0.3} for name in vars(Rules())]
    digests = []
    for settings in (*usual, *others):
        async with segment_service(tmp_path, **settings) as stub:
            digests.append((await stub.GetSegmentModel(pb.GetSegmentModelRequest())).model.digest)
            assert (await stub.Segment(pb.SegmentRequest(image=message(photo(TOP))))).model_digest == digests[-1]
    assert set(digests[: len(usual)]) == {hashlib.sha256(file.read_bytes()).hexdigest()}
    assert len(set(digests)) == 1 + len(others)
    assert Settings(garments="top").tuning()


async def test_it_tells_what_its_parser_takes_for_what(tmp_path: Path) -> None:
    write_parser(tmp_path, confusion={"dress": {"dress": 0.6, "top": 0.2}, "bag": {"bag": 1}})
    async with segment_service(tmp_path) as stub:
        model = (await stub.GetSegmentModel(pb.GetSegmentModelRequest())).model
    assert [(one.predicted, one.actual, one.share) for one in model.confusions] == [
        ("dress", "dress", pytest.approx(0.6)),
        ("dress", "top", pytest.approx(0.2)),
        ("bag", "bag", 1.0),
    ]
