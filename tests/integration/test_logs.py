"""What all four processes write, at the most talkative level, has nothing of pictures and keys in it."""

import base64
import io
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message
from PIL import Image, PngImagePlugin

from clothing_retrieval.v1 import embed_service_pb2, retrieval_service_pb2, segment_service_pb2, types_pb2
from gateway.keys import KeyFile, Right
from tests.pictures import patched
from tests.processes import SERVICES, Services, services
from tests.servers import channel_to

SECRET = b"s3cret-Of-A-Shopper"
UNKNOWN_KEY = SECRET.decode()
IMAGE_DESCRIPTION = 0x010E
LOUD = {f"{service.upper()}_LOG_LEVEL": "DEBUG" for service in SERVICES}
REFUSED = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED}
FORMATS = {"SEGMENT_LOG_FORMAT": "json", "SEARCH_LOG_FORMAT": "json", "EMBED_LOG_FORMAT": "text"}


def jpeg() -> bytes:
    exif = Image.Exif()
    exif[IMAGE_DESCRIPTION] = SECRET.decode()
    return saved("JPEG", comment=SECRET, exif=exif)


def png() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", SECRET.decode())
    text.add(b"prVt", SECRET)
    return saved("PNG", pnginfo=text)


def webp() -> bytes:
    return saved("WEBP", exif=b"Exif\0\0" + SECRET, xmp=SECRET)


def saved(kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    patched(1).save(file, kind, **options)
    return file.getvalue()


GOOD = [jpeg(), png(), webp()]
BAD = [
    SECRET * 40,
    jpeg()[:-400],
    png()[:-400],
    SECRET.join([b"\x89PNG\r\n\x1a\n", b""]),
    saved("TIFF", comment=SECRET),
]


def disguises(secret: bytes) -> Iterator[str]:
    """As it would look in a log: as it is, in hex, as numbers, in base64 at each of three places."""
    yield secret.decode()
    yield secret.hex()
    yield ", ".join(map(str, secret))
    for shift in range(3):
        yield base64.b64encode(b"\0" * shift + secret)[4 if shift else 0 : -4].decode()


def metadata(key: str) -> tuple[tuple[str, str | bytes], ...]:
    return (
        ("x-request-id", "watched"),
        ("x-api-key", key),
        ("authorization", f"Bearer {SECRET.decode()}"),
        ("x-key-bin", SECRET),
    )


async def called(call: Any) -> grpc.StatusCode:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def search_and_import(running: Services, key: str) -> None:
    bearing = {"timeout": 20, "metadata": metadata(key)}
    for data in (*GOOD, *BAD):
        image = types_pb2.Image(encoded=data)
        search = retrieval_service_pb2.SearchRequest(image=image, collection="shop")
        expected = grpc.StatusCode.OK if data in GOOD else grpc.StatusCode.INVALID_ARGUMENT
        items = [
            retrieval_service_pb2.ImportItemsRequest(
                collection="shop", item=types_pb2.Item(id="one"), images=[image], picture_jpeg=picture
            )
            for picture in (SECRET, SECRET * 10_000)
        ]
        answers = [each async for each in running.retrieval.ImportItems(iter(items), **bearing)]
        assert len(answers) == 2
        assert await called(running.retrieval.Search(search, **bearing)) is expected


async def call_a_worker(running: Services, service: str, method: str, request: Message) -> set[grpc.StatusCode]:
    """Also with what is no message at all, and a method that there is not."""
    path = f"/clothing_retrieval.v1.{method.partition('/')[0]}/"
    async with channel_to(running.processes[service].environment[f"{service.upper()}_LISTEN"]) as channel:

        def call(method: str, data: bytes) -> Any:
            return channel.unary_unary(path + method)(data, timeout=20, metadata=metadata(UNKNOWN_KEY))

        name = method.partition("/")[2]
        calls = [call(name, request.SerializeToString()), call(name, SECRET), call("Nothing", SECRET)]
        return {await called(each) for each in calls}


async def test_no_line_has_pictures_or_keys_in_it(tmp_path: Path) -> None:
    pixels = types_pb2.Image(pixels=types_pb2.Pixels(width=3, height=2, rgb=SECRET))
    keys = KeyFile(tmp_path / "keys.json")
    key = keys.add("shop", frozenset({Right.MANAGE}))
    async with services(tmp_path, **LOUD, **FORMATS, GATEWAY_KEYS_FILE=str(keys.path)) as running:
        await running.ready()
        await search_and_import(running, key)
        refused = running.retrieval.Search(retrieval_service_pb2.SearchRequest(), metadata=metadata(UNKNOWN_KEY))
        assert await called(refused) is grpc.StatusCode.UNAUTHENTICATED
        for service, method, request in (
            ("segment", "SegmentService/Segment", segment_service_pb2.SegmentRequest(image=pixels)),
            ("embed", "EmbedService/Embed", embed_service_pb2.EmbedRequest(images=[pixels])),
        ):
            assert await call_a_worker(running, service, method, request) == REFUSED
        for process in running.processes.values():
            process.send(signal.SIGTERM)
            assert await process.ended(20) == 0
    for service, process in running.processes.items():
        assert "DEBUG" in process.output
        assert "watched" in process.output, service
        secrets = [key, *disguises(SECRET)]
        told = [line for line in process.output.splitlines() if any(secret in line for secret in secrets)]
        assert told == [], service
