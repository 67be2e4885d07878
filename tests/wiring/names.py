"""A small DNS server: every address behind a name, as the engine's own server answers."""

import asyncio
import struct

_A, _AAAA, _IN = 1, 28, 1
_ANSWER = 0x8580  # an authoritative answer, of a server that recurses
_NO_SUCH_NAME = 3
TTL_S = 600
"""Docker's. Whoever goes by it looks for new replicas every ten minutes."""


class Names(asyncio.DatagramProtocol):
    """``records`` are the IPv4 addresses by name; what is changed there is answered from then on."""

    def __init__(self) -> None:
        self.records: dict[str, list[str]] = {}
        self._transport: asyncio.DatagramTransport | None = None

    async def listen(self, address: str) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, (address, 53))

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def datagram_received(self, query: bytes, address: tuple[str, int]) -> None:
        assert self._transport is not None
        self._transport.sendto(answer(query, self.records), address)


def answer(query: bytes, records: dict[str, list[str]]) -> bytes:
    """To a query of one question."""
    labels, end = _labels(query)
    kind, _ = struct.unpack_from("!HH", query, end)
    question = query[12 : end + 4]
    addresses = records.get(".".join(labels).lower())
    found = [bytes(map(int, each.split("."))) for each in addresses or []] if kind == _A else []
    header = query[:2] + struct.pack(
        "!HHHHH", _ANSWER | (_NO_SUCH_NAME if addresses is None else 0), 1, len(found), 0, 0
    )
    # 0xC00C: the name that was asked for
    entries = (struct.pack("!HHHIH", 0xC00C, _A, _IN, TTL_S, len(each)) + each for each in found)
    return header + question + b"".join(entries)


def _labels(query: bytes) -> tuple[list[str], int]:
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode())
        at += length + 1
    return labels, at + 1
