import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from serving.models import DEFAULT_FOLDER
from serving.verification import agreement, drawn_pictures, main, newest_versions, verify
from tests.engines import DIMENSION, embedder_graph, write_embedder, write_parser


@pytest.fixture
def embedder(tmp_path: Path) -> Path:
    version = write_embedder(tmp_path)
    (version / "README.md").write_text("# a card")
    return version


def manifest_of(version: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((version / "model.json").read_text())
    return manifest


def rewrite(version: Path, **changes: Any) -> None:
    (version / "model.json").write_text(json.dumps(manifest_of(version) | changes))


def put(version: Path, data: bytes, precision: str = "fp32") -> None:
    """A file with the digest that the manifest then names."""
    path = {"fp32": "model.onnx", "fp16": "model.fp16.onnx", "int8": "model.int8.onnx"}[precision]
    (version / path).write_bytes(data)
    entry = {"path": path, "sha256": hashlib.sha256(data).hexdigest()}
    rewrite(version, files=manifest_of(version)["files"] | {precision: entry})


def without_unit_length() -> bytes:
    graph = embedder_graph()
    graph.graph.node[-1].CopyFrom(onnx.helper.make_node("Identity", ["centred"], ["embedding"]))
    return graph.SerializeToString()


def with_another_output_for_batches() -> bytes:
    """Subtracts the batch's mean, so that a picture's vector depends on its neighbours."""
    graph = embedder_graph()
    normalise = graph.graph.node.pop()
    normalise.input[0] = "shifted"
    mean = onnx.helper.make_node("ReduceMean", ["centred"], ["mean"], axes=[0], keepdims=1)
    half = onnx.helper.make_node("Mul", ["mean", "grey"], ["half"])
    shifted = onnx.helper.make_node("Sub", ["centred", "half"], ["shifted"])
    graph.graph.node.extend([mean, half, shifted, normalise])
    return graph.SerializeToString()


def negated() -> bytes:
    graph = embedder_graph()
    subtract = graph.graph.node[4]
    subtract.input[0], subtract.input[1] = subtract.input[1], subtract.input[0]
    return graph.SerializeToString()


def turned_by(share: float) -> bytes:
    """Adds to each vector, before it is normalised, so much of its neighbour's place."""
    graph = embedder_graph()
    normalise = graph.graph.node.pop()
    normalise.input[0] = "turned"
    mix = np.eye(DIMENSION) + share * np.eye(DIMENSION, k=1)
    graph.graph.initializer.append(onnx.numpy_helper.from_array(mix.astype(np.float32), "mix"))
    graph.graph.node.extend([onnx.helper.make_node("MatMul", ["centred", "mix"], ["turned"]), normalise])
    return graph.SerializeToString()


def test_a_sound_folder_has_no_problems(embedder: Path, tmp_path: Path) -> None:
    parser = write_parser(tmp_path)
    (parser / "README.md").write_text("# a card")
    assert verify(embedder).problems == verify(parser).problems == []


@pytest.mark.parametrize("folder", newest_versions(DEFAULT_FOLDER), ids=lambda folder: folder.parent.name)
def test_the_shipped_folders_verify(folder: Path) -> None:
    report = verify(folder)
    assert report.problems == []
    assert any("fp32" in what for _, what, _ in report.rows)


def test_a_missing_file_is_named(embedder: Path) -> None:
    (embedder / "model.onnx").unlink()
    (problem,) = verify(embedder).problems
    assert problem.startswith(f"{embedder}/model.onnx: No such file")
    assert "export" in problem


def test_a_flipped_byte_is_found(embedder: Path) -> None:
    data = bytearray((embedder / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (embedder / "model.onnx").write_bytes(data)
    (problem,) = verify(embedder).problems
    assert problem.startswith(f"{embedder}/model.onnx: SHA-256 is ")


def test_a_truncated_graph_with_its_own_digest_cannot_be_loaded(embedder: Path) -> None:
    put(embedder, (embedder / "model.onnx").read_bytes()[:-40])
    (problem,) = verify(embedder).problems
    assert problem.startswith(f"{embedder}/model.onnx: onnxruntime cannot load it")
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("changes", "side"), [({"dimension": 7}, "output"), ({"input": {"height": 16, "width": 16}}, "input")]
)
def test_a_manifest_of_another_shape_is_told_both_shapes(embedder: Path, changes: dict[str, Any], side: str) -> None:
    rewrite(embedder, **changes)
    (problem,) = verify(embedder).problems
    assert problem.startswith(f"{embedder}/model.onnx: {side} is ")
    assert "by model.json it is" in problem


def test_a_manifest_that_is_not_one_is_named(embedder: Path) -> None:
    (embedder / "model.json").write_text("{")
    (problem,) = verify(embedder).problems
    assert problem.startswith(f"{embedder}/model.json: ")
    assert "\n" not in problem


def test_a_missing_card_is_the_only_problem_of_a_sound_model(embedder: Path) -> None:
    (embedder / "README.md").unlink()
    (problem,) = verify(embedder).problems
    assert problem.startswith(f"{embedder}/README.md: ")


def test_vectors_of_other_lengths_are_found(embedder: Path) -> None:
    put(embedder, without_unit_length())
    (problem,) = verify(embedder).problems
    assert "off length 1" in problem


def test_a_picture_whose_vector_depends_on_its_batch_is_found(embedder: Path) -> None:
    put(embedder, with_another_output_for_batches())
    (problem,) = verify(embedder).problems
    assert "in a batch of 3" in problem


def test_int8_that_says_something_else_is_found(embedder: Path) -> None:
    put(embedder, negated(), "int8")
    (problem,) = verify(embedder).problems
    assert problem.startswith(f"{embedder}/model.int8.onnx: cosine to fp32 is -1.000")


def test_fp16_is_held_to_more_than_int8(embedder: Path) -> None:
    for precision in ("fp16", "int8"):
        put(embedder, turned_by(0.1), precision)
    (problem,) = verify(embedder).problems
    assert problem.startswith(f"{embedder}/model.fp16.onnx: cosine to fp32 is 0.9")
    assert "less than 0.999: convert again" in problem


def test_the_pictures_are_the_same_every_time() -> None:
    assert np.array_equal(drawn_pictures(48, 32), drawn_pictures(48, 32))


def test_agreement_of_labels_is_the_share_of_cells_where_fp32_is_sure() -> None:
    expected = np.array([[2, 0, 0, 0.1], [0, 2, 0, 0], [0, 0, 0.1, 0]], np.float32)[None, :, :, None]
    found = np.array([[1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]], np.float32)[None, :, :, None]
    assert agreement("segment", expected, found) == 0.5
    assert agreement("segment", np.zeros_like(expected), found) == 1  # sure of none: all count, and 0 comes first


def test_all_right_exits_with_0_and_fits_80_columns(
    embedder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([str(embedder)]) == 0
    out = capsys.readouterr().out
    assert "all right" in out
    assert max(map(len, out.splitlines())) <= 80


def test_json_tells_all_of_a_folder_on_a_line(embedder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (embedder / "README.md").unlink()
    assert main(["--json", str(embedder)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["folder"] == str(embedder)
    assert {"file": "model.json", "check": "manifest", "figure": "embed"} in told["checks"]
    assert len(told["problems"]) == 1


def test_a_problem_exits_with_1_and_one_line(embedder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (embedder / "README.md").unlink()
    assert main([str(embedder)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
