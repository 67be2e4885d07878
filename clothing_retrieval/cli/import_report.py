"""What became of an import: on the screen, as a table of failures, and as JSON for scripts."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import typer

from clothing_retrieval.cli.stop import Stop
from clothing_retrieval.display import printable
from clothing_retrieval.importer import Failure, Report

_SHOWN_FAILURES = 3


@dataclass
class Pruned:
    surplus: int = 0
    """Items that the source no longer has."""
    removed: int = 0
    kept_because: str = ""
    """Why they were not removed."""


@dataclass
class ImportRecord:
    """All that is known of an import when it ends."""

    source: str
    kind: str = ""
    collection: str = ""
    took_s: float = 0.0
    report: Report = field(default_factory=Report)
    left_out: list[Failure] = field(default_factory=list)
    """Further views that could not be had: their items were stored without."""
    missing: str = ""
    pruned: Pruned | None = None
    unchanged_source: bool = False
    would_import: int | None = None
    """Of a dry run: how many items."""
    error: str = ""
    """Why it ended early."""

    def write(self, path: Path) -> None:
        """Raises Stop."""
        _write(path, json.dumps(self._content(), ensure_ascii=False, indent=2) + "\n", "--report")

    def _content(self) -> dict[str, Any]:
        report = self.report
        return {
            "source": self.source,
            "kind": self.kind,
            "collection": self.collection,
            "took_s": round(self.took_s, 3),
            "unchanged_source": self.unchanged_source,
            "would_import": self.would_import,
            "created": report.created,
            "updated": report.updated,
            "unchanged": report.unchanged,
            "failed": len(report.failures),
            "error": self.error,
            "incomplete": report.unread or self.missing or (str(report.stopped) if report.stopped else ""),
            "failures": [asdict(failure) for failure in report.failures],
            "left_out": [asdict(failure) for failure in self.left_out],
            "pruned": asdict(self.pruned) if self.pruned else None,
        }


def tell_failures(report: Report, path: Path) -> None:
    """Says what failed, and writes why into a file."""
    if not report.failures:
        return
    _tell_some(report.failures)
    _write_failures(report.failures, path)
    typer.echo(f"What failed, and why: {path}", err=True)


def tell_left_out(left_out: Sequence[Failure]) -> None:
    if left_out:
        typer.echo(f"{len(left_out):,} further views could not be had; their items are stored without:", err=True)
        _tell_some(left_out)


def _tell_some(failures: Sequence[Failure]) -> None:
    for failure in failures[:_SHOWN_FAILURES]:
        typer.echo(f"  {printable(failure.id or failure.source)}: {printable(failure.message)}", err=True)
    if len(failures) > _SHOWN_FAILURES:
        typer.echo(f"  … and {len(failures) - _SHOWN_FAILURES:,} more", err=True)


def _write_failures(failures: Sequence[Failure], path: Path) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(("id", "source", "code", "reason", "message"))
            for failure in failures:
                table.writerow((failure.id, failure.source, failure.code, failure.reason, failure.message))
    except OSError as error:
        raise _cannot_write(path, "--failures", error) from error


def _write(path: Path, text: str, option: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _cannot_write(path, option, error) from error


def _cannot_write(path: Path, option: str, error: OSError) -> Stop:
    return Stop(f"cannot write to {path} ({error.strerror}): name another place with {option}")
