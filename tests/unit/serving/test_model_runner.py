import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from serving import onnx_engine
from serving.deadline import NO_DEADLINE, Deadline
from serving.errors import DeadlineExceeded
from serving.model_runner import ModelRunner
from serving.models import ModelError
from serving.onnx_engine import load_onnx
from serving.settings import WorkerSettings
from tests.engines import (
    DIMENSION,
    GARMENTS,
    PARSER_SIZE,
    SIDE,
    embedder_graph,
    expected_embedding,
    write_embedder,
    write_model,
    write_parser,
    write_slow_embedder,
)
from tests.pictures import Raster, noise, raster
from tests.samples import sample


def runner(folder: Path, kind: str = "embed", **settings: Any) -> ModelRunner:
    model, output = ("garment-embedder", "embedding") if kind == "embed" else ("clothing-parser", "logits")
    chosen = WorkerSettings(models_dir=str(folder), **settings)
    load = functools.partial(load_onnx, chosen, kind=kind, model=model, output=output)
    return ModelRunner(chosen, stage="test", load=load)


@asynccontextmanager
async def started(folder: Path, **settings: Any) -> AsyncIterator[ModelRunner]:
    running = runner(folder, **settings)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


def pictures(count: int) -> list[Raster]:
    return [raster(noise(SIDE, SIDE, seed)) for seed in range(count)]


@pytest.mark.parametrize("settings", [{}, {"max_batch": 8, "instances": 1}, {"max_batch": 4, "instances": 3}])
async def test_each_picture_gets_its_own_vector_whatever_the_batches(tmp_path: Path, settings: dict[str, Any]) -> None:
    write_embedder(tmp_path)
    async with started(tmp_path, **settings) as running:
        work = pictures(20)
        vectors = await asyncio.gather(*(running.run(picture, NO_DEADLINE) for picture in work))
    np.testing.assert_allclose(vectors, [expected_embedding(picture) for picture in work], atol=1e-5)


async def test_a_picture_that_is_alone_gets_the_very_same_vector(tmp_path: Path) -> None:
    write_embedder(tmp_path)
    (picture,) = pictures(1)
    async with started(tmp_path, instances=2) as running:
        alone = await running.run(picture, NO_DEADLINE, alone=True)
        np.testing.assert_array_equal(alone, await running.run(picture, NO_DEADLINE))


@pytest.mark.parametrize(
    ("cpus", "instances", "threads", "widest"), [(1, 0, 1, None), (2, 0, 1, 2), (16, 0, 1, 4), (16, 2, 8, None)]
)
def test_a_wide_engine_is_there_where_it_has_more_threads_than_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cpus: int, instances: int, threads: int, widest: int | None
) -> None:
    write_embedder(tmp_path)
    asked: list[int] = []
    monkeypatch.setattr(onnx_engine, "available_cpus", lambda: cpus)
    monkeypatch.setattr(onnx_engine, "OnnxEngine", lambda *arguments: asked.append(arguments[-1]))
    settings = WorkerSettings(models_dir=str(tmp_path), instances=instances)
    load_onnx(settings, kind="embed", model="garment-embedder", output="embedding")
    assert asked == [threads] * (instances or cpus) + ([widest] if widest else [])


async def test_it_describes_the_embedder_that_it_serves(tmp_path: Path) -> None:
    write_embedder(tmp_path, "7")
    async with started(tmp_path, instances=3) as running:
        model = running.describe()
        assert sample("clothing_engines", stage="test") == 3
    assert (model.name, model.version, model.device) == ("garment-embedder", "7", "cpu")
    assert (model.dimension, model.input_size, list(model.categories)) == (DIMENSION, SIDE, [])
    assert model.digest == running.served.manifest.files["fp32"].sha256
    labels = {"name": model.name, "version": "7", "digest": model.digest, "device": "cpu", "precision": "fp32"}
    assert sample("clothing_model_info", **labels) == 1


