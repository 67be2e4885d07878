"""Whatever a manifest says, the model is served or a ModelError tells why not."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from serving.models import ModelError, load_model
from tests.engines import write_parser
from tests.fuzzing import tries

_leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parser(tmp_path_factory.mktemp("models")) / "model.json"


@contextmanager
def written(manifest: Path, data: bytes) -> Iterator[None]:
    sound = manifest.read_bytes()
    manifest.write_bytes(data)
    try:
        yield
    finally:
        manifest.write_bytes(sound)


def check(manifest: Path, data: bytes) -> None:
    with written(manifest, data):
        try:
            served = load_model(manifest.parents[2], "clothing-parser", "segment", "auto", "cpu")
        except ModelError as refused:  # and nothing else
            assert str(manifest.parent) in str(refused)
            return
    assert served.file.is_file()


def replaced(value: Any, path: list[int], new: Any) -> Any:
    """A copy with the part exchanged that ``path`` leads to, each step the number of a child."""
    if not path or not isinstance(value, dict | list) or not value:
        return new
    if isinstance(value, list):
        at = path[0] % len(value)
        return [*value[:at], replaced(value[at], path[1:], new), *value[at + 1 :]]
    key = sorted(value)[path[0] % len(value)]
    return {**value, key: replaced(value[key], path[1:], new)}


@tries(100)
@given(st.binary(max_size=200))
@example(b"[" * 100_000)
@example(b"\xff\xfe")
@example(b"1" * 5000)
def test_any_bytes(manifest: Path, data: bytes) -> None:
    check(manifest, data)


@tries(100)
@given(ANYTHING)
def test_any_json(manifest: Path, value: Any) -> None:
    check(manifest, json.dumps(value).encode())


@tries(200)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=4), ANYTHING)
@example([1, 0, 0], "no\0file")
@example([1, 0, 0], "")
@example([1, 0, 0], "../../../../../../../etc/passwd")
def test_a_sound_manifest_with_one_part_exchanged(manifest: Path, path: list[int], new: Any) -> None:
    check(manifest, json.dumps(replaced(json.loads(manifest.read_bytes()), path, new)).encode())


@tries(100)
@given(st.floats(0, 1, exclude_max=True), st.integers(0, 255))
def test_a_sound_manifest_with_one_byte_changed(manifest: Path, where: float, value: int) -> None:
    damaged = bytearray(manifest.read_bytes())
    damaged[int(where * len(damaged))] = value
    check(manifest, bytes(damaged))


@pytest.mark.parametrize("name", ["²", "٣", "1" * 200, "-1", "1.0"])
def test_a_folder_that_is_called_almost_like_a_version(tmp_path: Path, name: str) -> None:
    version = write_parser(tmp_path)
    version.rename(version.parent / name)
    try:
        load_model(tmp_path, "clothing-parser", "segment", "auto", "cpu")
    except ModelError:
        assert name in ("²", "-1", "1.0")
