"""``items`` and ``collections``: look at a catalogue and tend it."""

import itertools
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToJson
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clothing_retrieval.cli.gateway import (
    DEFAULT_COLLECTION,
    DEFAULT_TARGET,
    ApiKey,
    Collection,
    Target,
    connected,
)
from clothing_retrieval.cli.stop import Stop
from clothing_retrieval.display import price_now, printable
from clothing_retrieval.v1.types_pb2 import Condition, Filter, Item, Values

items = typer.Typer(help="The items of a collection.", no_args_is_help=True)
collections = typer.Typer(help="The collections of a catalogue.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]

_DELETE_AT_ONCE = 512


@items.command("list")
def list_items(
    collection: Collection = DEFAULT_COLLECTION,
    category: Annotated[list[str] | None, typer.Option(help="Only these; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    json: Json = False,
    target: Target = DEFAULT_TARGET,
    api_key: ApiKey = None,
) -> None:
    """List items in the order of their ids."""
    only = Filter(all_of=[Condition(field="category", any_of=Values(values=category))]) if category else None
    with connected(target, api_key) as client:
        page_size = min(limit + 1, 1000)
        listed = list(
            itertools.islice(client.list_items(collection=collection, filter=only, page_size=page_size), limit + 1)
        )
    if json:
        for item in listed[:limit]:
            typer.echo(_json(item))
        return
    table = Table("id", "title", "category", box=box.SIMPLE_HEAD)
    table.add_column("price", justify="right", no_wrap=True)
    for item in listed[:limit]:
        cells = (item.id, item.title, item.category, price_now(item))
        table.add_row(*(Text(printable(cell)) for cell in cells))
    Console().print(table)
    if len(listed) > limit:
        typer.echo(f"These are the first {limit}; --limit shows more.")


@items.command("get")
def get_item(
    id: str,
    collection: Collection = DEFAULT_COLLECTION,
    picture: Annotated[Path | None, typer.Option(help="Save the item's small picture here, as a JPEG.")] = None,
    target: Target = DEFAULT_TARGET,
    api_key: ApiKey = None,
) -> None:
    """Show an item as JSON."""
    with connected(target, api_key) as client:
        item = client.get_item(id, collection=collection)
        jpeg = client.get_picture(id, collection=collection) if picture else b""
    typer.echo(_json(item, indent=2))
    if picture:
        try:
            picture.write_bytes(jpeg)
        except OSError as error:
            raise Stop(f"cannot write {picture}: {error.strerror}") from error


@items.command("delete")
def delete_items(
    ids: Annotated[list[str], typer.Argument(metavar="ID...")],
    collection: Collection = DEFAULT_COLLECTION,
    target: Target = DEFAULT_TARGET,
    api_key: ApiKey = None,
) -> None:
    """Delete items. Ids that the collection lacks are passed over."""
    deleted = 0
    with connected(target, api_key) as client:
        for start in range(0, len(ids), _DELETE_AT_ONCE):
            deleted += client.delete_items(ids[start : start + _DELETE_AT_ONCE], collection=collection)
    typer.echo(f"{deleted} of {len(ids)} deleted" + ("" if deleted == len(ids) else "; the rest were not there"))


@collections.command("list")
def list_collections(json: Json = False, target: Target = DEFAULT_TARGET, api_key: ApiKey = None) -> None:
    """List the collections."""
    with connected(target, api_key) as client:
        listed = client.list_collections()
    if json:
        for collection in listed:
            typer.echo(MessageToJson(collection, preserving_proto_field_name=True, indent=None))
        return
    if not listed:
        typer.echo("There are none yet: `clothing-retrieval import FOLDER` makes one.")
        return
    table = Table("name", "aliases", "model", box=box.SIMPLE_HEAD)
    table.add_column("items", justify="right")
    table.add_column("pictures", justify="right")
    for found in listed:
        counts = (f"{found.item_count:,}", f"{found.view_count:,}")
        table.add_row(found.name, ", ".join(found.aliases), found.model_digest[:12], *counts)
    Console().print(table)


@collections.command("delete")
def delete_collection(
    name: str,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    target: Target = DEFAULT_TARGET,
    api_key: ApiKey = None,
) -> None:
    """Delete a collection with all its items."""
    if not yes:
        typer.confirm(f"Delete the collection {name!r} with all its items?", abort=True)
    with connected(target, api_key) as client:
        client.delete_collection(name)
    typer.echo(f"{name} is deleted")


@collections.command("alias")
def set_alias(
    alias: str,
    collection: Annotated[str, typer.Argument(help="Where it shall point.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Remove the alias instead.")] = False,
    target: Target = DEFAULT_TARGET,
    api_key: ApiKey = None,
) -> None:
    """Point a name at a collection, at once for every later call."""
    if bool(collection) == remove:
        raise typer.BadParameter("name the collection that the alias shall point at, or --remove")
    with connected(target, api_key) as client:
        before = client.set_alias(alias, collection)
    now = f"{alias} points at {collection}" if collection else f"{alias} is removed"
    typer.echo(now + (f" (before: {before})" if before else ""))


def _json(item: Item, indent: int | None = None) -> str:
    return MessageToJson(item, preserving_proto_field_name=True, indent=indent, ensure_ascii=False)
