"""Whatever stands in the files of a snapshot, the index starts and finds everything."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from search_service.index import Index
from search_service.snapshots import SNAPSHOTS
from tests.fuzzing import tries
from tests.unit.search_service.indexes import ids, made, opened, plan, record, search, unit

COUNT = 60
PLAN = plan(exact_below=20, tail=10, unsaved_share=0.1)
_leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a graph of COUNT vectors."""
    folder = tmp_path_factory.mktemp("saved")
    with opened(folder, PLAN) as index:
        index.upsert(made(index), [record(f"{i:04}", unit(i)) for i in range(COUNT)]).result()
        assert index.settle(30)
    return folder


def sound(saved: Path, kind: str) -> Path:
    (found,) = (saved / SNAPSHOTS).glob(f"*.{kind}")
    return found


def check(saved: Path, changed: Path, data: bytes, folder: Path) -> None:
    """Starts on a copy in which one file holds ``data``."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(saved, folder)
    (folder / changed.relative_to(saved)).write_bytes(data)
    with opened(folder, PLAN) as index:
        assert index.settle(30)
        assert index.failure() is None
        assert_found(index)


def assert_found(index: Index) -> None:
    shop = index.collection("shop")
    for i in range(0, COUNT, 7):
        assert ids(search(index, shop, unit(i), 1)) == [f"{i:04}"]


@tries(8)
@given(st.binary(max_size=200))
@example(b"[" * 100_000)
@example(b"")
def test_a_manifest_of_any_bytes(saved: Path, tmp_path: Path, data: bytes) -> None:
    check(saved, sound(saved, "json"), data, tmp_path / "copy")


@tries(12)
@given(st.sampled_from(["format", "dimension", "last_label", "file", "sha256", "count", "category"]), ANYTHING)
@example("last_label", 10**30)
@example("last_label", float("inf"))
@example("last_label", "NaN")
@example("last_label", -1)
@example("file", 5)
@example("file", "")
@example("file", "\0")
@example("file", "..")
@example("file", "../../../etc/passwd")
@example("sha256", None)
def test_a_manifest_with_one_field_exchanged(saved: Path, tmp_path: Path, field: str, value: Any) -> None:
    manifest = sound(saved, "json")
    told = json.loads(manifest.read_bytes()) | {field: value}
    check(saved, manifest, json.dumps(told).encode(), tmp_path / "copy")


@tries(8)
@given(st.floats(0, 1, exclude_max=True), st.integers(0, 255), st.floats(0, 1))
def test_a_graph_with_a_byte_changed_or_its_end_cut_off(
    saved: Path, tmp_path: Path, where: float, value: int, kept: float
) -> None:
    graph = sound(saved, "hnsw")
    damaged = bytearray(graph.read_bytes())
    damaged[int(where * len(damaged))] = value
    check(saved, graph, bytes(damaged[: max(1, int(2 * kept * len(damaged)))]), tmp_path / "copy")
