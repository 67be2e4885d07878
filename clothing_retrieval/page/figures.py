"""Figures as HTML tables, with their intervals drawn."""

from collections.abc import Iterable, Sequence
from html import escape

from clothing_retrieval.evaluation.bootstrap import Estimate
from clothing_retrieval.evaluation.evaluation import Evaluation
from clothing_retrieval.evaluation.figures import Figure
from clothing_retrieval.evaluation.variants import BASE, Comparison
from clothing_retrieval.evaluation.wording import (
    STAR,
    interval,
    milliseconds,
    number,
    recall_note,
    signed,
    signed_interval,
)


def figure_table(evaluation: Evaluation) -> str:
    rows = []
    for figure in evaluation.figures:
        estimate = evaluation.estimate(figure)
        note = f'<td class="soft">{recall_note(evaluation, figure)}</td>'
        cells = (_number(number(estimate.value)), _number(interval(estimate)), note, _share(estimate))
        rows.append(_row(figure.title, cells))
    return _table(("all photos", "figure", "95 % interval", ""), "0 to 1", rows)


def category_table(evaluation: Evaluation) -> str:
    drawn = evaluation.figures[-1]
    rows = []
    for category, own in evaluation.by_category().items():
        estimates = {figure.title: own.estimate(figure) for figure in own.figures}
        cells = (_number(f"{len(own.answers):,}"), *map(_estimate, estimates.values()), _share(estimates[drawn.title]))
        rows.append(_row(category, cells))
    return _table(("category", "photos", *_titles(evaluation.figures)), f"{drawn.title}, 0 to 1", rows)


def variant_table(comparison: Comparison) -> str:
    drawn = comparison.base.figures[-1]
    rows = []
    for name, evaluation in comparison.evaluations.items():
        estimates = {figure.title: evaluation.estimate(figure) for figure in evaluation.figures}
        times = (_number(milliseconds(evaluation.latency_ms(percentile))) for percentile in (50, 95))
        cells = (*map(_estimate, estimates.values()), *times, _share(estimates[drawn.title]))
        rows.append(_row(f"{name} (default)" if name == BASE else name, cells))
    return _table(("variant", *_titles(comparison.base.figures), "p50 ms", "p95 ms"), f"{drawn.title}, 0 to 1", rows)


def difference_table(comparison: Comparison) -> str:
    """Each figure less that of the default."""
    figures = comparison.base.figures
    rows = []
    for name in comparison.others:
        estimates = [comparison.difference(name, figure) for figure in figures]
        rows.append(_row(name, (*map(_difference, estimates), _around_zero(estimates[-1]))))
    star = f'<p class="caption">{escape(STAR)}</p>'
    return _table((f"less {BASE}", *_titles(figures)), f"{figures[-1].title}, -0.5 to +0.5", rows) + star


def _table(columns: Sequence[str], drawn: str, rows: Iterable[str]) -> str:
    """``drawn`` heads the last column, whose intervals are drawn."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    head += f'<th scope="col" class="drawn">{escape(drawn)}</th>'
    return f'<table class="figures"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _row(name: str, cells: Iterable[str]) -> str:
    return f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>'


def _titles(figures: Sequence[Figure]) -> list[str]:
    return [figure.title for figure in figures]


def _number(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def _estimate(estimate: Estimate) -> str:
    return f"<td>{number(estimate.value)}{_below(interval(estimate))}</td>"


def _difference(estimate: Estimate) -> str:
    weight = ' class="real"' if estimate.excludes_zero else ""
    return f"<td{weight}>{signed(estimate)}{_below(signed_interval(estimate))}</td>"


def _below(interval_text: str) -> str:
    """On a narrow screen it breaks before "to"."""
    return f'<span class="soft interval">{interval_text.replace(" to ", " to&nbsp;")}</span>'


def _share(estimate: Estimate) -> str:
    """The interval on a line from 0 to 1."""
    return _drawn(estimate.low, estimate.high, estimate.value) if estimate.known else '<td class="drawn"></td>'


def _around_zero(estimate: Estimate) -> str:
    """The interval on a line from -0.5 to 0.5, with 0 marked."""
    if not estimate.known:
        return '<td class="drawn"></td>'
    low, high, value = (min(1.0, max(0.0, 0.5 + bound)) for bound in (estimate.low, estimate.high, estimate.value))
    return _drawn(low, high, value, '<i class="zero"></i>')


def _drawn(low: float, high: float, value: float, mark: str = "") -> str:
    reach = f'<i class="reach" style="left:{low:.1%};width:{high - low:.1%}"></i>'
    dot = f'<i class="dot" style="left:{value:.1%}"></i>'
    return f'<td class="drawn" aria-hidden="true"><div>{mark}{reach}{dot}</div></td>'
