"""Drawn photos with labels, and silence for what libraries say about each other."""

import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from export.labels import STREET
from segment_service.mmseg_loading import stand_in

_KNOWN_WARNINGS = (
    # mmengine and mmcv against current Python, torch and setuptools
    "ignore:pkg_resources is deprecated:DeprecationWarning",
    "ignore:pkg_resources is deprecated:UserWarning",
    "ignore:.*pkgutil.find_loader.*:DeprecationWarning",
    "ignore:``build_loss`` would be deprecated soon:UserWarning",
    "ignore:On January 1, 2023, MMCV will release v2.0.0:UserWarning",
    "ignore:Default ``avg_non_ignore`` is False:UserWarning",
    "ignore:Failed to add .* to visualizer:UserWarning",
    # torch's ONNX exporter
    "ignore:You are using the legacy TorchScript-based ONNX export:DeprecationWarning",
    "ignore:The feature will be removed:DeprecationWarning",
    "ignore:Constant folding:UserWarning",
    "ignore:Converting a tensor to a Python boolean",
)


def pytest_configure(config: pytest.Config) -> None:
    for line in _KNOWN_WARNINGS:
        config.addinivalue_line("filterwarnings", line)


stand_in()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import mmseg.models  # noqa: F401  (what it warns of while it is imported is not ours)


@pytest.fixture(scope="session")
def names() -> list[str]:
    """The 59 names of Clothing Co-Parsing, background first."""
    covered = sorted(name for names in STREET.values() for name in names)
    return ["background", *(name for name in covered if name != "background")]


@pytest.fixture(scope="session")
def pictures() -> NDArray[np.uint8]:
    """Coarse noise, (12, 96, 96, 3)."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (12, 8, 6, 3), dtype=np.uint8)
    return coarse.repeat(12, axis=1).repeat(16, axis=2)


@pytest.fixture(scope="session")
def street(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> Path:
    """Fourteen drawn people: skin, a top and pants, on grounds of many colours."""
    folder = tmp_path_factory.mktemp("street")
    (folder / "photos").mkdir()
    (folder / "labels").mkdir()
    (folder / "labels.txt").write_text("\n".join(names))
    rng = np.random.default_rng(0)
    for number in range(1, 15):
        photo = np.full((120, 80, 3), rng.integers(0, 256, 3), np.uint8)
        labels = np.zeros((120, 80), np.uint8)
        for name, rows in (("skin", (10, 30)), ("t-shirt", (30, 65)), ("jeans", (65, 110))):
            area = (slice(*rows), slice(25, 55))
            photo[area] = rng.integers(0, 256, 3)
            labels[area] = names.index(name)
        cv2.imwrite(str(folder / "photos" / f"{number:04}.jpg"), photo)
        Image.fromarray(labels).save(folder / "labels" / f"{number:04}.png")
    return folder
