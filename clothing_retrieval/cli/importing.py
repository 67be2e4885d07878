"""``import``: a catalogue into a gateway."""

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.catalog.currency import in_currency
from clothing_retrieval.catalog.entry import BadEntry, CatalogueError, Entry
from clothing_retrieval.catalog.memory import Memory
from clothing_retrieval.catalog.recognise import Bounds, Kind, Recognised, Unchanged, is_address, recognise
from clothing_retrieval.catalog.web import Manners, Validators, Web
from clothing_retrieval.catalog.web.manners import EVERYWHERE
from clothing_retrieval.cli.dry_run import look_through
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
from clothing_retrieval.cli.import_report import ImportRecord, tell_failures, tell_left_out
from clothing_retrieval.cli.progress import Progress
from clothing_retrieval.cli.pruning import PruneOptions, prune
from clothing_retrieval.cli.stop import NOT_ALL, Stop
from clothing_retrieval.display import printable
from clothing_retrieval.errors import RetrievalError, Unavailable
from clothing_retrieval.importer import Failure, Importer, Report
from clothing_retrieval.photos import BadPicture, Photos, WebPhotos
from clothing_retrieval.pruning import Seen

_WEB = "What comes from the web"
_LONG_WAIT_S = 5.0
_PRUNE = "What the source no longer has"


@dataclass(frozen=True)
class _Order:
    """What is to be imported, and how."""

    source: str
    kind: Kind | None
    collection: str
    whole_image: bool
    currency: str
    bounds: Bounds
    manners: Manners
    memory: Path
    refresh: bool
    prune: PruneOptions | None
    target: str
    api_key: str | None

    @property
    def is_folder(self) -> bool:
        return Path(self.source).is_dir()

    def key(self, *facts: str) -> str:
        """Names all that decides what is stored, and where."""
        source = self.source if is_address(self.source) else str(Path(self.source).absolute())
        parts = (source, self.kind, self.collection, self.whole_image, self.currency, self.bounds.views, self.target)
        return hashlib.sha256(json.dumps((*parts, *facts)).encode()).hexdigest()


def import_(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder of pictures (a sub-folder is a category, items.csv adds the details), a CSV, a product "
            "feed, Shopify's products.json, or a shop's address; files also from http(s) addresses."
        ),
    ],
    kind: Annotated[Kind | None, typer.Option(help="What the source is, where that cannot be told.")] = None,
    collection: Collection = DEFAULT_COLLECTION,
    whole_image: Annotated[
        bool, typer.Option("--whole-image", help="Take the pictures as they are, without looking for garments.")
    ] = False,
    currency: Annotated[str, typer.Option(metavar="CODE", help='Of prices that name none, for example "TWD".')] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be imported. Needs no gateway.")
    ] = False,
    failures: Annotated[Path, typer.Option(help="Where to write which items failed, and why.", dir_okay=False)] = Path(
        "import-failures.csv"
    ),
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Where to write what became of it all.", dir_okay=False)
    ] = None,
    prune_: Annotated[
        bool, typer.Option("--prune", help="Remove items that the source no longer has.", rich_help_panel=_PRUNE)
    ] = False,
    prune_most: Annotated[
        bool, typer.Option("--prune-most", help="Even if they are more than half.", rich_help_panel=_PRUNE)
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", rich_help_panel=_PRUNE)] = False,
    views: Annotated[
        int, typer.Option(min=1, max=16, help="Pictures of an item that are taken.", rich_help_panel=_WEB)
    ] = Bounds.views,
    max_pages: Annotated[int, typer.Option(min=1, help="Of a shop.", rich_help_panel=_WEB)] = Bounds.pages,
    delay: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Between two pages of a host.", rich_help_panel=_WEB)
    ] = Manners.delay_s,
    picture_delay: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Between two pictures of a host.", rich_help_panel=_WEB)
    ] = Manners.picture_delay_s,
    contact: Annotated[
        str,
        typer.Option(
            envvar="CLOTHING_RETRIEVAL_CONTACT",
            metavar="ADDRESS",
            help="Where a shop learns who asks; sent with every request.",
            rich_help_panel=_WEB,
        ),
    ] = "",
    allow_private: Annotated[
        bool,
        typer.Option("--allow-private", help="Follow addresses into private networks too.", rich_help_panel=_WEB),
    ] = False,
    ignore_robots: Annotated[
        bool, typer.Option("--ignore-robots", help="Only for a shop of your own.", rich_help_panel=_WEB)
    ] = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask for everything anew, changed or not.", rich_help_panel=_WEB)
    ] = False,
    memory: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What is remembered between imports.", dir_okay=False, rich_help_panel=_WEB),
    ] = None,
    target: Target = DEFAULT_TARGET,
    api_key: ApiKey = None,
) -> None:
    """Import a catalogue. Run it again to resume: what is there already costs no time.

    Exits with 0, with 3 where some items failed or were not removed, and with 1 where it could not go on.
    """
    order = _Order(
        source,
        kind,
        collection,
        whole_image,
        currency.upper(),
        Bounds(views, max_pages),
        Manners(
            contact=contact,
            delay_s=delay,
            picture_delay_s=picture_delay,
            obey_robots=not ignore_robots,
            private_networks=EVERYWHERE if allow_private else (),
        ),
        memory or _memory_path(),
        refresh,
        PruneOptions(prune_most, yes) if prune_ or prune_most else None,
        target,
        api_key,
    )
    if dry_run and order.prune:
        raise typer.BadParameter(
            "--dry-run asks no gateway, so it cannot tell what --prune would remove. Without --dry-run, --prune says "
            "how many items, and asks before it removes them"
        )
    record = ImportRecord(source, collection=collection, error="it was stopped")
    try:
        run(_dry_run(order, record) if dry_run else _import(order, record))
        record.error = ""
    except Stop as stop:
        record.error = str(stop)
        raise
    finally:
        if report:
            record.write(report)
    tell_left_out(record.left_out)
    tell_failures(record.report, failures)
    _end(record, target)


