from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import httpx
import pytest

from storefront.app import create_app
from storefront.connection import open_client
from storefront.settings import Settings
from tests.fake_gateway import FakeGateway
from tests.shop import fill

Open: TypeAlias = Callable[..., Any]


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    with FakeGateway() as gateway:
        fill(gateway)
        yield gateway


@pytest.fixture
async def open_shop(gateway: FakeGateway) -> AsyncIterator[Open]:
    """Opens a storefront with some settings, before the same gateway: a client of it."""
    async with AsyncExitStack() as stack:

        async def open_with(peer: str = "192.0.2.7", **settings: Any) -> httpx.AsyncClient:
            chosen = Settings(**{"gateway": gateway.target} | settings)
            app = create_app(chosen, await stack.enter_async_context(open_client(chosen)))
            transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 4321))
            return await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://shop"))

        yield open_with


@pytest.fixture
async def shop(open_shop: Open) -> httpx.AsyncClient:
    opened: httpx.AsyncClient = await open_shop()
    return opened