async def test_it_describes_the_parser_that_it_serves(tmp_path: Path) -> None:
    write_parser(tmp_path)
    running = runner(tmp_path, "segment")
    await running.start()
    assert list(running.describe().categories) == list(GARMENTS)
    assert running.describe().input_size == 0
    await running.stop()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"dimension": 64}, rf"embedding of 1 pictures has shape \(1, {DIMENSION}\), by model\.json it is \(1, 64\)"),
        ({"input": {"height": 64, "width": 64}}, r"input is image .* 64, 64, 3\] is needed"),
    ],
)
async def test_a_graph_that_is_not_what_its_manifest_says_stops_the_start(
    tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    write_embedder(tmp_path, **changes)
    with pytest.raises(ModelError, match=problem):
        await runner(tmp_path).start()


async def test_a_parser_with_more_labels_in_its_manifest_than_in_its_graph_stops_the_start(tmp_path: Path) -> None:
    write_parser(tmp_path, labels=["background", *GARMENTS, "skin", "hair"])
    with pytest.raises(ModelError, match=r"\(1, 6, 32, 24\), by model\.json it is \(1, 7, height, width\)"):
        await runner(tmp_path, "segment").start()


async def test_a_parser_of_one_size_finds_its_pictures_in_another_layout_refused(tmp_path: Path) -> None:
    write_parser(tmp_path, input={"height": PARSER_SIZE[1], "width": PARSER_SIZE[0]})
    with pytest.raises(ModelError, match=r"96, 128, 3\] is needed"):
        await runner(tmp_path, "segment").start()


async def test_work_past_its_deadline_is_not_run(tmp_path: Path) -> None:
    write_embedder(tmp_path)
    async with started(tmp_path) as running:
        with pytest.raises(DeadlineExceeded):
            await running.run(pictures(1)[0], Deadline.after(-1))


async def test_an_engine_that_failed_is_tried_again_by_the_check(tmp_path: Path) -> None:
    write_model(tmp_path, _manifest(tmp_path), _fragile())
    async with started(tmp_path) as running:
        assert await running.check() is None
        bad = np.full((SIDE, SIDE, 3), 255, np.uint8)
        with pytest.raises(Exception, match="indices"):
            await running.run(bad, NO_DEADLINE)
        assert await running.check() is None  # the blank picture went through again
        assert (await running.run(np.zeros((SIDE, SIDE, 3), np.uint8), NO_DEADLINE)).shape == (DIMENSION,)


async def test_an_engine_that_is_stuck_in_a_run_is_told_and_serves_again_when_it_is_free(tmp_path: Path) -> None:
    write_slow_embedder(tmp_path, 5000)
    async with started(tmp_path, instances=1, stall_s=0.05) as running:
        running_long = asyncio.create_task(running.run(np.full((SIDE, SIDE, 3), 255, np.uint8), NO_DEADLINE))
        async with asyncio.timeout(30):
            while not (problem := await running.check()):
                await asyncio.sleep(0.01)
        assert problem == "an engine has been busy with one batch for more than 0.05 s"
        await running_long
        await asyncio.sleep(0)
        assert await running.check() is None


async def test_before_the_start_it_cannot_run(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="not started"):
        await runner(tmp_path).run(pictures(1)[0], NO_DEADLINE)
    await runner(tmp_path).stop()


def _manifest(folder: Path) -> dict[str, Any]:
    return {
        "name": "garment-embedder", "version": "1", "kind": "embed", "license": "MIT", "data": [], "quality": {},
        "dimension": DIMENSION, "input": {"height": SIDE, "width": SIDE},
    }  # fmt: skip


def _fragile() -> onnx.ModelProto:
    """The embedder, but failing on any picture that is not black: its brightest value is looked up in a 1-row table."""
    model = embedder_graph(output="raw")
    graph = model.graph
    graph.node.extend(
        [
            helper.make_node("ReduceMax", ["pixels"], ["brightest"], axes=[0, 1, 2, 3], keepdims=0),
            helper.make_node("Cast", ["brightest"], ["row"], to=TensorProto.INT64),
            helper.make_node("Gather", ["table", "row"], ["one"]),
            helper.make_node("Mul", ["raw", "one"], ["embedding"]),
        ]
    )
    graph.initializer.append(numpy_helper.from_array(np.ones((1, 1), np.float32), "table"))
    graph.output[0].name = "embedding"
    return model
