"""``evaluate``: how good the searches are, on photos whose category is known."""

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.catalog.entry import CatalogueError
from clothing_retrieval.cli import matching
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
from clothing_retrieval.display import printable
from clothing_retrieval.evaluation import Evaluation, LabelledPhoto, evaluate, labelled_photos
from clothing_retrieval.v1.retrieval_service_pb2 import CategoryMatching

_SHOWN_PROBLEMS = 3


def evaluate_(
    folder: Annotated[Path, typer.Argument(help="Photos in sub-folders; a sub-folder is their category.")],
    top_k: Annotated[int, typer.Option(min=1, max=100)] = 5,
    whole_image: Annotated[
        bool, typer.Option("--whole-image", help="Take the photos as they are, without looking for garments.")
    ] = False,
    category_matching: matching.CategoryMatching = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    collection: Collection = DEFAULT_COLLECTION,
    target: Target = DEFAULT_TARGET,
    api_key: ApiKey = None,
) -> None:
    """Measure searches: how many of the items found bear the category of the photo."""
    try:
        photos = labelled_photos(folder)
    except CatalogueError as error:
        raise Stop(str(error)) from error
    evaluation = run(
        _evaluate(photos, collection, top_k, whole_image, matching.message(category_matching), target, api_key)
    )
    if json:
        typer.echo(jsonlib.dumps(_as_dict(evaluation, top_k), ensure_ascii=False, indent=2))
    else:
        Console().print(_table(evaluation, top_k))
        Console().print(_summary(evaluation, top_k), style="dim")
    for one in evaluation.problems[:_SHOWN_PROBLEMS]:
        typer.echo(f"  {one.photo.path}: {one.problem}", err=True)
    if evaluation.problems:
        raise Stop(f"{len(evaluation.problems)} of {len(photos)} photos got no answer; they count as wrong")


async def _evaluate(
    photos: list[LabelledPhoto],
    collection: str,
    top_k: int,
    whole_image: bool,
    category_matching: CategoryMatching,
    target: str,
    api_key: str | None,
) -> Evaluation:
    with explained(target):
        async with AsyncClient(target, api_key=api_key) as client:
            await wait_until_ready(client)
            with Progress("searching", len(photos)) as progress:
                return await evaluate(
                    client,
                    photos,
                    collection=collection,
                    top_k=top_k,
                    whole_image=whole_image,
                    category_matching=category_matching,
                    on_progress=progress.advance_to,
                )


def _table(evaluation: Evaluation, top_k: int) -> Table:
    table = Table("category", box=box.SIMPLE_HEAD, show_edge=False, show_footer=True)
    table.columns[0].footer = "all"
    totals = _row(evaluation, top_k)
    for name, total in zip(("photos", "answered", "whole photo", *_titles(top_k)), totals, strict=True):
        table.add_column(name, justify="right", footer=total)
    for category, own in evaluation.by_category().items():
        table.add_row(Text(printable(category)), *_row(own, top_k))
    return table


def _summary(evaluation: Evaluation, top_k: int) -> str:
    low, high = evaluation.precision_interval(top_k)
    answer = f"half of the answers took less than {evaluation.median_seconds() * 1000:.0f} ms"
    return f"P@{top_k} of all: {low:.3f} to {high:.3f} at 95 % confidence; {answer}."


def _row(evaluation: Evaluation, top_k: int) -> list[str]:
    counts = (len(evaluation.judged), evaluation.answered, evaluation.whole_photos)
    return [f"{count:,}" for count in counts] + [f"{evaluation.precision(k):.3f}" for k in _ranks(top_k)]


def _titles(top_k: int) -> list[str]:
    return [f"P@{k}" for k in _ranks(top_k)]


def _ranks(top_k: int) -> list[int]:
    return sorted({1, top_k})


def _as_dict(evaluation: Evaluation, top_k: int) -> dict[str, object]:
    return {
        **_figures(evaluation, top_k),
        "by_category": {name: _figures(own, top_k) for name, own in evaluation.by_category().items()},
    }


def _figures(evaluation: Evaluation, top_k: int) -> dict[str, object]:
    return {
        "photos": len(evaluation.judged),
        "answered": evaluation.answered,
        "whole_photo": evaluation.whole_photos,
        "precision": {str(k): round(evaluation.precision(k), 4) for k in _ranks(top_k)},
        "precision_interval_95": {
            str(k): [round(bound, 4) for bound in evaluation.precision_interval(k)] for k in _ranks(top_k)
        },
        "median_ms": round(evaluation.median_seconds() * 1000, 1),
    }
