"""The models that a fresh checkout serves, on drawn pictures and, where they lie beside it, on real photos."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from clothing_retrieval.v1 import embed_service_pb2, segment_service_pb2
from clothing_retrieval.v1 import retrieval_service_pb2 as pb
from segment_service.garments import Rules
from serving.models import DEFAULT_FOLDER
from tests.pictures import message
from tests.stack import Stack, item, running

DATA = Path(os.environ.get("CLOTHING_DATA", DEFAULT_FOLDER.parents[1] / "shared" / "data"))
STREET = sorted((DATA / "street" / "photos").glob("*.jpg"))[:12]
SHOP = {folder.name: sorted(folder.glob("*.jpg"))[:6] for folder in sorted((DATA / "shop" / "train").glob("*"))}


with_photos = pytest.mark.skipif(not STREET or not SHOP, reason="no real photos")


@pytest.fixture
async def shipped(tmp_path: Path) -> AsyncIterator[Stack]:
    async with running(None, tmp_path, segment={"instances": 1}, embed={"instances": 1}) as stack:
        yield stack


def shirt(colour: str, ground: str = "white") -> Image.Image:
    picture = Image.new("RGB", (360, 480), ground)
    draw = ImageDraw.Draw(picture)
    draw.polygon(
        [
            (120, 90),
            (240, 90),
            (330, 170),
            (290, 220),
            (260, 190),
            (260, 400),
            (100, 400),
            (100, 190),
            (70, 220),
            (30, 170),
        ],
        colour,
    )
    draw.ellipse((150, 70, 210, 115), ground)
    return picture


async def test_drawn_shirts_are_mostly_told_apart_by_their_colours(shipped: Stack) -> None:
    colours = ("red", "green", "blue", "black", "orange")
    answers = await shipped.load(*(item(colour, shirt(colour)) for colour in colours))
    assert {answer.outcome for answer in answers.values()} == {pb.IMPORT_OUTCOME_CREATED}
    found = [(await shipped.find(shirt(colour).resize((300, 400)))).results[0].matches[0].item.id for colour in colours]
    # Flat drawings are strange to the parser: a ragged sleeve may weigh more than a colour.
    assert sum(own == first for own, first in zip(colours, found, strict=True)) >= 4


async def test_vectors_have_unit_length_and_do_not_depend_on_the_batch(shipped: Stack) -> None:
    images = [message(shirt(colour)) for colour in ("red", "green", "blue")]
    model = (await shipped.embed.GetEmbedModel(embed_service_pb2.GetEmbedModelRequest())).model
    together = (await shipped.embed.Embed(embed_service_pb2.EmbedRequest(images=images))).embeddings
    assert {len(embedding.values) for embedding in together} == {model.dimension}
    for image, embedding in zip(images, together, strict=True):
        (alone,) = (await shipped.embed.Embed(embed_service_pb2.EmbedRequest(images=[image]))).embeddings
        assert np.linalg.norm(alone.values) == pytest.approx(1, abs=1e-3)
        assert float(np.dot(alone.values, embedding.values)) > 0.999


@with_photos
async def test_clothing_is_found_on_the_street(shipped: Stack) -> None:
    counts = []
    for file in STREET:
        response = await shipped.segment.Segment(
            segment_service_pb2.SegmentRequest(image=message(file.read_bytes()), cutout_size=64, include_masks=True)
        )
        counts.append(len(response.garments))
        for garment in response.garments:
            assert garment.box.x + garment.box.width <= response.image_width
            assert garment.box.y + garment.box.height <= response.image_height
            assert 0 < garment.area <= 1
            assert Rules.min_confidence <= garment.confidence <= 1
        assert [garment.area for garment in response.garments] == sorted(
            (garment.area for garment in response.garments), reverse=True
        )
    assert np.mean(np.array(counts) >= 2) > 0.5  # people wear more than one thing


@with_photos
async def test_shop_photos_find_items_of_their_kind(shipped: Stack) -> None:
    requests = [
        item(f"{kind}/{file.name}", file.read_bytes(), category=kind)
        for kind, files in SHOP.items()
        for file in files[:5]
    ]
    answers = await shipped.load(*requests)
    assert {answer.outcome for answer in answers.values()} == {pb.IMPORT_OUTCOME_CREATED}
    hits = []
    for kind, files in SHOP.items():
        for file in files[5:]:
            result = (await shipped.find(file.read_bytes())).results[0]
            hits.append(any(match.item.category == kind for match in result.matches))
    assert np.mean(hits) > 0.5  # five of each kind are few: chance is about 0.2


@with_photos
async def test_a_photo_finds_itself(shipped: Stack) -> None:
    await shipped.load(*(item(file.stem, file.read_bytes()) for file in STREET))
    for file in STREET:
        result = (await shipped.find(file.read_bytes(), top_k=1)).results[0]
        assert result.matches[0].distance < 0.05
