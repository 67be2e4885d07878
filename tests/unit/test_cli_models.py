from pathlib import Path

import pytest

from clothing_retrieval.cli import main
from tests.engines import write_embedder


@pytest.mark.parametrize(("card", "code"), [("# a card", 0), ("", 1)])
def test_models_verify_exits_by_what_it_found(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], card: str, code: int
) -> None:
    version = write_embedder(tmp_path)
    if card:
        (version / "README.md").write_text(card)
    found = 0
    try:
        main(["models", "verify", str(version)])
    except SystemExit as exit:
        found = int(exit.code or 0)
    output = capfd.readouterr()
    assert found == code, output.err
    assert "garment-embedder 1" in output.out
    assert (f"{version}/README.md: no model card" in output.err) == bool(code)
