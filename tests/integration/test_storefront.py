"""The storefront as it is run: a process of its own, real sockets."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.fake_gateway import FakeGateway, picture
from tests.servers import Process, free_port, process
from tests.shop import fill

JPEG = {"content-type": "image/jpeg"}


@dataclass
class Storefront:
    process: Process
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    with FakeGateway() as gateway:
        fill(gateway)
        yield gateway


@pytest.fixture
async def storefront(gateway: FakeGateway) -> AsyncIterator[Storefront]:
    port = free_port()
    own = {
        "LISTEN": f"127.0.0.1:{port}",
        "GATEWAY": gateway.target,
        "MAX_PHOTO_BYTES": str(2**20),
        "CONNECTIONS": "8",
        "HEAD_TIMEOUT_S": "1",
    }
    async with process("storefront", **{f"STOREFRONT_{name}": value for name, value in own.items()}) as started:
        async with asyncio.timeout(60):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        yield Storefront(started, port)


async def test_it_serves_until_it_is_told_to_stop(storefront: Storefront) -> None:
    async with httpx.AsyncClient(base_url=storefront.address, timeout=20) as client:
        assert (await client.get("/readyz")).json() == {"status": "ok"}
        found = await client.post("/v1/search", content=picture(), headers=JPEG)
        assert len(found.json()["results"]) == 2
        assert "server" not in found.headers
    storefront.process.send(signal.SIGTERM)
    assert await storefront.process.ended() == 0


async def test_a_photo_that_is_too_large_is_refused_before_it_is_sent(storefront: Storefront) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", storefront.port)
    writer.write(
        b"POST /v1/search HTTP/1.1\r\nHost: shop\r\nContent-Type: image/jpeg\r\n"
        b"Content-Length: 900000000\r\nExpect: 100-continue\r\n\r\n"
    )
    async with asyncio.timeout(20):
        answer = await reader.read()  # to the end: the connection is closed
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"BODY_TOO_LARGE" in answer


async def test_connections_that_ask_for_nothing_do_not_keep_others_out(storefront: Storefront) -> None:
    async with httpx.AsyncClient(base_url=storefront.address, timeout=20) as client:
        silent = [await asyncio.open_connection("127.0.0.1", storefront.port) for _ in range(8)]
        assert (await client.get("/healthz", headers={"Connection": "close"})).status_code == 503
        async with asyncio.timeout(20):
            for reader, writer in silent:
                assert await reader.read() == b""
                writer.close()
        assert (await client.get("/healthz")).status_code == 200


async def test_the_command_line_serves_it_and_names_what_cannot_be_used() -> None:
    started = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("clothing-retrieval"),
        "serve",
        "storefront",
        env={**os.environ, "STOREFRONT_TOP_K": "many"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(started.communicate(), 60)
    assert started.returncode == 1
    assert b"cannot start: STOREFRONT_TOP_K=many" in said
