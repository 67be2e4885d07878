"""The LINE bot between a fake LINE and a fake gateway, all of them real servers or as good as these."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
from fastapi import FastAPI

from clothing_retrieval import AsyncClient
from clothing_retrieval.v1 import catalog_service_pb2 as catalog
from clothing_retrieval.v1.types_pb2 import Filter, Item
from storefront.line import Settings, router
from storefront.line.signature import sign
from tests.fake_gateway import Context, FakeGateway
from tests.fake_line import SECRET, TOKEN, FakeLine, Json


class Boutique(FakeGateway):
    """Lists only what meets the filter, as the real one does."""

    def ListItems(self, request: catalog.ListItemsRequest, context: Context) -> catalog.ListItemsResponse:
        all_items = self.items
        self.items = {id: item for id, item in all_items.items() if _meets(item, request.filter)}
        try:
            return super().ListItems(request, context)
        finally:
            self.items = all_items

    def add(self, id: str, **fields: Any) -> Item:
        self.items[id] = Item(id=id, **{"title": id.title(), "url": f"https://shop.example/{id}", **fields})
        return self.items[id]


def _meets(item: Item, wanted: Filter) -> bool:
    return all(getattr(item, condition.field) in condition.any_of.values for condition in wanted.all_of)


class Bot:
    def __init__(self, line: FakeLine, http: httpx.AsyncClient) -> None:
        self.line = line
        self.http = http

    async def receive(self, *events: Json, **headers: str) -> httpx.Response:
        """The bot gets the events in one webhook, signed unless a header says otherwise."""
        return await self.receive_bytes(json.dumps({"destination": "Ubot", "events": events}).encode(), **headers)

    async def receive_bytes(self, body: bytes, **headers: str) -> httpx.Response:
        given = {"X-Line-Signature": sign(body, SECRET), "Content-Type": "application/json", **headers}
        return await self.http.post("/line/webhook", content=body, headers=given)


@contextlib.asynccontextmanager
async def running(line: FakeLine, target: str, **settings: Any) -> AsyncIterator[Bot]:
    """Until the context ends: then the bot stops as it does when its server is told to."""
    given = Settings.model_validate(
        {
            "channel_secret": SECRET,
            "channel_access_token": TOKEN,
            "api_url": line.url,
            "blob_url": line.url,
            **settings,
        }
    )
    async with AsyncClient(target) as client:
        app = FastAPI()
        app.include_router(router(given, client))
        transport = httpx.ASGITransport(app)
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://bot") as http,
            app.router.lifespan_context(app),
        ):
            yield Bot(line, http)


async def settled(queue: "asyncio.Queue[Any]", count: int) -> list[Any]:
    """The next ones of a queue."""
    return [await asyncio.wait_for(queue.get(), 20) for _ in range(count)]
