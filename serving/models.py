"""A model is a folder: ``models/<name>/<version>/model.json`` beside the files that it names."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Precision = Literal["fp32", "fp16", "int8"]
Share = Annotated[float, Field(ge=0, le=1)]
DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / "models"


class ModelError(Exception):
    """A model folder cannot be served. The message says which file, what is wrong, and what to do."""


class ModelFile(BaseModel):
    path: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class InputSize(BaseModel):
    """In pixels. The graph takes uint8 RGB, (n, height, width, 3), and normalises by itself."""

    height: int = Field(gt=0)
    width: int = Field(gt=0)


class Manifest(BaseModel):
    """``model.json``: what a model is, and what its files must be."""

    model_config = ConfigDict(extra="allow")

    name: str
    version: str
    kind: Literal["segment", "embed"]
    input: InputSize
    files: dict[Precision, ModelFile]
    license: str
    data: list[str]
    quality: dict[str, float | str]
    labels: list[str] = []
    garments: list[str] = []
    confusion: dict[str, dict[str, Share]] = {}
    """For each garment that a parser names, the shares of the garments that its pixels truly are. Empty: unknown."""
    dimension: int = 0

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "Manifest":
        if self.kind == "segment" and not (self.labels and self.garments and set(self.garments) <= set(self.labels)):
            raise ValueError("a segment model needs `labels`, and `garments` among them")
        named = {name for predicted, actual in self.confusion.items() for name in (predicted, *actual)}
        if unknown := sorted(named - set(self.garments)):
            raise ValueError(f"`confusion` names {', '.join(unknown)}: not among `garments`")
        if self.kind == "embed" and (self.dimension <= 0 or self.input.height != self.input.width):
            raise ValueError("an embed model needs a `dimension` and a square input")
        if not self.files:
            raise ValueError("`files` names no file")
        return self


class ServedModel(BaseModel):
    """One file of a model folder, checked."""

    model_config = ConfigDict(frozen=True)

    manifest: Manifest
    file: Path
    digest: str
    precision: Precision


def load_model(folder: Path, name: str, kind: str, precision: Literal["auto"] | Precision, device: str) -> ServedModel:
    """The newest complete version of a model, its file checked by its digest.

    Raises:
        ModelError: there is none, its manifest is wrong, or the file is not the one the manifest names.
    """
    version = newest_version(folder / name)
    manifest = read_manifest(version / "model.json")
    if manifest.kind != kind:
        raise ModelError(f"{version}/model.json: kind is {manifest.kind!r}, this service needs {kind!r}")
    chosen = _choose_precision(manifest, precision, device, version)
    entry = manifest.files[chosen]
    file = version / entry.path
    check_digest(file, entry.sha256)
    return ServedModel(manifest=manifest, file=file, digest=entry.sha256, precision=chosen)


def newest_version(model: Path) -> Path:
    """The version folder with the highest number that has a ``model.json``, which export writes last."""
    versions = [path.parent for path in model.glob("*/model.json") if path.parent.name.isdecimal()]
    if not versions:
        raise ModelError(f"{model}: no version with a model.json here: set the models folder, or export the model")
    return max(versions, key=lambda version: int(version.name))


def read_manifest(path: Path) -> Manifest:
    try:
        return Manifest.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: {error}") from error


def check_digest(file: Path, expected: str) -> None:
    """Raises ModelError: it is not there, or not the file with this SHA-256."""
    try:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, ValueError) as error:  # ValueError: no file can have such a name
        problem = error.strerror if isinstance(error, OSError) else error
        raise ModelError(f"{file}: {problem}, and model.json names it: fetch or export the model again") from error
    if digest != expected:
        raise ModelError(f"{file}: SHA-256 is {digest}, model.json says {expected}: fetch or export the model again")


def _choose_precision(manifest: Manifest, asked: str, device: str, version: Path) -> Precision:
    if asked == "auto":
        best: Precision = "int8" if device == "cpu" else "fp16"
        asked = best if best in manifest.files else "fp32"
    for precision in manifest.files:
        if precision == asked:
            return precision
    raise ModelError(f"{version}/model.json: no {asked} file, only {', '.join(manifest.files)}")
