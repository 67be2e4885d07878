import json
from pathlib import Path
from typing import Any

import pytest

from serving.models import DEFAULT_FOLDER, ModelError, load_model, read_manifest
from tests.engines import write_embedder, write_parser


def load(folder: Path, precision: Any = "auto", device: str = "cpu") -> Any:
    return load_model(folder, "garment-embedder", "embed", precision, device)


def manifest_of(version: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((version / "model.json").read_text())
    return manifest


def rewrite(version: Path, **changes: Any) -> None:
    (version / "model.json").write_text(json.dumps(manifest_of(version) | changes))


def test_the_newest_complete_version_by_number_is_served(tmp_path: Path) -> None:
    for version in ("1", "2", "10"):
        write_embedder(tmp_path, version)
    (tmp_path / "garment-embedder" / "11").mkdir()
    (tmp_path / "garment-embedder" / "11" / "model.onnx").write_bytes(b"half a")
    (tmp_path / "garment-embedder" / "12-old").mkdir()
    (tmp_path / "garment-embedder" / "12-old" / "model.json").write_text("{}")
    assert load(tmp_path).manifest.version == "10"


def test_a_model_tells_the_digest_of_the_file_that_is_served(tmp_path: Path) -> None:
    version = write_embedder(tmp_path)
    assert load(tmp_path).digest == manifest_of(version)["files"]["fp32"]["sha256"]


def test_a_missing_model_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"{tmp_path}/garment-embedder"):
        load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\xff\xfe", '{"name": "x"}'])
def test_a_manifest_that_cannot_be_read_says_which(tmp_path: Path, text: str) -> None:
    version = write_embedder(tmp_path)
    (version / "model.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelError, match=r"garment-embedder/1/model\.json"):
        load(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "generate"},
        {"dimension": 0},
        {"input": {"height": 32, "width": 16}},
        {"input": {"height": 0, "width": 0}},
        {"files": {}},
        {"files": {"fp16": {"path": "model.onnx", "sha256": "0" * 64}}},
        {"files": {"fp32": {"path": "model.onnx", "sha256": "none"}}},
    ],
)
def test_a_manifest_that_does_not_fit_its_kind_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    rewrite(write_embedder(tmp_path), **changes)
    with pytest.raises(ModelError, match=r"model\.json"):
        load(tmp_path)


@pytest.mark.parametrize("changes", [{"labels": []}, {"garments": []}, {"garments": ["hat"]}])
def test_a_parser_must_name_its_labels_and_the_garments_among_them(tmp_path: Path, changes: dict[str, Any]) -> None:
    rewrite(write_parser(tmp_path), **changes)
    with pytest.raises(ModelError, match="labels"):
        load_model(tmp_path, "clothing-parser", "segment", "auto", "cpu")


@pytest.mark.parametrize(
    ("confusion", "problem"),
    [
        ({"top": {"spacesuit": 0.2}}, "`confusion` names spacesuit: not among `garments`"),
        ({"skin": {"top": 0.2}}, "`confusion` names skin: not among `garments`"),
        ({"top": {"dress": 1.5}}, r"confusion\.top\.dress"),
        ({"top": {"dress": -0.5}}, r"confusion\.top\.dress"),
        ({"top": {"dress": float("nan")}}, r"confusion\.top\.dress"),
        ({"top": {"dress": "often"}}, r"confusion\.top\.dress"),
        ({"top": 1}, r"confusion\.top"),
    ],
)
def test_a_confusion_is_of_garments_in_shares(tmp_path: Path, confusion: Any, problem: str) -> None:
    rewrite(write_parser(tmp_path), confusion=confusion)
    with pytest.raises(ModelError, match=rf"(?s)model\.json.*{problem}"):
        load_model(tmp_path, "clothing-parser", "segment", "auto", "cpu")


def test_a_model_of_the_wrong_kind_is_refused(tmp_path: Path) -> None:
    write_parser(tmp_path)
    with pytest.raises(ModelError, match="'segment', this service needs 'embed'"):
        load_model(tmp_path, "clothing-parser", "embed", "auto", "cpu")


def test_a_file_of_another_digest_is_refused_with_both(tmp_path: Path) -> None:
    version = write_embedder(tmp_path)
    (version / "model.onnx").write_bytes(b"another")
    with pytest.raises(ModelError, match=r"model\.onnx: SHA-256 is .*model\.json says .*export"):
        load(tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (write_embedder(tmp_path) / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"model\.onnx: No such file"):
        load(tmp_path)


def with_precisions(folder: Path, *precisions: str) -> None:
    version = write_embedder(folder)
    entry = manifest_of(version)["files"]["fp32"]
    rewrite(version, files=dict.fromkeys(precisions, entry))


@pytest.mark.parametrize(
    ("asked", "device", "served"),
    [
        ("auto", "cpu", "int8"),
        ("auto", "cuda", "fp16"),
        ("auto", "tensorrt", "fp16"),
        ("fp32", "cpu", "fp32"),
        ("fp16", "cpu", "fp16"),
        ("int8", "cuda", "int8"),
    ],
)
def test_auto_takes_int8_on_a_cpu_and_fp16_on_a_gpu_and_what_is_asked_for_is_served(
    tmp_path: Path, asked: str, device: str, served: str
) -> None:
    with_precisions(tmp_path, "fp32", "fp16", "int8")
    assert load(tmp_path, asked, device).precision == served


@pytest.mark.parametrize(("other", "device"), [("fp16", "cpu"), ("int8", "cuda")])
def test_auto_takes_fp32_where_the_devices_own_precision_is_missing(tmp_path: Path, other: str, device: str) -> None:
    with_precisions(tmp_path, "fp32", other)
    assert load(tmp_path, "auto", device).precision == "fp32"


def test_a_precision_that_the_model_lacks_is_refused_with_those_it_has(tmp_path: Path) -> None:
    write_embedder(tmp_path)
    with pytest.raises(ModelError, match="no int8 file, only fp32"):
        load(tmp_path, "int8")


def test_auto_off_the_cpu_says_that_it_needs_fp32(tmp_path: Path) -> None:
    with_precisions(tmp_path, "int8")
    with pytest.raises(ModelError, match="no fp32 file, only int8"):
        load(tmp_path, "auto", "cuda")


@pytest.mark.parametrize(
    "path", sorted(DEFAULT_FOLDER.glob("*/*/model.json")), ids=lambda path: path.parent.parent.name
)
def test_the_shipped_models_are_complete(path: Path) -> None:
    manifest = read_manifest(path)
    for precision in manifest.files:
        assert load_model(DEFAULT_FOLDER, manifest.name, manifest.kind, precision, "cpu").precision == precision
