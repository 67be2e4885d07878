from collections.abc import Iterator
from pathlib import Path

import pytest

from clothing_retrieval.v1.types_pb2 import Item
from tests.fake_gateway import FakeGateway, picture
from tests.unit.evaluation.shell import Shell


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    with FakeGateway() as gateway:
        kinds = {"b1": "bag", "d1": "dress", "d2": "dress"}
        gateway.items = {id: Item(id=id, title=f"The {id}", category=kind) for id, kind in kinds.items()}
        gateway.pictures = {"d1": picture("tan")}
        yield gateway


@pytest.fixture
def shell(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOTHING_RETRIEVAL_TARGET", gateway.target)
    monkeypatch.setenv("COLUMNS", "80")
    return Shell(tmp_path, capsys)
