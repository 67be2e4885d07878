"""Rewritten graphs give what they gave; where they fit nothing, they stay."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn
from torch.nn import functional

from export.graphs import Normalise
from export.integer_ops import enlarge_in_integers, score_in_integers
from export.onnx_files import Floats, Pictures, quantise, run, write_onnx


class Enlarging(nn.Module):
    """A small map enlarged, summed, and scored: the parser's head in little."""

    def __init__(self, sides: int = 2, mode: str = "bilinear") -> None:
        super().__init__()
        torch.manual_seed(1)
        self.normalise = Normalise([127], [128])
        self.small = nn.Conv2d(3, 8, 3, stride=4 * sides, padding=1)
        self.large = nn.Conv2d(3, 8, 3, stride=4, padding=1)
        self.classifier = nn.Conv2d(8, 5, 1)
        self.mode = mode

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        planes = self.normalise(image)
        large = self.large(planes)
        total = large + functional.interpolate(self.small(planes), size=large.shape[2:], mode=self.mode)
        return self.classifier(functional.relu(total))


def quantised(graph: nn.Module, pictures: Pictures, folder: Path) -> onnx.ModelProto:
    """As onnxruntime's quantiser leaves it."""
    write_onnx(graph, folder / "fp32.onnx", "logits", *pictures.shape[1:3])
    quantise(folder / "fp32.onnx", folder / "int8.onnx", pictures, in_float=("/classifier/",))
    return onnx.load(str(folder / "int8.onnx"))


def answers(model: onnx.ModelProto, file: Path, pictures: Pictures) -> Floats:
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(file))
    return run(file, pictures)


def kinds(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def test_enlarging_gives_the_same_but_for_ties(pictures: Pictures, tmp_path: Path) -> None:
    model = quantised(Enlarging(), pictures, tmp_path)
    before = answers(model, tmp_path / "before.onnx", pictures)
    assert enlarge_in_integers(model) == 1
    assert kinds(model)["Resize"] == 0
    after = answers(model, tmp_path / "after.onnx", pictures)
    assert after.shape == before.shape
    # A tie is rounded to even by one and may not be by the other: one step of the quantised sum, in few places.
    assert np.abs(after - before).max() < 0.1 * np.ptp(before)
    assert np.abs(after - before).mean() < 0.01 * np.ptp(before)
    assert (after == before).mean() > 0.5


def test_scores_differ_by_the_rounding_of_weights_alone(pictures: Pictures, tmp_path: Path) -> None:
    model = quantised(Enlarging(), pictures, tmp_path)
    before = answers(model, tmp_path / "before.onnx", pictures)
    assert score_in_integers(model)
    assert kinds(model)["MatMulInteger"] == 1
    after = answers(model, tmp_path / "after.onnx", pictures)
    assert after.dtype == np.float32
    assert np.abs(after - before).max() < 8 / 63 / 2 * np.ptp(before)
    assert len(np.unique(after)) > 256


@pytest.mark.parametrize(("sides", "mode"), [(4, "bilinear"), (2, "nearest")])
def test_other_enlarging_stays(sides: int, mode: str, pictures: Pictures, tmp_path: Path) -> None:
    model = quantised(Enlarging(sides, mode), pictures, tmp_path)
    before = answers(model, tmp_path / "before.onnx", pictures)
    assert enlarge_in_integers(model) == 0
    assert kinds(model)["Resize"] == 1
    assert np.array_equal(answers(model, tmp_path / "after.onnx", pictures), before)


def test_a_graph_that_ends_otherwise_stays(pictures: Pictures, tmp_path: Path) -> None:
    write_onnx(Enlarging(), tmp_path / "fp32.onnx", "logits", *pictures.shape[1:3])
    model = onnx.load(str(tmp_path / "fp32.onnx"))
    before = model.SerializeToString()
    assert not score_in_integers(model)
    assert model.SerializeToString() == before
