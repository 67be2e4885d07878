"""Rolling restarts under load: with two replicas no search fails.

Nor does one while the only search service restarts: calls wait for it, and no item that was acknowledged is lost.
ROLLING_RESTARTS sets how often all replicas of each service are restarted (20).
"""

import asyncio
import os
from pathlib import Path

import pytest

from clothing_retrieval import AsyncClient
from tests.pictures import patched
from tests.replicas import calling, deployed, row
from tests.stack import item

ROUNDS = int(os.environ.get("ROLLING_RESTARTS", "20"))
REPLICATED = ("segment", "embed", "gateway")


@pytest.mark.timeout(600)
async def test_no_search_fails_while_replicas_of_all_services_are_restarted_one_by_one(tmp_path: Path) -> None:
    async with deployed(tmp_path, dict.fromkeys(REPLICATED, 2)) as deployment:
        target = deployment.target("gateway")
        async with AsyncClient(target) as client:
            async for _ in client.import_items([item("a", patched(0))]):
                pass

        async def roll(service: str) -> None:
            for _ in range(ROUNDS):
                answered = callers.answered
                await deployment.roll(service)
                assert callers.answered > answered

        async with calling(target, 2) as callers:
            await asyncio.gather(*map(roll, REPLICATED))
    assert [str(error) for error in callers.failures] == []
    row(
        f"two replicas each of segment, embed and gateway, restarted {ROUNDS} times",
        f"no failure; the slowest of {len(callers.calls):,} searches took {callers.longest_s():.1f} s",
        "",
    )


@pytest.mark.timeout(600)
async def test_while_the_search_service_restarts_calls_wait_and_nothing_is_lost(tmp_path: Path) -> None:
    async with deployed(tmp_path, {}) as deployment:
        target = deployment.target("gateway")
        (search,) = deployment.replicas["search"]
        async with calling(target, 2) as callers, AsyncClient(target) as client:
            stored = {"a"}
            for number in range(1, ROUNDS + 1):
                importing = asyncio.create_task(
                    client.import_items([item(f"{number:02}", patched(number))]).__anext__()
                )
                await search.restart()
                answer = await importing
                assert answer.status.code == 0, answer.status
                stored.add(answer.id)
                assert (await client.get_item(answer.id)).id == answer.id
                await callers.more(2)
            assert {found.id async for found in client.list_items()} == stored
    assert [str(error) for error in callers.failures] == []
    row(
        f"the search service, restarted {ROUNDS} times",
        f"no failure; the slowest of {len(callers.calls):,} searches took {callers.longest_s():.1f} s; imports wait",
        "",
    )
