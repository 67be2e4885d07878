import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from storefront.rate_limit import Turns, network
from tests.fake_gateway import FakeGateway, picture
from tests.unit.storefront.conftest import Open

JPEG = {"content-type": "image/jpeg"}
FORM = {"content-type": "multipart/form-data; boundary=x"}


class Upload:
    """A body that comes in pieces of 16 KiB, and counts those that were taken."""

    def __init__(self, pieces: int, first: bytes = b"") -> None:
        self._pieces = pieces
        self._first = first
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for number in range(self._pieces):
            self.taken += 1
            yield self._first if number == 0 and self._first else bytes(2**14)


@pytest.mark.parametrize("headers", [JPEG, FORM])
async def test_a_body_that_says_that_it_is_too_large_is_not_read(
    open_shop: Open, gateway: FakeGateway, headers: dict[str, str]
) -> None:
    shop = await open_shop(max_photo_bytes=2**20)
    upload = Upload(128)
    response = await shop.post("/v1/search", content=upload, headers=headers | {"content-length": str(2**21)})
    assert (response.status_code, response.json()["reason"]) == (413, "BODY_TOO_LARGE")
    assert response.headers["connection"] == "close"
    assert upload.taken <= 1  # the first is taken by the client
    assert not gateway.requests


@pytest.mark.parametrize("headers", [JPEG, FORM])
async def test_a_body_that_grows_too_large_is_read_no_further(
    open_shop: Open, gateway: FakeGateway, headers: dict[str, str]
) -> None:
    shop = await open_shop(max_photo_bytes=2**20)
    head = b'--x\r\ncontent-disposition: form-data; name="photo"; filename="a"\r\n\r\n'
    upload = Upload(1024, head if headers is FORM else b"")
    response = await shop.post("/v1/search", content=upload, headers=headers)
    assert (response.status_code, response.json()["field"]) == (413, "photo")
    assert upload.taken <= (2**20 + 2**16) // 2**14 + 3
    assert not gateway.requests


async def test_a_body_that_never_ends_is_given_up(open_shop: Open) -> None:
    class Stalled:
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"begun"
            await asyncio.Event().wait()

    shop = await open_shop(upload_timeout_s=0.05)
    response = await shop.post("/v1/search", content=Stalled(), headers=JPEG)
    assert (response.status_code, response.json()["reason"]) == (408, "BODY_TOO_SLOW")


async def test_turns_come_back_with_time() -> None:
    now = 0.0
    turns = Turns(per_minute=60, clock=lambda: now)
    assert [turns.take("a") for _ in range(15)] == [0.0] * 15
    assert turns.take("a") == pytest.approx(1.0)
    assert turns.take("b") == 0.0
    now = 1.5
    assert turns.take("a") == 0.0
    assert turns.take("a") == pytest.approx(0.5)


async def test_searches_are_limited_for_each_client(open_shop: Open) -> None:
    shop = await open_shop(searches_per_minute=8)
    answers = [await shop.post("/v1/search", content=picture(), headers=JPEG) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 8
    assert answers[-1].json()["reason"] == "TOO_MANY_REQUESTS"
    assert (await shop.get("/v1/items")).status_code == 200


async def test_only_a_configured_proxy_says_who_asks(open_shop: Open) -> None:
    async def statuses(shop: httpx.AsyncClient, chains: list[str]) -> list[int]:
        asked = [await shop.get("/v1/collections", headers={"x-forwarded-for": chain}) for chain in chains]
        return [answer.status_code for answer in asked]

    known = await open_shop(peer="10.0.0.9", proxies="10.0.0.0/8", requests_per_minute=4)
    assert await statuses(known, ["198.51.100.1", "198.51.100.2", "198.51.100.1"]) == [200, 200, 429]
    # What a client wrote into the header itself stands before what the proxy added.
    assert await statuses(known, ["1.1.1.1, 198.51.100.1", "2.2.2.2, 198.51.100.2"]) == [429, 429]
    unknown = await open_shop(peer="192.0.2.7", proxies="10.0.0.0/8", requests_per_minute=4)
    assert await statuses(unknown, ["198.51.100.1", "198.51.100.2"]) == [200, 429]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_who_counts_as_one_client(address: str, expected: str) -> None:
    assert network(address) == expected
