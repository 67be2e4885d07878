"""Items of a kind, chosen at random."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Sequence

from clothing_retrieval import AsyncClient
from clothing_retrieval.v1.types_pb2 import Item
from storefront.line.kinds import Kind
from storefront.line.settings import Settings

_POOL = 200
_POOL_S = 300.0
_MOST_READ = 20_000
_PAGE = 1000


class Assortment:
    """Chooses among all items of a kind that are not sold out (the first 20,000 by their ids).

    A catalogue lists its items in one order only, so all of a kind are read, and 200 of them, each as likely as any
    other, are kept for five minutes: a tap on a button must not cost a walk through the catalogue.
    """

    def __init__(self, client: AsyncClient, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._random = random.Random()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._pools: dict[str, tuple[float, Sequence[Item]]] = {}

    async def some(self, kind: Kind) -> Sequence[Item]:
        """As many as an answer has, or all where there are fewer. Raises RetrievalError."""
        async with self._turns[kind.label]:
            until, pool = self._pools.get(kind.label, (0.0, ()))
            if time.monotonic() >= until:
                pool = await self._draw(kind)
                self._pools[kind.label] = (time.monotonic() + _POOL_S, pool)
        return self._random.sample(pool, min(self._settings.items, len(pool)))

    async def _draw(self, kind: Kind) -> Sequence[Item]:
        """Reservoir sampling: Vitter, Random Sampling with a Reservoir (1985), algorithm R."""
        pool: list[Item] = []
        seen = read = 0
        wanted = kind.filter(self._settings)
        async for item in self._client.list_items(collection=self._settings.collection, filter=wanted, page_size=_PAGE):
            read += 1
            if not (item.HasField("in_stock") and not item.in_stock):
                seen += 1
                if len(pool) < _POOL:
                    pool.append(item)
                elif (place := self._random.randrange(seen)) < _POOL:
                    pool[place] = item
            if read >= _MOST_READ:
                break
        return pool
