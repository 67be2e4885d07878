import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from serving.models import ModelError
from serving.onnx_engine import OnnxEngine
from tests.engines import DIMENSION, SIDE, embedder_graph, expected_embedding
from tests.servers import REPOSITORY


@pytest.fixture
def embedder(tmp_path: Path) -> Path:
    file = tmp_path / "model.onnx"
    file.write_bytes(embedder_graph().SerializeToString())
    return file


def engine(
    file: Path, size: tuple[int, int] = (SIDE, SIDE), output: str = "embedding", device: Any = "cpu"
) -> OnnxEngine:
    return OnnxEngine(file, size, output, device, threads=1)


def test_it_runs_batches_of_any_size_and_answers_in_order(embedder: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), np.uint8)
    vectors = engine(embedder).run(pictures)
    assert vectors.shape == (3, DIMENSION)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [expected_embedding(picture) for picture in pictures], atol=1e-5)


def test_a_graph_of_another_input_size_is_refused_with_both(embedder: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.onnx: input is image .*32, 32.*, 64, 48, 3\] is needed"):
        engine(embedder, size=(64, 48))


def test_a_graph_without_the_output_is_refused(embedder: Path) -> None:
    with pytest.raises(ModelError, match=r"outputs are .*embedding.*logits.* is needed"):
        engine(embedder, output="logits")


def test_a_graph_of_another_input_type_is_refused(tmp_path: Path) -> None:
    graph = embedder_graph()
    graph.graph.input[0].type.tensor_type.elem_type = 1
    file = tmp_path / "model.onnx"
    file.write_bytes(graph.SerializeToString())
    with pytest.raises(ModelError, match=r"tensor\(float\)"):
        engine(file)


@pytest.mark.parametrize("content", [b"", b"not a graph", bytes(1000)])
def test_a_file_that_is_no_graph_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.onnx"):
        engine(file)


@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_a_device_that_is_not_there_is_an_error_never_a_fall_back(embedder: Path, device: str) -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    with pytest.raises(ModelError, match=f"device '{device}' was asked for"):
        engine(embedder, device=device)


def test_onnxruntime_reports_nothing_and_leaves_no_identity_behind(embedder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    script = (
        "import sys; from pathlib import Path; from serving.onnx_engine import OnnxEngine; "
        f"OnnxEngine(Path(sys.argv[1]), ({SIDE}, {SIDE}), 'embedding', 'cpu', threads=1)"
    )
    # It is silent by itself where CI is set.
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    own = {"HOME": str(home), "XDG_CACHE_HOME": str(home), "TMPDIR": str(home)}
    subprocess.run(
        [sys.executable, "-c", script, embedder], env=environment | own, cwd=REPOSITORY, check=True, timeout=60
    )
    assert list(home.rglob("*")) == []
