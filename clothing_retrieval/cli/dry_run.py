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
from clothing_retrieval.cli.progress import Progress
from clothing_retrieval.cli.stop import NOT_ALL, Stop
from clothing_retrieval.display import price_now, printable

_EXAMPLES = 5
_PROBLEMS = 5


class _Found:
    def __init__(self) -> None:
        self.items = 0
        self.pictures = 0
        self.categories: Counter[str] = Counter()
        self.examples: list[Entry] = []
        self.bad: list[BadEntry] = []
        self.unread = ""

    def take(self, entry: Entry | BadEntry) -> None:
        if isinstance(entry, BadEntry):
            self.bad.append(entry)
            return
        self.items += 1
        self.pictures += len(entry.pictures or entry.addresses)
        self.categories[entry.item.category or "(told by the picture)"] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(entry)


async def look_through(source: Source, currency: str) -> None:
    """Reads all of it, but for the pictures, and says what it is. Raises Stop where not all of it can be imported."""
    found = _Found()
    with Progress("reading", source.expected) as progress:
        await asyncio.to_thread(_read, source, currency, found, progress)
    _tell(source, found)
    if found.unread:
        raise Stop(found.unread)
    if found.bad or source.missing:
        raise Stop(f"not all of it can be read: {source.missing}" if source.missing else "", NOT_ALL)


def _read(source: Source, currency: str, found: _Found, progress: Progress) -> None:
    try:
        for entry in in_currency(source.entries(), currency):
            found.take(entry)
            progress.advance(found.items + len(found.bad), source.expected, len(found.bad))
    except CatalogueError as error:
        found.unread = str(error)


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
        f"{len(found.bad):,} could not"
    )
    typer.echo(f"Categories: {_counts(found.categories.most_common(12))}")
    for bad in found.bad[:_PROBLEMS]:
        typer.echo(f"  {printable(bad.source or bad.id)}: {printable(bad.problem)}", err=True)
    if len(found.bad) > _PROBLEMS:
        typer.echo(f"  … and {len(found.bad) - _PROBLEMS:,} more", err=True)


def _counts(categories: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{printable(name)} {count:,}" for name, count in categories) or "none"
