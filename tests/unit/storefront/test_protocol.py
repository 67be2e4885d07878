import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn

from storefront.protocol import patient_for

PATIENCE_S = 0.3
GET = b"GET / HTTP/1.1\r\nHost: shop\r\n"
LARGE = bytes(16 << 20)  # more than two sockets hold


async def slow_app(scope: Any, receive: Any, send: Any) -> None:
    """Answers to /slow only when others would have been closed."""
    if scope["path"] == "/slow":
        await asyncio.sleep(2 * PATIENCE_S)
    body = LARGE if scope["path"] == "/large" else b"ok"
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def served(taking_s: float = PATIENCE_S) -> AsyncIterator[int]:
    config = uvicorn.Config(
        slow_app, port=0, log_config=None, lifespan="off", limit_concurrency=5, http=patient_for(PATIENCE_S, taking_s)
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Ends]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(10 * PATIENCE_S):
        return await reader.read()


async def status(port: int) -> bytes:
    async with connected(port) as (reader, writer):
        writer.write(GET + b"Connection: close\r\n\r\n")
        return (await until_closed(reader)).split()[1]


@pytest.mark.parametrize("head", [b"", GET], ids=["nothing", "half a head"])
async def test_connections_that_ask_for_nothing_leave_the_shop_open(head: bytes) -> None:
    async with served() as port, AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(connected(port)) for _ in range(5)]
        for _, writer in silent:
            writer.write(head)
        assert [await until_closed(reader) for reader, _ in silent] == [b""] * 5
        assert await status(port) == b"200"


@pytest.mark.parametrize(
    ("asked", "more"),
    [(GET + b"\r\n", b"G"), (GET + b"Content-Length: 1000000\r\n\r\n", b"x")],
    ids=["a further head", "a body that nobody reads"],
)
async def test_what_comes_byte_by_byte_after_an_answer_wins_no_time(asked: bytes, more: bytes) -> None:
    async with served() as port, connected(port) as (reader, writer):
        writer.write(asked)
        assert await reader.readuntil(b"ok")
        with suppress(ConnectionError):
            async with asyncio.timeout(10 * PATIENCE_S):
                while not reader.at_eof():
                    writer.write(more)
                    await asyncio.sleep(PATIENCE_S / 4)


@pytest.mark.parametrize("taken", [0, 1 << 16], ids=["nothing", "little"])
async def test_connections_that_take_no_answer_leave_the_shop_open(taken: int) -> None:
    async with served() as port, AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(connected(port)) for _ in range(4)]
        for _, writer in idle:
            writer.write(b"GET /large HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert await status(port) == b"503"
        async with asyncio.timeout(10 * PATIENCE_S):
            while await status(port) != b"200":
                await asyncio.sleep(PATIENCE_S / 4)
                for reader, _ in idle:
                    await reader.read(taken)


async def test_once_an_answer_is_taken_the_next_has_all_its_time() -> None:
    async with served(taking_s=6 * PATIENCE_S) as port, connected(port) as (reader, writer):
        writer.write(b"GET /large HTTP/1.1\r\nHost: shop\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(len(LARGE))
        await ask_slowly(reader, writer, times=4)


async def test_a_request_that_has_begun_may_take_longer() -> None:
    async with served() as port, connected(port) as (reader, writer):
        await ask_slowly(reader, writer, times=2)


async def ask_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, times: int) -> None:
    for _ in range(times):
        writer.write(b"GET /slow HTTP/1.1\r\nHost: shop\r\n\r\n")
        async with asyncio.timeout(10 * PATIENCE_S):
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
