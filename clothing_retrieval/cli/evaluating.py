"""``evaluate``: how good the searches are, on photos whose answer is known."""

import datetime
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.catalog.entry import CatalogueError
from clothing_retrieval.cli import matching
from clothing_retrieval.cli.evaluation_tables import comparison_tables, evaluation_tables
from clothing_retrieval.cli.gateway import (
    DEFAULT_COLLECTION,
    DEFAULT_TARGET,
    ApiKey,
    Collection,
    Target,
    async_client,
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
from clothing_retrieval.evaluation.examples import Example, choose, illustrate
from clothing_retrieval.evaluation.record import compared_record, record, to_json
from clothing_retrieval.evaluation.variants import BASE, Comparison, Variant, compare, v1, variants
from clothing_retrieval.evaluation.wording import answered, compared, timed
from clothing_retrieval.page.evaluated import render_evaluation

_SHOWN_PROBLEMS = 3
_NAMED_MISSING = 5
_NO_V1 = "v1 is left out: --v1-target names a gateway that serves ImageNet features, --v1-collection its collection"


@dataclass(frozen=True)
class _Gateway:
    target: str
    api_key: str | None
    collection: str


@dataclass(frozen=True)
class _Outcome:
    evaluation: Evaluation
    """The one that was asked for; with variants, that of the default."""
    comparison: Comparison | None = None
    worst: Sequence[Example] = ()
    best: Sequence[Example] = ()

    @property
    def all(self) -> Sequence[Evaluation]:
        return list(self.comparison.evaluations.values()) if self.comparison else [self.evaluation]

    def to_json(self) -> str:
        return to_json(compared_record(self.comparison) if self.comparison else record(self.evaluation))


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
    alternatives: Annotated[
        bool, typer.Option("--alternatives", help="Search also for what else the parser could see.")
    ] = False,
    category_matching: matching.CategoryMatching = None,
    compare_variants: Annotated[
        bool, typer.Option("--variants", help="Compare v1, v2 (strict, prefer, ignore) and v3 (whole photo).")
    ] = False,
    v1_target: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="A gateway that serves ImageNet features.")
    ] = None,
    v1_collection: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its collection.", show_default="that of --collection")
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Searches at a time.")] = AT_ONCE,
    html: Annotated[
        Path | None, typer.Option(help="Save a page that shows the figures, and queries as pictures.", dir_okay=False)
    ] = None,
    examples: Annotated[
        int, typer.Option(min=0, max=100, help="So many worst and so many best queries on the page.")
    ] = 12,
    json: Annotated[bool, typer.Option("--json", help="As JSON, with each query's result.")] = False,
    json_file: Annotated[
        Path | None, typer.Option(help="Save that JSON here, beside the tables.", dir_okay=False)
    ] = None,
    collection: Collection = DEFAULT_COLLECTION,
    target: Target = DEFAULT_TARGET,
    api_key: ApiKey = None,
) -> None:
    """Measure searches: how well they find items of the photo's category, or the very item in it."""
    one_way = whole_image or alternatives or category_matching is not None
    _check_usage(compare_variants, one_way, v1_target, v1_collection)
    try:
        queries = read_queries(photos)
    except CatalogueError as error:
        raise Stop(str(error)) from error
    gateway = _Gateway(target, api_key, collection)
    shown = examples if html else 0
    if compare_variants:
        other = _Gateway(v1_target, api_key, v1_collection or collection) if v1_target else None
        outcome = run(_compare(queries, gateway, other, top_k, at_once, shown))
    else:
        way = Way(collection, whole_image, matching.message(category_matching), alternatives)
        outcome = run(_evaluate(queries, gateway, way, top_k, at_once, shown))
    _tell(outcome, at_once, json)
    if json_file:
        _write(json_file, outcome.to_json() + "\n")
    if html:
        _write(html, _page(photos, gateway, outcome, at_once))
        typer.echo(f"Saved {html}", err=json)
    _tell_problems(outcome)


