"""An evaluation as tables for a terminal of 80 columns."""

from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from clothing_retrieval.display import printable
from clothing_retrieval.evaluation import Evaluation, Figure
from clothing_retrieval.evaluation.variants import BASE, Comparison
from clothing_retrieval.evaluation.wording import (
    STAR,
    answered,
    compared,
    interval,
    milliseconds,
    number,
    recall_note,
    short_interval,
    signed,
    signed_interval,
    timed,
)


def evaluation_tables(evaluation: Evaluation, at_once: int) -> Iterator[RenderableType]:
    yield _overall(evaluation)
    if not evaluation.of_pairs:
        yield Text()
        yield _by_category(evaluation)
    yield Text()
    yield Text(f"{answered(evaluation)} {timed(evaluation, at_once)}", style="dim")


def comparison_tables(comparison: Comparison) -> Iterator[RenderableType]:
    yield _side_by_side(comparison)
    yield Text()
    yield _differences(comparison)
    yield Text()
    yield Text(f"{answered(comparison.base)} {compared(comparison)}", style="dim")


def shown_apart(evaluation: Evaluation) -> list[Figure]:
    """The figures that tell variants apart: with the rank asked for, not the first alone."""
    return [figure for figure in evaluation.figures if figure.name != "precision" or figure.k == evaluation.top_k]


def detailed(evaluation: Evaluation, figure: Figure) -> bool:
    """Whether a narrow table has room for its interval."""
    return figure.name != "recall" and (figure.k > 1 or evaluation.top_k == 1)


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column(columns[0], max_width=16, no_wrap=True)
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _overall(evaluation: Evaluation) -> Table:
    table = _table("all photos", "figure", "95 % interval")
    table.add_column("")
    for figure in evaluation.figures:
        estimate = evaluation.estimate(figure)
        note = Text(recall_note(evaluation, figure), style="dim")
        table.add_row(figure.title, number(estimate.value), interval(estimate), note)
    return table


def _by_category(evaluation: Evaluation) -> Table:
    table = _table("category", "photos", *_titles(evaluation, evaluation.figures))
    for category, own in evaluation.by_category().items():
        name = Text(printable(category))
        table.add_row(name, f"{len(own.answers):,}", *_cells(own, own.figures))
    return table


def _side_by_side(comparison: Comparison) -> Table:
    figures = shown_apart(comparison.base)
    table = _table("variant", *_titles(comparison.base, figures), "p50 ms", "p95 ms")
    for name, evaluation in comparison.evaluations.items():
        times = (milliseconds(evaluation.latency_ms(percentile)) for percentile in (50, 95))
        table.add_row(name, *_cells(evaluation, shown_apart(evaluation)), *times)
    return table


def _differences(comparison: Comparison) -> Table:
    figures = [figure for figure in comparison.base.figures if detailed(comparison.base, figure)]
    table = _table(f"less {BASE}", *(title for figure in figures for title in (figure.title, "95 %")))
    for name in comparison.others:
        cells = []
        for figure in figures:
            estimate = comparison.difference(name, figure)
            style = "bold" if estimate.excludes_zero else "dim"
            cells += [Text(signed(estimate), style=style), Text(signed_interval(estimate), style=style)]
        table.add_row(name, *cells)
    table.caption = Text(STAR, style="dim")
    table.caption_justify = "left"
    return table


def _titles(evaluation: Evaluation, figures: list[Figure]) -> list[str]:
    return [
        title
        for figure in figures
        for title in ((figure.title, "95 %") if detailed(evaluation, figure) else (figure.title,))
    ]


def _cells(evaluation: Evaluation, figures: list[Figure]) -> list[str]:
    cells = []
    for figure in figures:
        estimate = evaluation.estimate(figure)
        cells.append(number(estimate.value))
        if detailed(evaluation, figure):
            cells.append(short_interval(estimate))
    return cells
