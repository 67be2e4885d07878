"""``evaluate``: how good the searches are, on photos whose answer is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.catalog.entry import CatalogueError
from clothing_retrieval.cli import matching
from clothing_retrieval.cli.evaluation_tables import evaluation_tables
from clothing_retrieval.cli.gateway import (
    DEFAULT_COLLECTION,
    DEFAULT_TARGET,
    ApiKey,
    Collection,
    Target,
    explained,
    run,
    wait_until_ready,
)
from clothing_retrieval.cli.progress import Progress
from clothing_retrieval.cli.stop import Stop
from clothing_retrieval.evaluation import (
    Evaluation,
    Query,
    Way,
    evaluate,
    find_holding,
    missing_items,
    read_queries,
)
from clothing_retrieval.evaluation.collection import missing_categories
from clothing_retrieval.evaluation.evaluation import AT_ONCE
from clothing_retrieval.evaluation.record import record, to_json

_SHOWN_PROBLEMS = 3
_NAMED_MISSING = 5


@dataclass(frozen=True)
class _Gateway:
    target: str
    api_key: str | None
    collection: str


def evaluate_(
    photos: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER|PAIRS.csv",
            help="Photos in sub-folders, whose names are their categories; or a CSV with the columns photo and item.",
        ),
    ],
    top_k: Annotated[int, typer.Option(min=1, max=100, help="The k of P@k, R@k and hit@k.")] = 5,
    whole_image: Annotated[
        bool, typer.Option("--whole-image", help="Take the photos as they are, without looking for garments.")
    ] = False,
    category_matching: matching.CategoryMatching = None,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Searches at a time.")] = AT_ONCE,
    json: Annotated[bool, typer.Option("--json", help="As JSON, with each query's result.")] = False,
    json_file: Annotated[
        Path | None, typer.Option(help="Save that JSON here, beside the tables.", dir_okay=False)
    ] = None,
    collection: Collection = DEFAULT_COLLECTION,
    target: Target = DEFAULT_TARGET,
    api_key: ApiKey = None,
) -> None:
    """Measure searches: how well they find items of the photo's category, or the very item in it."""
    try:
        queries = read_queries(photos)
    except CatalogueError as error:
        raise Stop(str(error)) from error
    gateway = _Gateway(target, api_key, collection)
    way = Way(collection, whole_image, matching.message(category_matching))
    evaluation = run(_evaluate(queries, gateway, way, top_k, at_once))
    _tell(evaluation, at_once, json)
    if json_file:
        _write(json_file, to_json(record(evaluation)) + "\n")
    _tell_problems(evaluation)


async def _evaluate(queries: Sequence[Query], gateway: _Gateway, way: Way, top_k: int, at_once: int) -> Evaluation:
    with explained(gateway.target):
        async with AsyncClient(gateway.target, api_key=gateway.api_key) as client:
            await _check(client, queries, gateway)
            with Progress("searching", len(queries)) as progress:
                return await evaluate(
                    client, queries, way, top_k=top_k, at_once=at_once, on_progress=progress.advance_to
                )


async def _check(client: AsyncClient, queries: Sequence[Query], gateway: _Gateway) -> None:
    """What cannot be found is said before the searches, not taken for a miss.

    Raises:
        Stop: an item that is sought is not in the collection.
    """
    await wait_until_ready(client)
    holding = await find_holding(client, gateway.collection)
    if missing := await missing_items(client, queries, gateway.collection):
        more = len(missing) - _NAMED_MISSING
        named = ", ".join(missing[:_NAMED_MISSING]) + (f" and {more} more" if more > 0 else "")
        raise Stop(
            f"the collection {gateway.collection!r} at {gateway.target} lacks items that are sought: {named}. "
            "Import them, or delete their lines"
        )
    if absent := missing_categories(queries, holding):
        typer.echo(
            f"the collection {gateway.collection!r} has no items of the category {', '.join(absent)}: "
            "for such photos every item counts as wrong, and R and mAP leave them out",
            err=True,
        )


def _tell(evaluation: Evaluation, at_once: int, json: bool) -> None:
    if json:
        typer.echo(to_json(record(evaluation)))
    else:
        Console().print(*evaluation_tables(evaluation, at_once), sep="\n")


def _tell_problems(evaluation: Evaluation) -> None:
    for answer in evaluation.problems[:_SHOWN_PROBLEMS]:
        typer.echo(f"  {answer.query.photo}: {answer.problem}", err=True)
    if problems := len(evaluation.problems):
        raise Stop(f"{problems} of {len(evaluation.answers)} photos got no answer; they count as wrong")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Stop(f"cannot write {path}: {error.strerror}") from error
