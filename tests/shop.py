"""A small shop behind a gateway that is not real, for tests of the storefront."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from clothing_retrieval.v1.types_pb2 import Item
from storefront.app import create_app
from storefront.connection import open_client
from storefront.settings import Settings
from tests.fake_gateway import FakeGateway, picture

COLOURS = ("firebrick", "seagreen", "steelblue", "goldenrod")
GENDERS = ("female", "male", "unisex")


def fill(gateway: FakeGateway, count: int = 40) -> None:
    """Dresses and bags in turns, each a little dearer; every fourth is on sale, every fifth sold out."""
    for number in range(count):
        item = Item(
            id=f"item-{number:02}",
            title=f"Piece {number}",
            url=f"https://boutique.example/items/{number}",
            category=("dress", "bag")[number % 2],
            gender=GENDERS[number % 3],
            currency="TWD",
            price=1000 + 10 * number,
            in_stock=number % 5 != 4,
        )
        if number % 4 == 3:
            item.sale_price = 500 + 10 * number
        gateway.items[item.id] = item
        gateway.pictures[item.id] = picture(COLOURS[number % 4])


@contextmanager
def opened(gateway: str, **settings: Any) -> Iterator[str]:
    """A storefront that serves on a free port, in a thread of its own: its address."""
    chosen = Settings(**{"gateway": gateway} | settings)
    started, addresses, stopping = threading.Event(), list[str](), list[uvicorn.Server]()

    async def serve() -> None:
        async with open_client(chosen) as client:
            server = uvicorn.Server(uvicorn.Config(create_app(chosen, client), port=0, log_config=None))
            stopping.append(server)
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)
            addresses.append(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}")
            started.set()
            await serving

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert started.wait(30)
    try:
        yield addresses[0]
    finally:
        stopping[0].should_exit = True
        thread.join(30)
