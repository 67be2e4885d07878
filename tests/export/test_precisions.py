"""Model folders of untrained networks, as the exporters write them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from export.embedder import GarmentEmbedder
from export.export_embedder import export_embedder
from export.model_folder import FP32, files, measured_files, note_figures
from export.onnx_files import Pictures
from export.precisions import write_precisions
from serving.models import load_model


@pytest.fixture
def pictures() -> Pictures:
    coarse = np.random.default_rng(0).integers(0, 256, (4, 7, 7, 3), dtype=np.uint8)
    return coarse.repeat(32, axis=1).repeat(32, axis=2)  # (4, 224, 224, 3)


class OutOfRange(nn.Module):
    """Large numbers that cancel out, in single precision only."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(3, 2, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        return self.mix(image.float().mean(dim=(1, 2))) * 1e3 * 1e3 / 1e6


class Uneven(nn.Module):
    """Small numbers beside a large one that does not count: a float has room for both, one range of 8 bits has not."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([1e3, 1.0, 1.0]))
        self.choose = nn.Linear(3, 2, bias=False)
        self.choose.weight = nn.Parameter(torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))

    def forward(self, image: Tensor) -> Tensor:
        return self.choose(image.float().mean(dim=(1, 2)) / 255 * self.scale)


def test_an_embedders_folder_holds_all_precisions_and_what_is_measured_leaves_fp16_out(
    pictures: Pictures, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    folder = tmp_path / "small" / "1"
    export_embedder(GarmentEmbedder(0.5).eval(), pictures, folder)
    assert list(files(folder)) == ["fp32", "fp16", "int8"]
    assert list(measured_files(folder)) == ["fp32", "int8"]
    for device, precision in (("cpu", "int8"), ("cuda", "fp16")):
        served = load_model(tmp_path, "small", "embed", "auto", device)
        assert (served.precision, served.manifest.dimension) == (precision, 256)


def test_figures_change_nothing_else_in_a_manifest(tmp_path: Path) -> None:
    before = {"name": "small", "files": {}, "quality": {"old": 1.0}}
    (tmp_path / "model.json").write_text(json.dumps(before))
    note_figures(tmp_path, {"precision_at_5": 0.8})
    assert json.loads((tmp_path / "model.json").read_text()) == before | {"quality": {"precision_at_5": 0.8}}


def test_a_network_that_half_precision_cannot_hold_is_refused(pictures: Pictures, tmp_path: Path) -> None:
    torch.manual_seed(0)
    with pytest.raises(ValueError, match=r"model\.fp16\.onnx: cosine to model\.onnx is .*less than 0\.999"):
        write_precisions(OutOfRange(), tmp_path, "embedding", pictures)


def test_the_last_pictures_count_as_much_as_the_first(pictures: Pictures, tmp_path: Path) -> None:
    torch.manual_seed(0)
    dark = np.zeros((28, *pictures.shape[1:]), np.uint8)
    dark[:, :8, :8] = 5
    with pytest.raises(ValueError, match=r"model\.fp16\.onnx: cosine"):
        write_precisions(OutOfRange(), tmp_path, "embedding", np.concatenate([dark, pictures]))


def test_a_network_that_eight_bits_cannot_hold_is_refused(pictures: Pictures, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"model\.int8\.onnx: cosine to model\.onnx is .*less than 0\.95"):
        write_precisions(Uneven(), tmp_path, "embedding", pictures)


def test_a_network_whose_outputs_are_no_numbers_is_refused(pictures: Pictures, tmp_path: Path) -> None:
    class NoNumbers(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            return image.float().mean(dim=(1, 2)) * torch.nan

    with pytest.raises(ValueError, match=rf"{FP32}: differs from PyTorch by nan"):
        write_precisions(NoNumbers(), tmp_path, "embedding", pictures)


def test_a_file_that_differs_from_pytorch_is_refused(pictures: Pictures, tmp_path: Path) -> None:
    class Forgetful(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            scale = 1.0 if torch.onnx.is_in_onnx_export() else 2.0
            return image.float().mean(dim=(1, 2)) * scale

    with pytest.raises(ValueError, match=rf"{FP32}: differs from PyTorch by 5\.00e-01"):
        write_precisions(Forgetful(), tmp_path, "embedding", pictures)
