"""Searches that go on and on, and what became of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from clothing_retrieval.v1 import retrieval_service_pb2, retrieval_service_pb2_grpc
from tests.pictures import message, patched
from tests.stack import item

ITEMS = 4
_AT_A_TIME = 3


class Shopper:
    """Searches with the photo of one item after another."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.answered = 0
        self.failures: list[str] = []
        self._retrieval = retrieval_service_pb2_grpc.RetrievalServiceStub(channel)
        self._changed = asyncio.Condition()

    async def fill(self) -> None:
        """Imports what will be searched for."""
        stream = self._retrieval.ImportItems(
            iter([item(str(number), patched(number)) for number in range(ITEMS)]), timeout=60
        )
        outcomes = [answer.outcome async for answer in stream]
        assert outcomes == [retrieval_service_pb2.IMPORT_OUTCOME_CREATED] * ITEMS

    async def answers(self, count: int, timeout_s: float = 60) -> None:
        """Waits for as many more answers."""
        wanted = self.answered + count
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: self.answered >= wanted or self.failures)
        assert self.failures == []

    async def go_on(self) -> None:
        await asyncio.gather(*(self._search_on(first) for first in range(_AT_A_TIME)))

    async def _search_on(self, number: int) -> None:
        while True:
            failure = await self._search(number % ITEMS)
            async with self._changed:
                self.answered += 1
                self.failures += [failure] if failure else []
                self._changed.notify_all()
            number += 1

    async def _search(self, number: int) -> str | None:
        request = retrieval_service_pb2.SearchRequest(image=message(patched(number)))
        try:
            response: Any = await self._retrieval.Search(request, timeout=20)
        except grpc.aio.AioRpcError as error:
            return f"{error.code()}: {error.details()}"
        found = [result.matches[0].item.id for result in response.results]
        return None if found == [str(number)] else f"found {found} for {number}"


@asynccontextmanager
async def shopping(channel: grpc.aio.Channel) -> AsyncIterator[Shopper]:
    """Imports, then searches until it is left. No search may have failed then."""
    shopper = Shopper(channel)
    await shopper.fill()
    going_on = asyncio.create_task(shopper.go_on())
    try:
        yield shopper
    finally:
        going_on.cancel()
        await asyncio.wait([going_on])
    assert shopper.failures == []
