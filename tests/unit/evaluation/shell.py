"""The command in an empty folder, with photos to evaluate."""

import json
from pathlib import Path
from typing import Any

import pytest

from clothing_retrieval.cli import main
from tests.fake_gateway import picture


class Shell:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output and errors."""
        try:
            main(("evaluate", *arguments))
            code = 0
        except SystemExit as exit:
            code = int(exit.code or 0)
        captured = self._capsys.readouterr()
        return code, captured.out, captured.err

    def json(self, *arguments: str) -> dict[str, Any]:
        code, out, err = self.run(*arguments, "--json")
        assert code == 0, err
        parsed: dict[str, Any] = json.loads(out)
        return parsed

    def label(self, **counts: int) -> str:
        for category, count in counts.items():
            folder = self.folder / "labelled" / category
            folder.mkdir(parents=True)
            for number in range(count):
                (folder / f"{number}.jpg").write_bytes(picture())
        return "labelled"

    def pair(self, *rows: str) -> str:
        (self.folder / "street.jpg").write_bytes(picture())
        (self.folder / "cafe.jpg").write_bytes(picture())
        (self.folder / "pairs.csv").write_text("\n".join(("photo,item", *rows)))
        return "pairs.csv"
