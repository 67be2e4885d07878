"""An import into the real services, which are killed on the way."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from clothing_retrieval import AsyncClient
from clothing_retrieval.catalog.folder import read_folder
from clothing_retrieval.importer import Importer, Report
from clothing_retrieval.up import Options, Stack
from clothing_retrieval.up.stack import free_port

ITEMS = 40


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Pictures of noise: each is its own, and nothing is found in it."""
    random = np.random.default_rng(1)
    for number in range(ITEMS):
        folder = tmp_path / "shop" / ("dress", "bag")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        noise = random.integers(0, 256, (96, 64, 3), np.uint8)
        PIL.Image.fromarray(noise).save(folder / f"{number}.png")
    return tmp_path / "shop"


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    async with Stack(Options(tmp_path / "data", free_port()), lambda service, line: None, lambda line: None) as stack:
        await stack.ready()
        yield stack


@pytest.mark.parametrize("victim", ["gateway", "search"])
async def test_an_import_outlives_a_service_that_is_killed(stack: Stack, shop: Path, victim: str) -> None:
    killed: list[int] = []

    def kill_in_the_middle(report: Report) -> None:
        if report.settled >= ITEMS // 2 and not killed and (pid := stack.pids[victim]):
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)

    entries = read_folder(shop)
    async with AsyncClient(stack.target) as client:
        report = await Importer(client, whole_image=True, window=8, on_progress=kill_in_the_middle).run(entries)
        assert killed
        assert (report.complete, report.settled) == (True, ITEMS)
        assert len([item async for item in client.list_items()]) == ITEMS

        again = await Importer(client, whole_image=True).run(entries)
        assert again.unchanged == ITEMS

        photo = shop / "dress" / "0.png"
        response = await client.search(photo, whole_image=True, top_k=1)
        [match] = response.results[0].matches
        assert match.item.id == "dress/0"
        assert match.distance == pytest.approx(0, abs=0.01)
        assert await client.get_picture("dress/0")
