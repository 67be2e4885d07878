"""The models that are committed are what their manifests say."""

import json
from typing import Literal

import numpy as np
import pytest

from export.labels import GARMENTS, LABELS
from serving.models import DEFAULT_FOLDER, load_model
from serving.onnx_engine import OnnxEngine

MODELS = [
    ("clothing-parser", "segment", "logits", (15, 128, 96)),
    ("garment-embedder", "embed", "embedding", (256,)),
]


@pytest.mark.parametrize(("name", "kind", "output", "shape"), MODELS)
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_model_serves(
    name: str, kind: str, output: str, shape: tuple[int, ...], precision: Literal["fp32", "int8"]
) -> None:
    served = load_model(DEFAULT_FOLDER, name, kind, precision, "cpu")
    size = (served.manifest.input.height, served.manifest.input.width)
    engine = OnnxEngine(served.file, size, output, "cpu", threads=1)
    result = engine.run(np.random.default_rng(0).integers(0, 256, (2, *size, 3), dtype=np.uint8))
    assert result.shape == (2, *shape)
    assert result.dtype == np.float32
    assert np.isfinite(result).all()


def test_the_parsers_labels_are_those_it_was_trained_on() -> None:
    manifest = load_model(DEFAULT_FOLDER, "clothing-parser", "segment", "fp32", "cpu").manifest
    assert tuple(manifest.labels) == LABELS
    assert tuple(manifest.garments) == GARMENTS


def test_the_parser_tells_what_it_confuses() -> None:
    manifest = load_model(DEFAULT_FOLDER, "clothing-parser", "segment", "int8", "cpu").manifest
    assert set(manifest.confusion) == set(GARMENTS)
    for shares in manifest.confusion.values():
        assert 0.9 < sum(shares.values()) < 1.001


@pytest.mark.parametrize("name", [model[0] for model in MODELS])
def test_a_model_has_a_card_and_measured_figures(name: str) -> None:
    (manifest,) = (DEFAULT_FOLDER / name).glob("*/model.json")
    quality = json.loads(manifest.read_text())["quality"]
    assert {figure.removeprefix("int8_") for figure in quality} < set(quality)
    card = (manifest.parent / "README.md").read_text()
    for heading in ("Intended use", "Data and licences", "Training", "Measured", "Limits"):
        assert f"## {heading}" in card
