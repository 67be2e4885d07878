"""``demo``: services, a catalogue, searches and a page to look at, in one go."""

import asyncio
import hashlib
import time
from collections.abc import Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from clothing_retrieval import errors, samples
from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.catalog.entry import BadEntry, CatalogueError, Entry
from clothing_retrieval.catalog.folder import read_folder
from clothing_retrieval.cli.gateway import explained, run
from clothing_retrieval.cli.import_report import tell_failures
from clothing_retrieval.cli.importing import import_with_progress
from clothing_retrieval.cli.progress import Progress
from clothing_retrieval.cli.stop import Stop
from clothing_retrieval.cli.tables import result_tables
from clothing_retrieval.page import SearchedPhoto, render_page
from clothing_retrieval.samples import Sample
from clothing_retrieval.up import Options, Stack, UpError
from clothing_retrieval.up.logs import to_files
from clothing_retrieval.up.stack import free_port

_TOP_K = 5
_SHOWN = 10
_AT_ONCE = 4
_DRAWN = "The boutique is drawn by this program, clothes, shots and all: no photos, nothing for sale."

_WITHOUT = "Each of these is shown without itself."


@dataclass(frozen=True)
class _Shop:
    """What the demo searches, and with what."""

    entries: list[Entry | BadEntry]
    samples: list[Sample]
    collection: str
    own_photos: bool
    """The samples are the catalogue's photos: each finds itself, and its matches are shown without it."""

    def without(self, failed: Set[str]) -> "_Shop":
        """What is not in the catalogue cannot be found."""
        kept = [sample for sample in self.samples if sample.item_id not in failed]
        if not kept:
            raise Stop("none of the pictures could be imported, so there is nothing to search")
        return replace(self, samples=kept)


def demo(
    photos: Annotated[
        Path | None, typer.Option(help="Your own folder of pictures instead of the drawn boutique.", file_okay=False)
    ] = None,
    data_dir: Annotated[
        Path, typer.Option(help="Where all of it is kept, so that the next run is quick.", file_okay=False)
    ] = Path("demo"),
) -> None:
    """Start the services, import a catalogue, search it, and save a page to look at."""
    began = time.monotonic()
    console = Console(highlight=False)
    try:
        with explained("the demo's gateway"), to_files(data_dir / "logs") as write_log:
            options = Options(data_dir / "data", free_port())
            stack = Stack(options, write_log, lambda line: console.print(line, markup=False, soft_wrap=True))
            page = run(_demonstrate(console, stack, photos, data_dir))
    except (UpError, CatalogueError) as error:
        raise Stop(str(error)) from error
    console.print(f"\nDone in {time.monotonic() - began:.0f} s. Look at [bold]{page.absolute()}[/bold]", soft_wrap=True)


async def _demonstrate(console: Console, stack: Stack, photos: Path | None, data_dir: Path) -> Path:
    console.print("Starting the four services …")
    async with stack:
        await stack.ready()
        shop = await asyncio.to_thread(_own_shop, photos) if photos else await asyncio.to_thread(_boutique, data_dir)
        async with AsyncClient(stack.target) as client:
            await _forget_other_models(client, shop.collection, console)
            report = await import_with_progress(client, shop.entries, shop.collection, lambda: len(shop.entries))
            tell_failures(report, data_dir / "import-failures.csv")
            if report.stopped:
                raise report.stopped
            shop = shop.without({failure.id for failure in report.failures})
            said = await _search_all(client, shop)
            shown = [await _show(client, shop, sample) for sample in samples.spread(shop.samples, _SHOWN)]
    console.print("\nThe first photo, for example:\n")
    console.print(*result_tables(shown[0].name, shown[0].response), sep="\n")
    console.print(f"\n{said}", soft_wrap=True)
    title = "Your photos, and what is like them" if shop.own_photos else "The sample boutique"
    lead = f"{said} {_WITHOUT if shop.own_photos else _DRAWN}"
    page = data_dir / "index.html"
    page.write_text(render_page(title, lead, shown), encoding="utf-8")
    return page


def _own_shop(photos: Path) -> _Shop:
    entries = read_folder(photos)
    name = "photos-" + hashlib.sha256(str(photos.resolve()).encode()).hexdigest()[:8]
    return _Shop(entries, samples.catalogue_photos(entries, 8 * _SHOWN), name, own_photos=True)


def _boutique(data_dir: Path) -> _Shop:
    folder = data_dir / "boutique"
    if not (folder / "probes" / "pairs.csv").exists():  # it is written last
        _draw(folder)
    entries = read_folder(folder / "catalogue")
    return _Shop(entries, samples.second_shots(folder / "probes"), "boutique", own_photos=False)


def _draw(folder: Path) -> None:
    from clothing_retrieval.catalog.boutique import draw_boutique  # only here: the drawing is large

    with Progress("drawing the boutique", 0) as progress:
        draw_boutique(folder, progress=progress.advance)


async def _forget_other_models(client: AsyncClient, collection: str, console: Console) -> None:
    """A demo's catalogue that was made with an earlier model is made anew."""
    pipeline = await client.get_pipeline()
    for found in pipeline.collections:
        if found.name == collection and found.model_digest != pipeline.embed_model.digest:
            console.print("The embedding model is another than last time: importing anew.")
            await client.delete_collection(collection)


async def _search_all(client: AsyncClient, shop: _Shop) -> str:
    """Searches with every sample. Returns how often it found what it should, as a sentence."""
    turns = asyncio.Semaphore(_AT_ONCE)
    done = 0

    async def rank(sample: Sample) -> int | None:
        nonlocal done
        async with turns:
            response = await client.search(sample.path, collection=shop.collection, top_k=_TOP_K)
        done += 1
        progress.advance_to(done)
        return samples.found_rank(response, sample.item_id)

    began = time.monotonic()
    with Progress("searching", len(shop.samples)) as progress:
        ranks = await asyncio.gather(*(rank(sample) for sample in shop.samples))
    rate = len(ranks) / (time.monotonic() - began)
    found = sum(rank is not None for rank in ranks)
    first = sum(rank == 1 for rank in ranks)
    what = "photos of the catalogue found themselves" if shop.own_photos else "second shots found their item"
    return (
        f"{found} of {len(ranks)} {what} among the first {_TOP_K}, {first} of them first "
        f"({rate:.0f} searches a second)."
    )


async def _show(client: AsyncClient, shop: _Shop, sample: Sample) -> SearchedPhoto:
    """Searches once more with all that the page shows."""
    response = await client.search(
        sample.path,
        collection=shop.collection,
        top_k=_TOP_K + shop.own_photos,
        include_cutouts=True,
        include_masks=True,
    )
    if shop.own_photos:
        response = samples.without(response, sample.item_id, _TOP_K)
    pictures: dict[str, bytes] = {}
    for id in {match.item.id for found in response.results for match in found.matches}:
        try:
            pictures[id] = await client.get_picture(id, collection=shop.collection)
        except errors.NotFound:
            continue
    name = f"{sample.path.name} ({sample.note})" if sample.note else sample.path.name
    expected = "" if shop.own_photos else sample.item_id
    return SearchedPhoto(name, sample.path.read_bytes(), response, pictures, expected_id=expected)
