"""kill -9 of any one service in the middle of an import: what was acknowledged is there, the rest follows.

IMPORT_KILL_ITEMS sets how many items are imported (200).
"""

import os
from collections.abc import Sequence
from pathlib import Path

import grpc
import pytest

from clothing_retrieval.v1 import catalog_service_pb2
from clothing_retrieval.v1 import retrieval_service_pb2 as pb
from tests.pictures import message, patched
from tests.processes import SERVICES, Services, services
from tests.stack import item

ITEMS = int(os.environ.get("IMPORT_KILL_ITEMS", "200"))
DONE = (pb.IMPORT_OUTCOME_CREATED, pb.IMPORT_OUTCOME_UPDATED, pb.IMPORT_OUTCOME_UNCHANGED)


ALL = [item(f"item {number:04}", patched(number)) for number in range(ITEMS)]


async def import_killing(running: Services, killed: str, after: int) -> set[str]:
    """Imports all, kills a service after some answers, starts it again. Which items were acknowledged."""
    acknowledged: set[str] = set()
    stream = running.retrieval.ImportItems(iter(ALL), timeout=90)
    try:
        async for answer in stream:
            assert answer.outcome in DONE, answer.status
            acknowledged.add(answer.id)
            if len(acknowledged) == after:
                await running.kill_and_restart(killed)
    except grpc.aio.AioRpcError as error:
        assert killed == "gateway", error
        assert error.code() is grpc.StatusCode.UNAVAILABLE
    return acknowledged


async def stored(running: Services) -> set[str]:
    found: set[str] = set()
    token = ""
    while True:
        request = catalog_service_pb2.ListItemsRequest(page_size=1000, page_token=token)
        page = await running.catalog.ListItems(request, timeout=20)
        found |= {listed.id for listed in page.items}
        if not (token := page.next_page_token):
            return found


async def assert_found(running: Services, names: Sequence[str]) -> None:
    """Each is the nearest to its own picture."""
    for name in names:
        request = pb.SearchRequest(image=message(patched(int(name.split()[1]))), top_k=1)
        (result,) = (await running.retrieval.Search(request, timeout=20)).results
        assert [match.item.id for match in result.matches] == [name]


@pytest.mark.parametrize("killed", SERVICES)
async def test_what_was_acknowledged_is_found_and_importing_again_finishes_without_model_time_for_the_unchanged(
    tmp_path: Path, killed: str
) -> None:
    async with services(tmp_path) as running:
        await running.ready()
        acknowledged = await import_killing(running, killed, after=ITEMS // 3)
        await running.ready()
        assert len(acknowledged) >= ITEMS // 3
        if killed != "gateway":  # the import waited for the service, and went on
            assert len(acknowledged) == ITEMS
        assert acknowledged <= await stored(running)
        await assert_found(running, sorted(acknowledged)[:: max(1, len(acknowledged) // 40)])

        before = running.segmented()
        again = {answer.id: answer.outcome async for answer in running.retrieval.ImportItems(iter(ALL), timeout=90)}
        assert set(again.values()) <= set(DONE)
        assert {again[name] for name in acknowledged} == {pb.IMPORT_OUTCOME_UNCHANGED}
        changed = [name for name, outcome in again.items() if outcome != pb.IMPORT_OUTCOME_UNCHANGED]
        assert running.segmented() - before == len(changed)
        assert await stored(running) == {request.item.id for request in ALL}
