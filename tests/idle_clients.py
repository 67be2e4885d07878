"""The program that opens many connections to a gRPC server and then does nothing: ``HOST:PORT COUNT``.

Says "open" once all are; ends with its standard input, and then says how many the server had closed.
"""

import asyncio
import contextlib
import resource
import sys

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_EMPTY_SETTINGS = b"\0\0\0\x04\0\0\0\0\0"
_AT_A_TIME = 100


async def main(address: str, count: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    host, _, port = address.rpartition(":")
    closed = 0
    turn = asyncio.Semaphore(_AT_A_TIME)

    async def connect() -> asyncio.Task[None]:
        async with turn:
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(_PREFACE + _EMPTY_SETTINGS)
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await reader.readexactly(len(_EMPTY_SETTINGS))  # the server's own settings: it has taken this one
        return asyncio.create_task(hold(reader, writer))

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal closed
        with contextlib.suppress(ConnectionError):
            while await reader.read(4096):
                pass
        closed += 1
        writer.close()

    held = await asyncio.gather(*(connect() for _ in range(count)))
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(closed, flush=True)
    for task in held:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
