"""Matches as tables for a terminal of 80 columns."""

from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from clothing_retrieval.display import (
    WHOLE_PHOTO,
    WHOLE_PHOTO_ASKED,
    garment_name,
    is_whole_photo,
    price_before,
    price_now,
    printable,
)
from clothing_retrieval.v1.retrieval_service_pb2 import GarmentMatches, SearchResponse
from clothing_retrieval.v1.types_pb2 import Item


def result_tables(name: str, response: SearchResponse, *, asked_whole: bool = False) -> Iterator[RenderableType]:
    """A heading for the photo, then for each garment a heading and a table."""
    yield Text(printable(name), style="bold underline")
    for found in response.results:
        yield _heading(found, asked_whole)
        yield _table(found) if found.matches else Text("  nothing similar was found", style="dim")
    if not all(_in_order(found) for found in response.results):
        yield Text("\nItems of another category rank a little lower.", style="dim")


def _in_order(found: GarmentMatches) -> bool:
    distances = [match.distance for match in found.matches]
    return distances == sorted(distances)


def _heading(found: GarmentMatches, asked_whole: bool) -> Text:
    if is_whole_photo(found):
        return Text(f"\n{WHOLE_PHOTO_ASKED if asked_whole else WHOLE_PHOTO}", style="yellow")
    garment = found.garment
    facts = f"  {garment.confidence:.0%} sure, {garment.area:.0%} of the photo"
    return Text.assemble("\n", (printable(garment_name(garment)), "bold"), (facts, "dim"))


def _table(found: GarmentMatches) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim", expand=True)
    table.add_column("#", justify="right", width=3)
    table.add_column("distance", justify="right", width=8)
    table.add_column("item", ratio=1, overflow="fold")
    table.add_column("category", max_width=14)
    table.add_column("price", justify="right", no_wrap=True)
    for rank, match in enumerate(found.matches, 1):
        item = match.item
        title = Text(printable(item.title or item.id))
        table.add_row(str(rank), f"{match.distance:.3f}", title, Text(printable(item.category)), _price(item))
    return table


def _price(item: Item) -> Text:
    before = price_before(item)
    was = before.removesuffix(f" {item.currency}")
    return Text.assemble(price_now(item), (f"\nwas {was}", "dim")) if before else Text(price_now(item))
