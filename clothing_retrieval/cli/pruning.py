"""``import --prune``: asks, and removes what the source no longer has."""

import sys
from collections.abc import Set
from dataclasses import dataclass

import typer

from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.cli.import_report import Pruned
from clothing_retrieval.display import printable
from clothing_retrieval.pruning import Surplus, find_surplus, remove

_SHOWN = 3


@dataclass(frozen=True)
class PruneOptions:
    most: bool
    """Even if more than half would go."""
    yes: bool
    """Without asking."""


async def prune(client: AsyncClient, collection: str, kept: Set[str], options: PruneOptions, not_read: str) -> Pruned:
    """``not_read``: why the source may have more than ``kept``. Nothing is removed then."""
    if not_read:
        return Pruned(kept_because=f"not all of the source was read ({not_read})")
    if not kept:
        return Pruned(kept_because="the source is empty")
    surplus = await find_surplus(client, collection, kept)
    pruned = Pruned(surplus=len(surplus.ids))
    if not surplus.ids:
        typer.echo("0 items to remove: the source has all that the catalogue has")
        return pruned
    typer.echo(_told(surplus))
    pruned.kept_because = _objection(surplus, options)
    if not pruned.kept_because:
        pruned.removed = await remove(client, collection, surplus)
        typer.echo(f"{pruned.removed:,} items removed")
    return pruned


def _told(surplus: Surplus) -> str:
    examples = ", ".join(map(printable, surplus.ids[:_SHOWN])) + (", …" if len(surplus.ids) > _SHOWN else "")
    return f"{len(surplus.ids):,} of {surplus.total:,} items in the catalogue are no longer in the source: {examples}"


def _objection(surplus: Surplus, options: PruneOptions) -> str:
    if surplus.is_most and not options.most:
        return f"{len(surplus.ids):,} of {surplus.total:,} items are more than half: --prune-most, where that is meant"
    if options.yes:
        return ""
    if not sys.stdin.isatty():
        return "nobody is there to be asked: --yes does not ask"
    return "" if typer.confirm("Remove them?") else "it was not wanted"
