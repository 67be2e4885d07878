"""``import``: a catalogue into a gateway."""

import csv
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.catalog.entry import BadEntry, CatalogueError, Entry
from clothing_retrieval.catalog.folder import read_folder
from clothing_retrieval.cli.gateway import (
    DEFAULT_COLLECTION,
    DEFAULT_TARGET,
    ApiKey,
    Collection,
    Target,
    async_client,
    explain,
    explained,
    run,
    wait_until_ready,
)
from clothing_retrieval.cli.progress import Progress
from clothing_retrieval.cli.stop import Stop
from clothing_retrieval.errors import RetrievalError, Unavailable
from clothing_retrieval.importer import Failure, Importer, Report

_SHOWN_FAILURES = 3


def import_(
    source: Annotated[
        Path, typer.Argument(help="A folder of pictures: a sub-folder is a category, items.csv adds the details.")
    ],
    collection: Collection = DEFAULT_COLLECTION,
    whole_image: Annotated[
        bool, typer.Option("--whole-image", help="Take the pictures as they are, without looking for garments.")
    ] = False,
    failures: Annotated[Path, typer.Option(help="Where to write which items failed, and why.", dir_okay=False)] = Path(
        "import-failures.csv"
    ),
    target: Target = DEFAULT_TARGET,
    api_key: ApiKey = None,
) -> None:
    """Import a catalogue. Run it again to resume: what is there already costs no time."""
    try:
        entries = read_folder(source)
    except CatalogueError as error:
        raise Stop(str(error)) from error
    report = run(_import(entries, collection, whole_image, target, api_key))
    tell_failures(report, failures)
    if report.stopped:
        left = len(entries) - report.settled
        raise Stop(f"{explain(report.stopped, target)}. {left:,} items are left: run the import again to resume")
    if not report.complete:
        raise Stop


async def _import(
    entries: list[Entry | BadEntry], collection: str, whole_image: bool, target: str, api_key: str | None
) -> Report:
    with explained(target):
        async with async_client(target, api_key) as client:
            await wait_until_ready(client)
            return await import_with_progress(client, entries, collection, whole_image)


async def import_with_progress(
    client: AsyncClient, entries: list[Entry | BadEntry], collection: str, whole_image: bool = False
) -> Report:
    """Imports, showing how far it is, and says at the end what became of the items."""
    began = time.monotonic()
    with Progress("importing", len(entries)) as progress:
        importer = Importer(
            client,
            collection=collection,
            whole_image=whole_image,
            on_progress=lambda report: progress.advance_to(report.settled, len(report.failures)),
            on_wait=lambda error, wait_s: progress.say(f"{_why(error)}: trying again in {wait_s:.1f} s"),
        )
        report = await importer.run(entries)
    took_s = time.monotonic() - began
    rate = f"{report.settled / max(took_s, 1e-3):,.0f} a second"
    Console().print(
        f"{report.settled:,} items in {took_s:.1f} s ({rate}): {report.created:,} created, {report.updated:,} updated, "
        f"{report.unchanged:,} unchanged, {len(report.failures):,} failed",
        highlight=False,
        soft_wrap=True,
    )
    return report


def _why(error: RetrievalError) -> str:
    return "the gateway is away" if isinstance(error, Unavailable) and not error.service else str(error)


def tell_failures(report: Report, path: Path) -> None:
    """Says what failed, and writes why into a file."""
    if not report.failures:
        return
    for failure in report.failures[:_SHOWN_FAILURES]:
        typer.echo(f"  {failure.id}: {failure.message}", err=True)
    if len(report.failures) > _SHOWN_FAILURES:
        typer.echo(f"  … and {len(report.failures) - _SHOWN_FAILURES:,} more", err=True)
    try:
        _write_failures(report.failures, path)
    except OSError as error:
        raise Stop(
            f"cannot write the reasons to {path} ({error.strerror}): name another place with --failures"
        ) from error
    typer.echo(f"What failed, and why: {path}", err=True)


def _write_failures(failures: list[Failure], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("id", "source", "code", "reason", "message"))
        for failure in failures:
            table.writerow((failure.id, failure.source, failure.code, failure.reason, failure.message))
