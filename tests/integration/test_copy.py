"""A collection from one search service into another, by the command."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from clothing_retrieval import copying, errors
from clothing_retrieval.copying import SearchServer, copy_collection
from clothing_retrieval.v1 import search_service_pb2 as pb
from clothing_retrieval.v1.types_pb2 import Embedding, Item
from search_service.milvus.settings import MilvusSettings
from search_service.settings import Settings
from search_service.worker import SearchWorker
from tests.servers import AT_ONCE, free_port, serving

DIGEST = "d" * 64
COUNT = 700  # more than a page


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[str]:
    settings = Settings(**AT_ONCE, data_dir=tmp_path / "source")
    async with serving(SearchWorker(settings), settings) as address:
        await asyncio.to_thread(fill, address)
        yield address


@pytest.fixture(params=["local", "milvus"])
async def target(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    settings = Settings(**AT_ONCE, data_dir=tmp_path / "target", backend=request.param)
    milvus = MilvusSettings(uri=str(tmp_path / "milvus.db"))
    async with serving(SearchWorker(settings, milvus), settings) as address:
        yield address


def item(number: int, title: str = "") -> pb.IndexedItem:
    vectors = np.random.default_rng(number).standard_normal((3, 8))
    vectors[1] = vectors[0]  # which is not stored
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return pb.IndexedItem(
        item=Item(id=f"{number:04}", title=title, category="top", price=number),
        views=[pb.View(category="top", embedding=Embedding(values=vector)) for vector in vectors[: number % 3 + 1]],
        fingerprint=f"{number} {title}",
        picture_jpeg=b"jpeg %d" % number if number % 2 else b"",
    )


def fill(address: str) -> None:
    with SearchServer(address) as server:
        server.create("shop", DIGEST, 8)
        for start in range(0, COUNT, 100):
            server.upsert("shop", DIGEST, [item(number) for number in range(start, start + 100)])


def content(address: str, name: str) -> list[pb.IndexedItem]:
    with SearchServer(address) as server:
        ids = [item_id for page in server.ids(name) for item_id in page]
        items = [each for start in range(0, len(ids), 64) for each in server.items(name, ids[start : start + 64])]
    for each in items:
        each.item.ClearField("update_time")
    return sorted(items, key=lambda each: str(each.item.id))


async def copied(*arguments: str) -> tuple[int, str, str]:
    command = [str(Path(sys.executable).with_name("clothing-retrieval")), "collections", "copy", *arguments]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    return process.returncode or 0, re.sub(r"[\d.]+ s", "_ s", out.decode()), err.decode()


async def test_a_copy_is_the_same_and_the_next_one_fetches_what_changed(source: str, target: str) -> None:
    command = ("shop", "--from", source, "--to", target, "--as", "moved")
    assert await copied(*command) == (0, f"{COUNT} copied, 0 were the same, in _ s\n", "")
    before, after = [await asyncio.to_thread(content, *place) for place in ((source, "shop"), (target, "moved"))]
    assert before == after
    assert len(before) == COUNT

    with SearchServer(source) as server:
        await asyncio.to_thread(server.upsert, "shop", DIGEST, [item(5, "new"), item(COUNT)])
        await asyncio.to_thread(server.delete, "shop", ["0000", "0001"])
    told = f"2 copied, {COUNT - 3} were the same, in _ s\n2 are only there: --prune deletes them\n"
    assert await copied(*command) == (0, told, "")
    told = f"0 copied, {COUNT - 1} were the same, in _ s\n2 were only there, and are deleted\n"
    assert await copied(*command, "--prune") == (0, told, "")
    code, out, _ = await copied(*command, "--json")
    told_again = {key: value for key, value in json.loads(out).items() if key != "took_s"}
    assert (code, told_again) == (
        0,
        {"copied": 0, "unchanged": COUNT - 1, "gone": 0, "only_there": 0, "pruned": False},
    )
    before, after = [await asyncio.to_thread(content, *place) for place in ((source, "shop"), (target, "moved"))]
    assert before == after


async def test_a_copy_that_broke_off_is_resumed(source: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    upsert, calls = SearchServer.upsert, 0

    def breaking(server: SearchServer, *arguments: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise errors.Unavailable("cut off")
        upsert(server, *arguments)  # type: ignore[arg-type]

    def run() -> copying.Copied:
        with SearchServer(source) as one, SearchServer(target) as other:
            return copy_collection(one, other, "shop", "shop")

    monkeypatch.setattr(SearchServer, "upsert", breaking)
    with pytest.raises(errors.Unavailable, match="cut off"):
        await asyncio.to_thread(run)
    done = await asyncio.to_thread(run)
    assert (done.copied, done.unchanged) == (COUNT - 128, 128)


async def test_what_is_deleted_meanwhile_is_not_looked_for_again(
    source: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = SearchServer.items

    def deleting(server: SearchServer, collection: str, ids: Sequence[str]) -> Sequence[pb.IndexedItem]:
        server.delete(collection, ["0005"])
        return items(server, collection, ids)

    def run() -> copying.Copied:
        with SearchServer(source) as one, SearchServer(target) as other:
            return copy_collection(one, other, "shop", "shop", prune=True)

    await asyncio.to_thread(run)
    with SearchServer(source) as server:
        await asyncio.to_thread(server.upsert, "shop", DIGEST, [item(5, "new")])
    monkeypatch.setattr(SearchServer, "items", deleting)
    assert await asyncio.to_thread(run) == copying.Copied(unchanged=COUNT - 1, gone=1, only_there=1)
    monkeypatch.undo()
    before, after = [await asyncio.to_thread(content, place, "shop") for place in (source, target)]
    assert (before == after, len(after)) == (True, COUNT - 1)


async def test_what_cannot_be_copied_is_told(source: str, target: str) -> None:
    code, _, err = await copied("none", "--from", source, "--to", target)
    assert (code, err) == (1, "clothing-retrieval: collection 'none' does not exist: there are shop\n")
    nobody = f"127.0.0.1:{free_port()}"
    code, _, err = await copied("shop", "--from", source, "--to", nobody)
    why = f"no search service answers at {nobody}: run it again to go on where it stopped"
    assert (code, err) == (1, f"clothing-retrieval: {why}\n")
    with SearchServer(target) as server:
        await asyncio.to_thread(server.create, "shop", "e" * 64, 8)
    code, _, err = await copied("shop", "--from", source, "--to", target)
    assert code == 1
    assert "collection 'shop' holds vectors of model eee" in err
