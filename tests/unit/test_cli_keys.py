import json
from collections.abc import Callable
from pathlib import Path

import pytest

from clothing_retrieval.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("GATEWAY_KEYS_FILE", str(tmp_path / "keys.json"))
    monkeypatch.setenv("COLUMNS", "80")

    def run_main(*arguments: str) -> tuple[int, str, str]:
        try:
            main(["keys", *arguments])
            code = 0
        except SystemExit as exit:
            code = int(exit.code or 0)
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return run_main


def test_a_key_is_made_shown_without_itself_and_revoked(run: Run) -> None:
    code, key, _ = run("add", "web", "--right", "search", "--calls-per-s", "50", "--concurrent-calls", "8")
    assert code == 0
    assert key.startswith("crk_")
    code, table, _ = run("list")
    assert code == 0
    assert table.splitlines()[1].split()[:4] == ["web", "search", "50", "8"]
    assert key.strip() not in table
    code, listed, _ = run("list", "--json")
    assert [json.loads(line)["name"] for line in listed.splitlines()] == ["web"]
    assert run("revoke", "web")[0] == 0
    assert run("list", "--json") == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("revoke", "nobody"), 1, "cannot read the keys"),
        (("list",), 1, "cannot read the keys"),
        (("add", "a b", "--right", "search"), 1, "cannot be used"),
        (("add", "web"), 2, "--right"),
        (("add", "web", "--right", "everything"), 2, "everything"),
    ],
)
def test_what_cannot_be_done_is_explained(run: Run, arguments: tuple[str, ...], code: int, said: str) -> None:
    left, _, err = run(*arguments)
    assert left == code
    assert said in err
