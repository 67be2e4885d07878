"""A DNS server for one name, so that replicas come and go behind it as they do in a cluster."""

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from typing import Any

NAME = "workers.benchmark"

_HEADER = struct.Struct("!HHHHHH")
_ANSWERED = 0x8180  # a response, recursion as asked for, no error
_A, _IN = 1, 1
_TTL_S = 0
_QUESTION_AT = 0xC00C  # the name as it stands after the header


class Names(asyncio.DatagramProtocol):
    """``addresses`` may change at any time."""

    def __init__(self) -> None:
        self.addresses: Sequence[str] = ()
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def target(self) -> str:
        """Of gRPC, for every address behind the name; a port comes after it."""
        return f"dns://127.0.0.1:{self.port}/{NAME}"

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, caller: tuple[str, int]) -> None:
        assert self._transport is not None
        self._transport.sendto(answer(data, self.addresses), caller)


def answer(query: bytes, addresses: Sequence[str]) -> bytes:
    """To whatever name is asked for: its IPv4 addresses, and none of another kind (RFC 1035, section 4)."""
    number = _HEADER.unpack_from(query)[0]
    end = query.index(b"\0", _HEADER.size) + 1
    kind, family = struct.unpack_from("!HH", query, end)
    question = query[_HEADER.size : end + 4]
    given = addresses if (kind, family) == (_A, _IN) else ()
    records = [
        struct.pack("!HHHIH", _QUESTION_AT, _A, _IN, _TTL_S, 4) + IPv4Address(address).packed for address in given
    ]
    return _HEADER.pack(number, _ANSWERED, 1, len(records), 0, 0) + question + b"".join(records)


@asynccontextmanager
async def names() -> AsyncIterator[Names]:
    """On a free port."""
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(Names, ("127.0.0.1", 0))
    try:
        yield protocol
    finally:
        transport.close()