def _end(record: ImportRecord, target: str) -> None:
    """Raises Stop where not all was done."""
    done = record.report
    if done.stopped:
        raise Stop(f"{explain(done.stopped, target)}. Run the import again to resume")
    if done.unread and record.would_import is not None:
        raise Stop(printable(done.unread))
    if done.unread:
        raise Stop(f"{printable(done.unread)}. What came before is imported; run the import again to resume")
    if record.missing:
        typer.echo(f"Not all of the source was read: {printable(record.missing)}", err=True)
    if record.pruned and record.pruned.kept_because:
        raise Stop(f"nothing is removed: {printable(record.pruned.kept_because)}", NOT_ALL)
    if record.missing or not done.complete:
        raise Stop(code=NOT_ALL)


async def _dry_run(order: _Order, record: ImportRecord) -> None:
    began = time.monotonic()
    with _explained(order), Web(order.manners, on_wait=_tell_wait) as web, Memory(None, "") as memory:
        found = await asyncio.to_thread(recognise, order.source, order.kind, web, memory, order.bounds)
        with closing(found):
            await look_through(found.source, order.currency, record)
    record.took_s = time.monotonic() - began


@contextmanager
def _explained(order: _Order) -> Iterator[None]:
    """Turns the errors of the gateway and of the source into Stop."""
    try:
        with explained(order.target):
            yield
    except CatalogueError as error:
        raise Stop(printable(str(error))) from error


async def _import(order: _Order, record: ImportRecord) -> None:
    began = time.monotonic()
    with _explained(order):
        async with async_client(order.target, order.api_key) as client:
            await wait_until_ready(client)
            with Web(order.manners, on_wait=_tell_wait) as web, await _remember(order, client) as memory:
                before = memory.document(pruned=order.prune is not None)
                try:
                    found = await asyncio.to_thread(
                        recognise, order.source, order.kind, web, memory, order.bounds, before
                    )
                except Unchanged:
                    typer.echo(f"{order.source} has not changed since it was imported: --refresh imports it anyway")
                    memory.still()
                    record.unchanged_source = True
                    return
                with closing(found):
                    await _import_all(order, client, web, memory, found, record)
    record.took_s = time.monotonic() - began


async def _import_all(
    order: _Order, client: AsyncClient, web: Web, memory: Memory, found: Recognised, record: ImportRecord
) -> None:
    def leave_out(entry: Entry, error: BadPicture) -> None:
        record.left_out.append(Failure(entry.item.id, error.picture, "INVALID_ARGUMENT", error.reason, str(error)))

    source = found.source
    record.kind = source.kind
    if memory.goes_on:
        typer.echo("The last import broke off: going on where it stopped", err=True)
    seen = Seen()
    with WebPhotos(web, memory, client, order.collection, leave_out) as photos:
        await import_with_progress(
            client,
            in_currency(seen.watch(source.entries()), order.currency),
            order.collection,
            lambda: source.expected,
            whole_image=order.whole_image,
            photos=photos,
            report=record.report,
        )
    record.missing = source.missing
    if order.prune:
        why_not = record.report.unread or record.missing or ("the import stopped" if record.report.stopped else "")
        record.pruned = await prune(client, order.collection, seen.ids, order.prune, why_not)
    if not record.report.stopped and not record.report.unread:
        refused = record.pruned and record.pruned.kept_because
        clean = record.report.complete and not record.left_out and not record.missing and not refused
        memory.finish(found.lasting_validators if clean else Validators(), pruned=record.pruned is not None)


async def _remember(order: _Order, client: AsyncClient) -> Memory:
    """Raises CatalogueError."""
    if order.is_folder:  # files cost little: there is nothing to remember
        return Memory(None, "")
    pipeline = await client.get_pipeline()
    forget = order.refresh or not await _holds_anything(client, order.collection)
    memory = Memory(order.memory, order.key(pipeline.segment_model.digest, pipeline.embed_model.digest))
    if forget:
        memory.forget()
    return memory


async def _holds_anything(client: AsyncClient, collection: str) -> bool:
    """Somebody may have deleted what was imported."""
    return any(
        collection in (listed.name, *listed.aliases) and listed.item_count for listed in await client.list_collections()
    )


async def import_with_progress(
    client: AsyncClient,
    entries: Iterable[Entry | BadEntry],
    collection: str,
    expected: Callable[[], int | None],
    *,
    whole_image: bool = False,
    photos: Photos | None = None,
    report: Report | None = None,
) -> Report:
    """Imports, showing how far it is, and says at the end what became of the items. ``expected``: how many there are,
    as far as can be told by now."""
    began = time.monotonic()
    with Progress("importing", expected()) as progress:
        importer = Importer(
            client,
            collection=collection,
            whole_image=whole_image,
            photos=photos,
            report=report,
            on_progress=lambda report: progress.advance(report.settled, expected(), len(report.failures)),
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


def _tell_wait(host: str, why: str, wait_s: float) -> None:
    if wait_s >= _LONG_WAIT_S:
        typer.echo(f"{host}: {printable(why)}: asking again in {wait_s:.0f} s", err=True)


def _memory_path() -> Path:
    return Path(typer.get_app_dir("clothing-retrieval")) / "imports.sqlite"


def _why(error: RetrievalError) -> str:
    return "the gateway is away" if isinstance(error, Unavailable) and not error.service else str(error)
