"""``evaluate`` with the real services and the shipped models, on a small sample boutique."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clothing_retrieval.catalog.boutique import Boutique, draw_boutique
from clothing_retrieval.v1 import retrieval_service_pb2 as pb
from tests.servers import REPOSITORY
from tests.stack import Stack, running

ITEMS = 40


@pytest.fixture(scope="module")
def boutique(tmp_path_factory: pytest.TempPathFactory) -> Boutique:
    return draw_boutique(tmp_path_factory.mktemp("boutique"), items=ITEMS, processes=1)


@pytest.fixture
async def stack(boutique: Boutique, tmp_path: Path) -> AsyncIterator[Stack]:
    async with running(None, tmp_path / "data", segment={"instances": 1}, embed={"instances": 1}) as stack:
        await command(stack, "import", str(boutique.catalogue))
        yield stack


async def command(stack: Stack, *arguments: str) -> str:
    """What the command line, in a process of its own, writes."""
    program = (sys.executable, "-c", "from clothing_retrieval.cli import main; main()")
    target = ("--target", stack.servers["gateway"].address)
    process = await asyncio.create_subprocess_exec(
        *program, *arguments, *target, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def best_rank(stack: Stack, photo: bytes, item: str) -> int | None:
    response = await stack.find(photo, top_k=100, category_matching=pb.CATEGORY_MATCHING_PREFER)
    found = ([match.item.id for match in result.matches] for result in response.results)
    return min((ids.index(item) + 1 for ids in found if item in ids), default=None)


async def test_second_shots_are_measured_as_searches_find_them(
    stack: Stack, boutique: Boutique, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    pairs = str(boutique.probe_folder / "pairs.csv")
    measured: dict[str, Any] = json.loads(
        await command(stack, "evaluate", pairs, "--variants", "--html", str(page), "--json")
    )

    photos = {probe.item.id: (boutique.probe_folder / probe.file).read_bytes() for probe in boutique.probes}
    ranks = [await best_rank(stack, photo, item) for item, photo in photos.items()]
    told = [rank for query in measured["queries"] for rank in query["ranks"].values()]
    assert (measured["pairs"], measured["searched_items"]) == (len(boutique.probes), ITEMS)
    assert told == ranks
    assert measured["hit"]["5"] == pytest.approx(np.mean([rank is not None and rank <= 5 for rank in ranks]), abs=1e-4)
    assert measured["hit"]["5"] > 0.5  # chance is an eighth for each garment
    assert measured["hit"]["1"] <= measured["mean_reciprocal_rank"]["100"] <= 1
    assert measured["variants"]["v2 prefer"]["hit"] == measured["hit"]
    assert measured["variants"]["v3 whole photo"]["whole_photo"] == len(boutique.probes)

    articles = re.findall(r"<article.*?</article>", page.read_text(), re.DOTALL)
    assert len(articles) == len(boutique.probes)
    for article, query in zip(articles, _worst_and_best(measured), strict=True):
        sources = re.findall(r'src="data:image/jpeg;base64,', article)
        whole = not query["garments"][0]
        assert len(sources) == 1 + (not whole) + 1 + 5  # the photo, the cutout, the sought item, the items found
        assert 'class="none"' not in article


async def test_photos_of_the_collection_itself_come_first(stack: Stack, boutique: Boutique) -> None:
    measured: dict[str, Any] = json.loads(await command(stack, "evaluate", str(boutique.catalogue), "--json"))
    assert measured["precision"]["1"] == 1.0
    assert 0 < measured["recall"]["5"] <= measured["recall_limit"]["5"]
    assert 0.5 < measured["mean_average_precision"]["100"] < 1
    kinds = [one.category for one in boutique.items]
    counts = {query["category"]: query["in_collection"] for query in measured["queries"]}
    assert counts == {kind: kinds.count(kind) for kind in kinds}


def _worst_and_best(measured: dict[str, Any]) -> list[dict[str, Any]]:
    ranked = sorted(measured["queries"], key=lambda query: query["mean_reciprocal_rank"])
    half = (len(ranked) + 1) // 2
    return [*ranked[:half], *reversed(ranked[half:])]
