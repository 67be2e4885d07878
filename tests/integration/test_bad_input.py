"""Issue 2's list of bad input: each is answered with a clear error of the contracted kind, and the service goes on."""

import math
import struct
import zlib
from typing import Any

import grpc
import numpy as np
import pytest
from google.rpc import code_pb2
from PIL import Image

from clothing_retrieval.v1 import (
    catalog_service_pb2,
    embed_service_pb2,
    search_service_pb2,
    segment_service_pb2,
    types_pb2,
)
from clothing_retrieval.v1 import retrieval_service_pb2 as pb
from tests.engines import DIMENSION
from tests.pictures import encoded, message, noise, photo, striped
from tests.servers import details, unpacked
from tests.stack import Stack, item

SHIRT = striped("top", (0, 0, 0), 40)


def huge_png() -> bytes:
    """30,000 × 30,000 pixels in about 100 kB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(bytes(30_000 * (30_000 // 8 + 1)), 9)
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def animated_gif() -> bytes:
    frames = [Image.new("P", (64, 64), index) for index in (0, 1)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


BAD_FILES = {
    "empty bytes": b"",
    "a text file": b"title,price\nshirt,5\n" * 20,
    "a truncated JPEG": encoded(SHIRT, "JPEG")[:-400],
    "a 1×1 PNG": encoded(noise(1, 1), "PNG"),
    "a 30,000×30,000 PNG": huge_png(),
    "an animated GIF": animated_gif(),
    "20 MiB of nothing": bytes(20 * 2**20 + 1),
}


def test_the_huge_png_is_small() -> None:
    assert len(BAD_FILES["a 30,000×30,000 PNG"]) < 150_000


def assert_invalid(error: grpc.aio.AioRpcError, field: str, reason: str) -> None:
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    found = details(error)
    info: Any = found["ErrorInfo"]
    assert (info.domain, info.reason) == ("clothing-retrieval", reason)
    (violation,) = found["BadRequest"].field_violations  # type: ignore[attr-defined]
    assert violation.field == field
    assert violation.description


@pytest.mark.parametrize("whole_image", [False, True])
async def test_a_bad_file_fails_its_search_with_the_field_and_the_service_goes_on(
    stack: Stack, whole_image: bool
) -> None:
    await stack.load(item("shirt", SHIRT))
    for data in BAD_FILES.values():
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await stack.find(data, whole_image=whole_image)
        assert_invalid(seen.value, "image.encoded", "INVALID_IMAGE")
    with pytest.raises(grpc.aio.AioRpcError) as seen:
        await stack.retrieval.Search(pb.SearchRequest(whole_image=whole_image))
    assert_invalid(seen.value, "image", "INVALID_FIELD")
    assert (await stack.find(SHIRT)).results[0].matches[0].item.id == "shirt"


async def test_bad_files_fail_their_items_and_no_others(stack: Stack) -> None:
    answers = await stack.load(
        *(item(name, SHIRT, data) for name, data in BAD_FILES.items() if len(data) < 2**20), item("shirt", SHIRT)
    )
    assert answers.pop("shirt").outcome == pb.IMPORT_OUTCOME_CREATED
    for answer in answers.values():
        assert answer.outcome == pb.IMPORT_OUTCOME_FAILED
        assert answer.status.code == code_pb2.INVALID_ARGUMENT
        (violation,) = unpacked(answer.status)["BadRequest"].field_violations  # type: ignore[attr-defined]
        assert violation.field == "images[1].encoded"
    listed = await stack.catalog.ListItems(catalog_service_pb2.ListItemsRequest())
    assert [found.id for found in listed.items] == ["shirt"]


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(SHIRT.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)


def see_through() -> Image.Image:
    """The shirt on nothing, which hides a black ground."""
    pixels = np.asarray(SHIRT.convert("RGBA")).copy()
    pixels[(pixels == 255).all(axis=2)] = 0
    return Image.fromarray(pixels)


def sixteen_bit() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.tobytes() for row in np.asarray(SHIRT).astype(">u2") * 257)
    header = struct.pack(">IIBBBBB", *SHIRT.size, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


ODD_BUT_GOOD = {
    "a turned JPEG": turned(),
    "a CMYK JPEG": encoded(SHIRT.convert("CMYK"), "JPEG", quality=95),
    "a 16-bit PNG": sixteen_bit(),
    "a transparent PNG": encoded(see_through(), "PNG"),
    "a WebP": encoded(SHIRT, "WEBP", quality=95),
    "a small-palette PNG": encoded(SHIRT.quantize(64), "PNG"),
}


async def test_what_only_looks_bad_finds_the_same_item_in_the_same_place(stack: Stack) -> None:
    await stack.load(item("shirt", SHIRT), item("other", striped("top", (0, 0, 0), 120)))
    (expected,) = (await stack.find(SHIRT)).results
    for name, data in ODD_BUT_GOOD.items():
        (result,) = (await stack.find(data)).results
        assert result.matches[0].item.id == "shirt", name
        assert result.matches[0].distance < 0.15, name
        box, upright = result.garment.box, expected.garment.box
        assert abs(box.x - upright.x) + abs(box.y - upright.y) <= 16, name
        assert abs(box.width - upright.width) + abs(box.height - upright.height) <= 16, name


async def test_an_unknown_collection_is_not_found(stack: Stack) -> None:
    calls = [
        stack.find(SHIRT, collection="spring"),
        stack.retrieval.SearchByItem(pb.SearchByItemRequest(collection="spring", id="a")),
        stack.catalog.ListItems(catalog_service_pb2.ListItemsRequest(collection="spring")),
        stack.catalog.DeleteCollection(catalog_service_pb2.DeleteCollectionRequest(name="spring")),
    ]
    for call in calls:
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await call
        assert seen.value.code() is grpc.StatusCode.NOT_FOUND
        found: Any = details(seen.value)
        assert found["ErrorInfo"].reason == "COLLECTION_NOT_FOUND"
        assert (found["ResourceInfo"].resource_type, found["ResourceInfo"].resource_name) == ("collection", "spring")


async def test_an_unknown_item_is_not_found(stack: Stack) -> None:
    await stack.load(item("shirt", SHIRT))
    for call in (
        stack.retrieval.SearchByItem(pb.SearchByItemRequest(id="nothing")),
        stack.catalog.GetItem(catalog_service_pb2.GetItemRequest(id="nothing")),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await call
        assert seen.value.code() is grpc.StatusCode.NOT_FOUND
        assert details(seen.value)["ResourceInfo"].resource_name == "nothing"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"top_k": 101}, "top_k"),
        ({"top_k": -1}, "top_k"),
        ({"categories": ["spacesuit"]}, "categories[0]"),
        ({"categories": ["top", "x" * 100_000]}, "categories[1]"),
        ({"max_distance": -1.0}, "max_distance"),
        ({"max_distance": math.nan}, "max_distance"),
        ({"collection": "Not A Name"}, "collection"),
        ({"collection": "x" * 100_000}, "collection"),
    ],
    ids=["101", "-1", "category", "long category", "negative distance", "NaN distance", "name", "long name"],
)
async def test_a_bad_field_of_a_search_is_named(stack: Stack, fields: dict[str, Any], field: str) -> None:
    await stack.load(item("shirt", SHIRT))
    with pytest.raises(grpc.aio.AioRpcError) as seen:
        await stack.find(SHIRT, **fields)
    assert_invalid(seen.value, field, "INVALID_FIELD")


async def test_bad_vectors_are_refused(stack: Stack) -> None:
    await stack.load(item("shirt", SHIRT))
    digest = (await stack.embed.GetEmbedModel(embed_service_pb2.GetEmbedModelRequest())).model.digest

    def query(values: list[float], model: str = digest) -> search_service_pb2.QueryRequest:
        probe = search_service_pb2.Probe(embedding=types_pb2.Embedding(values=values))
        return search_service_pb2.QueryRequest(model_digest=model, probes=[probe])

    good = [1.0] + [0.0] * (DIMENSION - 1)
    for bad in ([1.0, 0.0], [math.nan, *good[1:]], [math.inf, *good[1:]], []):
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await stack.search.Query(query(bad))
        assert seen.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "probes[0]" in details(seen.value)["BadRequest"].field_violations[0].field  # type: ignore[attr-defined]
    with pytest.raises(grpc.aio.AioRpcError) as seen:
        await stack.search.Query(query(good, "f" * 64))
    assert seen.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    info: Any = details(seen.value)["ErrorInfo"]
    assert (info.reason, info.metadata["expected_digest"], info.metadata["actual_digest"]) == (
        "MODEL_MISMATCH", digest, "f" * 64,
    )  # fmt: skip
    assert (await stack.search.Query(query(good))).results[0].matches


async def test_a_stage_called_directly_refuses_bad_files_too(stack: Stack) -> None:
    for name, data in BAD_FILES.items():
        if len(data) > 2**20:
            continue
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await stack.segment.Segment(segment_service_pb2.SegmentRequest(image=message(data)))
        assert seen.value.code() is grpc.StatusCode.INVALID_ARGUMENT, name
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            images = [message(photo()), message(data)]
            await stack.embed.Embed(embed_service_pb2.EmbedRequest(images=images))
        assert_invalid(seen.value, "images[1].encoded", "INVALID_IMAGE")
