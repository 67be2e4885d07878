"""How an evaluation is written for people, on the terminal and on the page."""

import math

from clothing_retrieval.evaluation.bootstrap import Estimate
from clothing_retrieval.evaluation.evaluation import Evaluation
from clothing_retrieval.evaluation.figures import Figure
from clothing_retrieval.evaluation.searching import DEPTH
from clothing_retrieval.evaluation.variants import Comparison

UNKNOWN = "–"
INTERVALS = "Intervals: bootstrap over photos, 95 %"
STAR = "* the interval leaves out 0"


def answered(evaluation: Evaluation) -> str:
    """ "40 photos among 150 items, all answered, 3 searched as whole photos." """
    photos = len(evaluation.answers)
    pairs = f"{evaluation.pairs:,} pairs of " if evaluation.of_pairs else ""
    all_or = "all" if evaluation.answered == photos else f"{evaluation.answered:,}"
    whole = f"{evaluation.whole_photos:,} searched as whole photos"
    return f"{pairs}{photos:,} photos among {evaluation.holding.items:,} items, {all_or} answered, {whole}."


def timed(evaluation: Evaluation, at_once: int) -> str:
    median, slow = (milliseconds(evaluation.latency_ms(percentile)) for percentile in (50, 95))
    return (
        f"Half of the answers took less than {median} ms, 95 % less than {slow} ms, "
        f"{at_once} searches for {DEPTH} items at once. {INTERVALS}."
    )


def compared(comparison: Comparison) -> str:
    return (
        f"Times with {comparison.at_once} searches for {DEPTH} items at once. "
        f"{INTERVALS}; differences within the same draws."
    )


def number(value: float) -> str:
    return UNKNOWN if math.isnan(value) else f"{value:.3f}"


def milliseconds(value: float) -> str:
    return UNKNOWN if math.isnan(value) else f"{value:,.0f}"


def interval(estimate: Estimate) -> str:
    return f"{estimate.low:.3f} to {estimate.high:.3f}" if estimate.known else UNKNOWN


def short_interval(estimate: Estimate) -> str:
    return f"{estimate.low:.2f}–{estimate.high:.2f}" if estimate.known else UNKNOWN


def signed_interval(estimate: Estimate) -> str:
    return f"{estimate.low:+.3f} to {estimate.high:+.3f}" if estimate.known else UNKNOWN


def signed(estimate: Estimate) -> str:
    """With a star where the interval leaves out 0."""
    return f"{estimate.value:+.3f} {'*' if estimate.excludes_zero else ' '}" if estimate.known else UNKNOWN


def recall_note(evaluation: Evaluation, figure: Figure) -> str:
    return f"at most {number(evaluation.recall_limit)} is possible" if figure.name == "recall" else ""
