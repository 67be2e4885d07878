"""The embed service on an embedder of mean colours, over real calls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from clothing_retrieval.v1 import embed_service_pb2 as pb
from clothing_retrieval.v1 import embed_service_pb2_grpc, types_pb2
from embed_service.settings import Settings
from embed_service.worker import EmbedWorker
from serving.images import fit_square
from tests.engines import DIMENSION, SIDE, expected_embedding, write_embedder
from tests.pictures import encoded, message, noise, photo, raster
from tests.servers import AT_ONCE, channel_to, details, serving


@asynccontextmanager
async def embed_service(models: Path, **settings: Any) -> AsyncIterator[embed_service_pb2_grpc.EmbedServiceStub]:
    worker = EmbedWorker(Settings(models_dir=str(models), **{**AT_ONCE, **settings}))
    async with serving(worker) as address, channel_to(address) as channel:
        yield embed_service_pb2_grpc.EmbedServiceStub(channel)


@pytest.fixture
async def stub(tmp_path: Path) -> AsyncIterator[embed_service_pb2_grpc.EmbedServiceStub]:
    write_embedder(tmp_path)
    async with embed_service(tmp_path) as stub:
        yield stub


def cutout(seed: int, side: int = SIDE) -> types_pb2.Image:
    pixels = raster(noise(side, side, seed))
    return types_pb2.Image(pixels=types_pb2.Pixels(width=side, height=side, rgb=pixels.tobytes()))


def vectors(response: pb.EmbedResponse) -> Any:
    return np.array([embedding.values for embedding in response.embeddings])


async def test_each_picture_gets_its_own_unit_vector_in_the_order_they_came(stub: Any) -> None:
    response = await stub.Embed(pb.EmbedRequest(images=[cutout(seed) for seed in range(64)]))
    expected = [expected_embedding(raster(noise(SIDE, SIDE, seed))) for seed in range(64)]
    np.testing.assert_allclose(vectors(response), expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors(response), axis=1), 1, atol=1e-5)


async def test_the_digest_of_the_answer_is_the_models(stub: Any) -> None:
    model = (await stub.GetEmbedModel(pb.GetEmbedModelRequest())).model
    assert (model.dimension, model.input_size) == (DIMENSION, SIDE)
    assert (await stub.Embed(pb.EmbedRequest(images=[cutout(0)]))).model_digest == model.digest


async def test_files_and_rasters_of_any_shape_are_fitted_to_a_white_square(stub: Any) -> None:
    pictures = [photo(("top", (0, 0, width, height)), size=(width, height)) for width, height in ((64, 32), (20, 90))]
    rasters = [
        types_pb2.Image(pixels=types_pb2.Pixels(width=p.width, height=p.height, rgb=raster(p).tobytes()))
        for p in pictures
    ]
    response = await stub.Embed(pb.EmbedRequest(images=[*map(message, pictures), *rasters]))
    expected = [expected_embedding(fit_square(raster(picture), SIDE)) for picture in pictures]
    np.testing.assert_allclose(vectors(response), expected * 2, atol=1e-5)


async def test_a_trimmed_cutout_has_the_vector_of_the_square_one(stub: Any) -> None:
    square = np.full((SIDE, SIDE, 3), 255, np.uint8)
    square[:, 5 : SIDE - 5] = raster(noise(SIDE - 10, SIDE, 1))
    images = [
        types_pb2.Image(pixels=types_pb2.Pixels(width=each.shape[1], height=SIDE, rgb=each.tobytes()))
        for each in (square, square[:, 5 : SIDE - 5])
    ]
    whole, trimmed = (await stub.Embed(pb.EmbedRequest(images=images))).embeddings
    assert whole == trimmed


async def test_a_large_jpeg_is_embedded_as_its_small_copy(stub: Any) -> None:
    large = photo(("top", (300, 300, 900, 900)), size=(1200, 1200))
    response = await stub.Embed(pb.EmbedRequest(images=[types_pb2.Image(encoded=encoded(large, "JPEG", quality=95))]))
    small = expected_embedding(fit_square(raster(large), SIDE))
    assert float(vectors(response)[0] @ small) > 0.999


@pytest.mark.parametrize("count", [0, 65])
async def test_too_few_or_too_many_pictures_are_refused(stub: Any, count: int) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match=f"images: has {count} pictures, 1 to 64") as seen:
        await stub.Embed(pb.EmbedRequest(images=[cutout(0)] * count))
    assert seen.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (types_pb2.Image(), "images[2]"),
        (types_pb2.Image(encoded=b"text"), "images[2].encoded"),
        (types_pb2.Image(pixels=types_pb2.Pixels(width=SIDE, height=SIDE, rgb=b"123")), "images[2].pixels.rgb"),
        (types_pb2.Image(pixels=types_pb2.Pixels(width=SIDE, height=10**6, rgb=b"")), "images[2].pixels.rgb"),
    ],
)
async def test_one_bad_picture_is_named_and_costs_no_model_time(stub: Any, bad: types_pb2.Image, field: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as seen:
        await stub.Embed(pb.EmbedRequest(images=[cutout(0), cutout(1), bad, cutout(3)]))
    assert seen.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    (violation,) = details(seen.value)["BadRequest"].field_violations  # type: ignore[attr-defined]
    assert violation.field == field
    await stub.Embed(pb.EmbedRequest(images=[cutout(0)]))


async def test_many_calls_at_once_each_get_their_own_answer(tmp_path: Path) -> None:
    write_embedder(tmp_path)
    async with embed_service(tmp_path, max_batch=8, max_delay_ms=2, instances=2) as stub:
        calls = [stub.Embed(pb.EmbedRequest(images=[cutout(seed), cutout(seed + 100)])) for seed in range(30)]
        responses = await asyncio.gather(*calls)
    for seed, response in enumerate(responses):
        expected = [expected_embedding(raster(noise(SIDE, SIDE, s))) for s in (seed, seed + 100)]
        np.testing.assert_allclose(vectors(response), expected, atol=1e-5)


async def test_pictures_beyond_its_queue_are_refused_at_once_and_a_full_request_is_taken_when_idle(
    tmp_path: Path,
) -> None:
    write_embedder(tmp_path)
    async with embed_service(tmp_path, queue=8) as stub:
        request = pb.EmbedRequest(images=[message(noise(400, 400, seed)) for seed in range(16)])
        answers = await asyncio.gather(*(stub.Embed(request) for _ in range(4)), return_exceptions=True)
        codes = {answer.code().name for answer in answers if isinstance(answer, grpc.aio.AioRpcError)}
        assert codes == {"RESOURCE_EXHAUSTED"}
        assert sum(isinstance(answer, pb.EmbedResponse) for answer in answers) >= 1
        assert len((await stub.Embed(request)).embeddings) == 16


async def test_a_call_whose_deadline_is_over_is_not_computed(stub: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as seen:
        await stub.Embed(pb.EmbedRequest(images=[message(noise(2000, 2000))] * 4), timeout=0.02)
    assert seen.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await stub.Embed(pb.EmbedRequest(images=[cutout(0)]))
