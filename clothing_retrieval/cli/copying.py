"""``collections copy``: a collection from one search service into another."""

import json as jsonlib
import time
from dataclasses import asdict
from typing import Annotated

import typer

from clothing_retrieval import errors
from clothing_retrieval.cli.gateway import CREDENTIALS
from clothing_retrieval.cli.progress import Progress
from clothing_retrieval.cli.stop import Stop
from clothing_retrieval.copying import Copied, SearchServer, copy_collection


def copy(
    name: Annotated[str, typer.Argument(help="The collection, by name or alias.")],
    to: Annotated[str, typer.Option("--to", metavar="HOST:PORT", help="The search service that shall have it.")],
    from_: Annotated[
        str, typer.Option("--from", metavar="HOST:PORT", help="The search service that has it.")
    ] = "127.0.0.1:50053",
    new_name: Annotated[str, typer.Option("--as", metavar="NAME", help="Its name there, where it is another.")] = "",
    prune: Annotated[bool, typer.Option("--prune", help="Delete items there that are not here.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Copy a collection with its vectors and pictures to another search service, such as one on Milvus.

    Run it again to resume, or to fetch what changed meanwhile: what is the same on both sides is passed over.
    """
    began = time.monotonic()
    credentials = CREDENTIALS.get()
    with (
        Progress("copying", 0) as progress,
        SearchServer(from_, credentials) as source,
        SearchServer(to, credentials) as target,
    ):
        try:
            done = copy_collection(
                source,
                target,
                name,
                new_name or name,
                prune=prune,
                on_progress=lambda copied, total: progress.advance(copied.settled, total),
            )
        except errors.TransientError as error:
            raise Stop(f"{error}: run it again to go on where it stopped") from error
        except errors.RetrievalError as error:
            raise Stop(str(error)) from error
    took_s = time.monotonic() - began
    if json:
        typer.echo(jsonlib.dumps({**asdict(done), "pruned": prune, "took_s": round(took_s, 3)}))
    else:
        _tell(done, took_s, prune)


def _tell(done: Copied, took_s: float, prune: bool) -> None:
    typer.echo(f"{done.copied:,} copied, {done.unchanged:,} were the same, in {took_s:.1f} s")
    if done.only_there:
        what = "were only there, and are deleted" if prune else "are only there: --prune deletes them"
        typer.echo(f"{done.only_there:,} {what}")
    if done.gone:
        typer.echo(f"{done.gone:,} were deleted meanwhile")
