"""Checkpoints of untrained networks, ours and as mmsegmentation ships them, turned into model folders."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import save_checkpoint
from mmseg.registry import MODELS
from typer.testing import CliRunner, Result

from export.__main__ import app
from export.drawn import drawn_photo
from export.export_parser import calibration_pictures, load_parser
from export.labels import GARMENTS, LABELS
from export.model_folder import FP32
from export.onnx_files import parity, run
from export.parser_description import class_names, input_size
from export.parser_graphs import WholeParserGraph
from serving.models import load_model
from serving.verification import verify
from tests.engines import write_parser

OWN = f"""
_base_ = ["{Path(__file__).parents[2] / "export" / "configs" / "parser_base.py"}"]
model = dict(data_preprocessor=dict(size=(64, 48)))
"""
FOREIGN = """
crop_size = (64, 48)
train_dataloader = dict(dataset=dict(type="ADE20KDataset", pipeline=[dict(type="LoadImageFromFile")]))
norm_cfg = dict(type="SyncBN")
model = dict(
    type="EncoderDecoder",
    pretrained="open-mmlab://resnet50_v1c",
    data_preprocessor=dict(
        type="SegDataPreProcessor", mean=[123.0, 116.0, 103.0], std=[58.0, 57.0, 56.0], bgr_to_rgb=True,
    ),
    backbone=dict(type="ResNetV1c", depth=18, base_channels=8, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4)),
    neck=dict(type="FPN", in_channels=[8, 16, 32, 64], out_channels=16, num_outs=4),
    decode_head=dict(
        type="FCNHead", in_channels=16, in_index=1, channels=8, num_convs=1, concat_input=False, num_classes=3,
        norm_cfg=norm_cfg, align_corners=False,
    ),
    auxiliary_head=dict(
        type="FCNHead", in_channels=16, in_index=2, channels=8, num_convs=1, num_classes=3, norm_cfg=norm_cfg,
        align_corners=False,
    ),
    test_cfg=dict(mode="slide", crop_size=(64, 48), stride=(32, 32)),
)
"""
POOLING = FOREIGN.replace(
    'type="FCNHead", in_channels=16, in_index=1, channels=8, num_convs=1, concat_input=False,',
    'type="PSPHead", in_channels=16, in_index=1, channels=8, pool_scales=(1, 2, 3, 6),',
)
PROVENANCE = ("--license", "MIT", "--data", "drawn people", "--data", "painted people")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    for number in range(4):
        cv2.imwrite(str(folder / f"{number}.png"), drawn_photo(number, probe=False)[0][..., ::-1])
    return folder


def save(folder: Path, text: str, meta: dict[str, Any] | None = None) -> tuple[str, ...]:
    """A config, and a checkpoint of its untrained network. Returns the options that name them."""
    (folder / "net.py").write_text(text)
    config = Config.fromfile(folder / "net.py")
    init_default_scope("mmseg")
    torch.manual_seed(0)
    config.model.pop("pretrained", None)
    network = MODELS.build(config.model)
    torch.nn.init.normal_(network.decode_head.conv_seg.weight, std=0.5)
    classes = LABELS if config.model.decode_head.num_classes == len(LABELS) else ("sky", "top", "coat")
    meta = {"dataset_meta": {"classes": classes}} if meta is None else meta
    save_checkpoint({"meta": meta, "state_dict": network.state_dict()}, str(folder / "net.pth"))
    return "--config", str(folder / "net.py"), "--checkpoint", str(folder / "net.pth")


def export(folder: Path, shop: Path, *options: str) -> Result:
    places = ("--shop", str(shop), "--out", str(folder / "models" / "parser" / "1"))
    result = CliRunner().invoke(app, ["export-parser", *options, *places], env={"COLUMNS": "400"})
    print(result.output)
    return result


def test_a_foreign_checkpoint_becomes_a_folder_that_is_served(tmp_path: Path, shop: Path) -> None:
    files = save(tmp_path, FOREIGN)
    result = export(tmp_path, shop, *files, *PROVENANCE)
    assert result.exit_code == 0, result.exception
    folder = tmp_path / "models" / "parser" / "1"
    for precision in ("fp32", "fp16", "int8"):
        manifest = load_model(tmp_path / "models", "parser", "segment", precision, "cpu").manifest
    assert (manifest.labels, manifest.garments) == (["sky", "top", "coat"], ["top"])
    assert (manifest.input.height, manifest.input.width) == (64, 48)
    assert (manifest.license, manifest.data) == ("MIT", ["drawn people", "painted people"])
    pictures = calibration_pictures(None, shop, (64, 48))
    network = load_parser(Config.fromfile(tmp_path / "net.py"), tmp_path / "net.pth")
    assert parity(WholeParserGraph(network, bgr=True), folder / FP32, pictures) < 1e-4
    assert run(folder / FP32, pictures).shape == (4, 3, 8, 6)
    (problem,) = verify(folder).problems
    assert "no model card" in problem


@torch.no_grad()
@pytest.mark.parametrize("text", [FOREIGN, POOLING], ids=["convolutions", "pools to sizes that do not divide"])
def test_its_logits_are_those_of_mmsegmentations_own_preprocessing(tmp_path: Path, shop: Path, text: str) -> None:
    result = export(tmp_path, shop, *save(tmp_path, text), *PROVENANCE)
    assert result.exit_code == 0, result.exception
    pictures = calibration_pictures(None, shop, (64, 48))
    network = load_parser(Config.fromfile(tmp_path / "net.py"), tmp_path / "net.pth")
    loaded = torch.from_numpy(pictures[..., ::-1].transpose(0, 3, 1, 2).copy())  # as LoadImageFromFile does: BGR
    expected = network(network.data_preprocessor({"inputs": list(loaded)})["inputs"], mode="tensor").numpy()
    got = run(tmp_path / "models" / "parser" / "1" / FP32, pictures)
    assert np.abs(got - expected).max() < 1e-4 * np.abs(expected).max()


def test_our_own_checkpoint_needs_no_more_words(tmp_path: Path, shop: Path) -> None:
    result = export(tmp_path, shop, *save(tmp_path, OWN))
    assert result.exit_code == 0, result.exception
    manifest = load_model(tmp_path / "models", "parser", "segment", "fp32", "cpu").manifest
    assert (tuple(manifest.labels), tuple(manifest.garments)) == (LABELS, GARMENTS)
    assert manifest.license == "Apache-2.0"
    assert len(manifest.data) == 4


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ((), "say what the checkpoint's licence is and which data it was trained on: --license, --data"),
        ((*PROVENANCE, "--garments", "hat"), "--garments: hat: not among the checkpoint's classes sky, top, coat"),
    ],
)
def test_what_is_missing_is_told(tmp_path: Path, shop: Path, options: tuple[str, ...], problem: str) -> None:
    result = export(tmp_path, shop, *save(tmp_path, FOREIGN), *options)
    assert result.exit_code == 2
    assert problem in result.output


@pytest.mark.parametrize(
    ("text", "options", "problem"),
    [
        (
            FOREIGN,
            ("--height", "60", "--width", "48"),
            "gives 8 × 6 logits for 60 × 48 pixels, whose cells are no squares",
        ),
        (
            FOREIGN.replace("num_classes=3", "num_classes=4"),
            (),
            r"gives \(1, 4, 8, 6\), scores for 3 classes are needed",
        ),
    ],
)
def test_logits_that_cannot_be_served_are_refused(
    tmp_path: Path, shop: Path, text: str, options: tuple[str, ...], problem: str
) -> None:
    files = save(tmp_path, text)
    with pytest.raises(ValueError, match=problem):
        raise export(tmp_path, shop, *files, *PROVENANCE, *options).exception or AssertionError("it was exported")


def test_a_foreign_parser_is_not_measured_by_our_labels(tmp_path: Path, street: Path) -> None:
    options = ("--model", str(write_parser(tmp_path)), "--street", str(street), "--shop", str(tmp_path))
    result = CliRunner().invoke(app, ["evaluate-parser", *options])
    assert result.exit_code == 2
    assert "its labels are not those of the street photos" in result.output


def test_classes_and_size_come_from_where_they_are_known() -> None:
    config = Config({"model": {}, "crop_size": (64, 48), "val_dataloader": {"dataset": {"type": "ADE20KDataset"}}})
    init_default_scope("mmseg")
    assert class_names(config, {"classes": ("sky", "top")}) == ["sky", "top"]
    assert class_names(config, {})[:2] == ["wall", "building"]
    assert input_size(config) == (64, 48)
    assert input_size(config, 96, 64) == (96, 64)
    with pytest.raises(ValueError, match="--height, --width"):
        input_size(Config({"model": {"data_preprocessor": {}}}))
    with pytest.raises(ValueError, match="name their classes"):
        class_names(Config({"train_dataloader": {"dataset": {"type": "Unknown"}}}), {"classes": None})
