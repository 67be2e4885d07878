import asyncio

import pytest

from serving.tasks import all_of


async def test_results_come_in_order() -> None:
    async def after(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    assert await all_of(after(seconds) for seconds in (0.02, 0.01, 0)) == [0.02, 0.01, 0]


async def test_where_one_fails_the_others_stop() -> None:
    stopped = asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async def fails() -> None:
        raise ValueError("a bad one")

    with pytest.raises(ValueError, match="a bad one"):
        await all_of([waits(), fails()])
    await asyncio.wait_for(stopped.wait(), 10)
