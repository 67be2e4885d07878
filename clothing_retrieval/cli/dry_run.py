"""``import --dry-run``: what a source holds, without a gateway."""

import asyncio
from collections import Counter
from collections.abc import Iterable

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clothing_retrieval.catalog.currency import in_currency
from clothing_retrieval.catalog.entry import BadEntry, CatalogueError, Entry
from clothing_retrieval.catalog.source import Source
from clothing_retrieval.cli.import_report import ImportRecord
from clothing_retrieval.cli.progress import Progress
from clothing_retrieval.display import price_now, printable
from clothing_retrieval.importer import Failure, refusal

_EXAMPLES = 5


class _Found:
    def __init__(self) -> None:
        self.items = 0
        self.pictures = 0
        self.categories: Counter[str] = Counter()
        self.examples: list[Entry] = []
        self.failures: list[Failure] = []
        self._seen: set[str] = set()

    def take(self, entry: Entry | BadEntry) -> None:
        if failure := refusal(entry, self._seen):
            self.failures.append(failure)
        elif isinstance(entry, Entry):
            self._take_item(entry)

    def _take_item(self, entry: Entry) -> None:
        self.items += 1
        self.pictures += len(entry.pictures or entry.addresses)
        self.categories[entry.item.category or "(told by the picture)"] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(entry)


async def look_through(source: Source, currency: str, record: ImportRecord) -> None:
    """Reads all of it, but for the pictures, says what it is, and notes what of it could be imported."""
    found = _Found()
    with Progress("reading", source.expected) as progress:
        record.report.unread = await asyncio.to_thread(_read, source, currency, found, progress)
    record.kind = source.kind
    record.missing = source.missing
    record.would_import = found.items
    record.report.failures = found.failures
    _tell(source, found)


def _read(source: Source, currency: str, found: _Found, progress: Progress) -> str:
    """Returns why not all of it can be read, if so."""
    try:
        for entry in in_currency(source.entries(), currency):
            found.take(entry)
            failed = len(found.failures)
            progress.advance(found.items + failed, source.expected, failed)
    except CatalogueError as error:
        return str(error)
    return ""


def _tell(source: Source, found: _Found) -> None:
    console = Console(highlight=False)
    table = Table("id", "title", "category", "pictures", box=box.SIMPLE_HEAD)
    table.add_column("price", justify="right", no_wrap=True)
    for entry in found.examples:
        item = entry.item
        count = str(len(entry.pictures or entry.addresses))
        cells = (item.id, item.title, item.category, count, price_now(item))
        table.add_row(*(Text(printable(cell)) for cell in cells))
    if found.examples:
        console.print(table)
    typer.echo(
        f"A {source.kind}: {found.items:,} items with {found.pictures:,} pictures would be imported, "
        f"{len(found.failures):,} could not"
    )
    typer.echo(f"Categories: {_counts(found.categories.most_common(12))}")


def _counts(categories: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{printable(name)} {count:,}" for name, count in categories) or "none"
