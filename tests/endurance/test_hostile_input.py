"""Bombs of every allowed format and slow clients, against real processes: alive afterwards, within bounded memory."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from clothing_retrieval import AsyncClient, errors
from clothing_retrieval.v1 import retrieval_service_pb2 as pb
from clothing_retrieval.v1 import retrieval_service_pb2_grpc, types_pb2
from serving.cpus import available_cpus
from tests import bombs
from tests.pictures import encoded, patched
from tests.replicas import calling, deployed, row
from tests.servers import channel_to
from tests.stack import item

AT_A_TIME = 8
MOST_MIB_A_CPU = 1_000
"""Of a worker: some 700 MiB for a picture of 50 million transparent pixels, on each of two threads."""
BOMBS = {
    "JPEG, 50 million pixels": bombs.jpeg(),
    "JPEG of 100,000 scans": bombs.jpeg_of_scans(100_000),
    "JPEG of a million segments": bombs.jpeg_of_segments(1_000_000),
    "PNG, 50 million transparent pixels": bombs.png(),
    "PNG, 900 million pixels": bombs.png("1", 30_000),
    "PNG of a million chunks": bombs.png_of_chunks(1_000_000),
    "PNG with a text of 500 MB": bombs.png_of_text(b"zTXt", 500_000_000),
    "PNG with a profile of 500 MB": bombs.png_of_text(b"iCCP", 500_000_000),
    "PNG of 1,000 frames": bombs.apng_of_frames(1_000, 64),
    "WebP, 50 million transparent pixels": bombs.webp(),
    "WebP of 1,000 frames": bombs.webp_of_frames(1_000, 64),
}


@pytest.mark.timeout(300)
async def test_after_bombs_of_every_format_at_once_the_services_answer_as_before(tmp_path: Path) -> None:
    async with deployed(tmp_path, {}, GATEWAY_TIMEOUT_S="120") as deployment:
        target = deployment.target("gateway")
        photo = encoded(patched(0))
        async with AsyncClient(target) as client:
            usual_s = await _median_s(client, photo)
            slots = asyncio.Semaphore(AT_A_TIME)

            async def throw(bomb: bytes, *, whole_image: bool) -> None:
                async with slots:
                    with contextlib.suppress(errors.InvalidArgument, errors.ResourceExhausted):
                        await client.search(bomb, whole_image=whole_image, skip_cache=True, timeout_s=120)

            began = time.monotonic()
            await asyncio.gather(
                *(throw(bomb, whole_image=whole) for bomb in BOMBS.values() for whole in (False, True))
            )
            took_s = time.monotonic() - began
            after_s = await _median_s(client, photo)
            memory = {
                service: deployment.replicas[service][0].process.most_memory_mib()
                for service in ("segment", "embed", "gateway")
            }
    assert max(memory.values()) < MOST_MIB_A_CPU * available_cpus()
    assert after_s < 5 * usual_s + 0.1
    row(
        f"{2 * len(BOMBS)} decompression bombs of JPEG, PNG and WebP, {AT_A_TIME} at a time",
        f"read or refused within {took_s:.0f} s; workers take up to {max(memory['segment'], memory['embed']):,} MiB, "
        f"the gateway {memory['gateway']:,} MiB",
        f"a search takes {1000 * after_s:.0f} ms then, {1000 * usual_s:.0f} ms before",
    )


@pytest.mark.timeout(300)
async def test_streams_that_say_nothing_or_never_read_their_answers_disturb_nobody(tmp_path: Path) -> None:
    silent_count, deaf_count = 20, 4
    limits = {"GATEWAY_IMPORT_STREAMS": str(silent_count + deaf_count + 1), "GATEWAY_IMPORT_SILENCE_S": "5"}
    async with deployed(tmp_path, {}, **limits) as deployment:
        (gateway,) = deployment.replicas["gateway"]
        async with calling(gateway.address, 1) as callers, channel_to(gateway.address) as channel:
            await callers.more(20)
            stub = retrieval_service_pb2_grpc.RetrievalServiceStub(channel)
            silent = [stub.ImportItems() for _ in range(silent_count)]
            for stream in silent:
                await stream.write(item("b", patched(1)))
                assert (await stream.read()).id == "b"  # type: ignore[union-attr]
            deaf = [stub.ImportItems(_endless()) for _ in range(deaf_count)]
            before = gateway.process.most_memory_mib()
            async with AsyncClient(gateway.address) as client:
                (answer,) = [each async for each in client.import_items([item("c", patched(2))])]
                assert answer.status.code == 0
            began = time.monotonic()
            codes = [await stream.code() for stream in silent]
            ended_s = time.monotonic() - began
            await callers.more(50)
            grown = gateway.process.most_memory_mib() - before
            for stream in deaf:
                stream.cancel()
            async with AsyncClient(gateway.address) as client:
                assert {found.id async for found in client.list_items()} == {"a", "b", "c"}
    assert set(codes) == {grpc.StatusCode.DEADLINE_EXCEEDED}
    assert ended_s < 30
    assert [str(error) for error in callers.failures] == []
    assert grown < 200
    row(
        f"{silent_count} import streams that fall silent, {deaf_count} that never read (`GATEWAY_IMPORT_SILENCE_S=5`)",
        f"the silent get DEADLINE_EXCEEDED; no search fails; memory grows by {grown} MiB",
        "",
    )


async def _endless() -> AsyncIterator[pb.ImportItemsRequest]:
    """Items without pictures: refused at once, each with an answer."""
    while True:
        yield pb.ImportItemsRequest(item=types_pb2.Item(id="x" * 128))


async def _median_s(client: AsyncClient, photo: bytes) -> float:
    took = []
    for _ in range(21):
        began = time.monotonic()
        await client.search(photo, skip_cache=True)
        took.append(time.monotonic() - began)
    return sorted(took)[10]