def _check_usage(compare_variants: bool, one_way: bool, v1_target: str | None, v1_collection: str | None) -> None:
    if compare_variants and one_way:
        raise typer.BadParameter(
            "--variants has its own ways: leave out --whole-image, --alternatives and --category-matching"
        )
    if v1_target and not compare_variants:
        raise typer.BadParameter("--v1-target is for --variants")
    if v1_collection and not v1_target:
        raise typer.BadParameter("--v1-collection needs --v1-target: another embedder is served by another gateway")


async def _evaluate(
    queries: Sequence[Query], gateway: _Gateway, way: Way, top_k: int, at_once: int, shown: int
) -> _Outcome:
    with explained(gateway.target):
        async with async_client(gateway.target, gateway.api_key) as client:
            await _check(client, queries, gateway)
            with Progress("searching", len(queries)) as progress:
                evaluation = await evaluate(
                    client, queries, way, top_k=top_k, at_once=at_once, on_progress=progress.advance_to
                )
            return await _with_examples(client, _Outcome(evaluation), way, shown)


async def _compare(
    queries: Sequence[Query], gateway: _Gateway, other: _Gateway | None, top_k: int, at_once: int, shown: int
) -> _Outcome:
    async with AsyncExitStack() as stack:
        ways: list[Variant] = []
        if other:
            with explained(other.target):
                client = await stack.enter_async_context(async_client(other.target, other.api_key))
                await _check(client, queries, other)
            ways.append(v1(client, other.collection))
        else:
            typer.echo(_NO_V1, err=True)
        with explained(gateway.target):
            client = await stack.enter_async_context(async_client(gateway.target, gateway.api_key))
            await _check(client, queries, gateway)
            ways += variants(client, gateway.collection)
            with Progress("searching", len(ways) * len(queries)) as progress:
                comparison = await compare(ways, queries, top_k=top_k, at_once=at_once, on_progress=progress.advance_to)
            way = next(variant.way for variant in ways if variant.name == BASE)
            return await _with_examples(client, _Outcome(comparison.base, comparison), way, shown)


async def _with_examples(client: AsyncClient, outcome: _Outcome, way: Way, count: int) -> _Outcome:
    worst, best = choose(outcome.evaluation, count)
    examples = await illustrate(client, outcome.evaluation, [*worst, *best], way)
    return replace(outcome, worst=examples[: len(worst)], best=examples[len(worst) :])


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


def _page(photos: Path, gateway: _Gateway, outcome: _Outcome, at_once: int) -> str:
    evaluation, comparison = outcome.evaluation, outcome.comparison
    return render_evaluation(
        "How good the searches are",
        f"{photos} searched in {gateway.collection!r} on {datetime.date.today():%Y-%m-%d}. {answered(evaluation)}",
        evaluation,
        caption=compared(comparison) if comparison else timed(evaluation, at_once),
        worst=outcome.worst,
        best=outcome.best,
        comparison=comparison,
    )


def _tell(outcome: _Outcome, at_once: int, json: bool) -> None:
    if json:
        typer.echo(outcome.to_json())
    elif outcome.comparison:
        Console().print(*comparison_tables(outcome.comparison), sep="\n")
    else:
        Console().print(*evaluation_tables(outcome.evaluation, at_once), sep="\n")


def _tell_problems(outcome: _Outcome) -> None:
    problems = [answer for evaluation in outcome.all for answer in evaluation.problems]
    for answer in problems[:_SHOWN_PROBLEMS]:
        typer.echo(f"  {answer.query.photo}: {answer.problem}", err=True)
    if problems:
        searches = sum(len(evaluation.answers) for evaluation in outcome.all)
        what = "searches" if outcome.comparison else "photos"
        raise Stop(f"{len(problems)} of {searches} {what} got no answer; they count as wrong")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Stop(f"cannot write {path}: {error.strerror}") from error
