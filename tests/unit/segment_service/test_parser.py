"""Which engine the settings give, and what they must not be, where torch is not installed."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from segment_service.labels import GARMENTS
from segment_service.parser import choose_garments, load_parser
from segment_service.settings import Settings
from serving.models import ModelError


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    for name in ("config.py", "weights.pth"):
        (tmp_path / name).touch()
    return {"engine": "mmseg", "config": str(tmp_path / "config.py"), "checkpoint": str(tmp_path / "weights.pth")}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"config": ""}, "SEGMENT_CONFIG is empty"),
        ({"checkpoint": ""}, "SEGMENT_CHECKPOINT is empty"),
        ({"config": "/absent.py"}, r"SEGMENT_CONFIG: there is no file /absent\.py"),
        ({"checkpoint": "/absent.pth"}, r"SEGMENT_CHECKPOINT: there is no file /absent\.pth"),
        ({"device": "tensorrt"}, "SEGMENT_DEVICE=tensorrt"),
        ({"precision": "int8"}, "SEGMENT_PRECISION=int8"),
        ({"precision": "fp16"}, "SEGMENT_PRECISION=fp16"),
        ({"engine": "onnx"}, "SEGMENT_CONFIG is for the mmseg engine only"),
        ({"engine": "onnx", "config": ""}, "SEGMENT_CHECKPOINT is for the mmseg engine only"),
        ({"engine": "onnx", "config": "", "checkpoint": "", "garments": "top"}, "SEGMENT_GARMENTS is for the mmseg"),
    ],
)
def test_settings_that_do_not_fit_are_named(files: dict[str, Any], changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        load_parser(Settings(**files | changes))


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed")
def test_without_torch_it_says_what_to_install(files: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"SEGMENT_ENGINE=mmseg needs torch.* install the `mmseg` extra"):
        load_parser(Settings(**files))


def test_settings_are_environment_variables(files: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in files.items():
        monkeypatch.setenv(f"SEGMENT_{name.upper()}", value)
    assert Settings() == Settings(**files)


def test_garments_are_the_classes_asked_for_or_those_known_by_name() -> None:
    classes = ["background", *reversed(GARMENTS), "coat"]
    assert choose_garments(classes, "") == list(reversed(GARMENTS))
    assert choose_garments(classes, " coat, bag") == ["bag", "coat"]


def test_garments_that_are_no_classes_are_told() -> None:
    with pytest.raises(ModelError, match="SEGMENT_GARMENTS: Coat: not among the checkpoint's classes sky, coat"):
        choose_garments(["sky", "coat"], "Coat")
    with pytest.raises(ModelError, match="set SEGMENT_GARMENTS to those that are"):
        choose_garments(["sky", "coat"], "")
