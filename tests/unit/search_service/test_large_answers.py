"""Answers that a message cannot hold."""

from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from clothing_retrieval.v1 import catalog_service_pb2, search_service_pb2
from search_service.calls import Calls
from search_service.catalog_servicer import CatalogServicer
from search_service.servicer import SearchServicer
from serving.errors import InvalidField
from tests.unit.search_service.indexes import made, opened, record, unit

ITEM_BYTES = 40_000
CONTEXT = Mock(time_remaining=lambda: None)


@pytest.fixture
async def calls(tmp_path: Path) -> AsyncIterator[Calls]:
    """On a shop of 1,000 large items."""
    calls = Calls(threads=1, queue=8, write_queue=8)
    with opened(tmp_path) as index:
        shop = made(index)
        for start in range(0, 1000, 100):
            items = [record(f"{i:03}", unit(i), title="x" * ITEM_BYTES) for i in range(start, start + 100)]
            index.upsert(shop, items).result()
        calls.index = index
        yield calls
        calls.stop()


async def test_a_page_of_large_items_ends_early(calls: Calls) -> None:
    servicer, found, token = CatalogServicer(calls), [], ""
    while not found or token:
        page = await servicer.ListItems(
            catalog_service_pb2.ListItemsRequest(collection="shop", page_size=1000, page_token=token), CONTEXT
        )
        assert 0 < page.ByteSize() < 17 << 20
        found += [item.id for item in page.items]
        token = page.next_page_token
    assert found == [f"{i:03}" for i in range(1000)]


async def test_a_search_for_too_many_large_items_is_refused(calls: Calls) -> None:
    servicer, probe = SearchServicer(calls), search_service_pb2.Probe(item_id="007")
    request = search_service_pb2.QueryRequest(collection="shop", probes=[probe] * 10, top_k=80)
    with pytest.raises(InvalidField, match="top_k: 80 items a probe have 32"):
        await servicer.Query(request, CONTEXT)
    request.top_k = 70
    assert (await servicer.Query(request, CONTEXT)).ByteSize() < 32 << 20
