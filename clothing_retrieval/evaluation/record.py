"""An evaluation as JSON: all figures, and of each query what they can be computed anew from."""

import json
import math
from typing import Any

from clothing_retrieval.evaluation.bootstrap import Estimate
from clothing_retrieval.evaluation.evaluation import Evaluation
from clothing_retrieval.evaluation.judging import rank_of, right_ranks, telling_garment
from clothing_retrieval.evaluation.searching import DEPTH, Answer
from clothing_retrieval.evaluation.variants import BASE, Comparison

Record = dict[str, Any]


def record(evaluation: Evaluation) -> Record:
    by_category = {name: _figures(own) for name, own in evaluation.by_category().items()}
    return {
        **_figures(evaluation),
        "searched_items": evaluation.holding.items,
        "depth": DEPTH,
        **({} if evaluation.of_pairs else {"by_category": by_category}),
        "queries": [_query(evaluation, answer) for answer in evaluation.answers],
    }


def compared_record(comparison: Comparison) -> Record:
    """The record of the base, and below it that of each variant with its difference to the base."""
    variants = {
        name: {**record(evaluation), **({} if name == BASE else {"difference_to_base": _differences(comparison, name)})}
        for name, evaluation in comparison.evaluations.items()
    }
    return {**record(comparison.base), "base": BASE, "at_once": comparison.at_once, "variants": variants}


def to_json(value: object, margin: str = "") -> str:
    """Indented, but for lists: each of their values is on one line."""
    inner = margin + "  "
    if isinstance(value, dict) and value:
        members = (f"{inner}{_line(key)}: {to_json(member, inner)}" for key, member in value.items())
        return "{\n" + ",\n".join(members) + f"\n{margin}}}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(inner + _line(row) for row in value) + f"\n{margin}]"
    return _line(value)


def _figures(evaluation: Evaluation) -> Record:
    figures: Record = {
        "photos": len(evaluation.answers),
        "answered": evaluation.answered,
        "whole_photo": evaluation.whole_photos,
    }
    if evaluation.of_pairs:
        figures["pairs"] = evaluation.pairs
    for figure in evaluation.figures:
        estimate = evaluation.estimate(figure)
        figures.setdefault(figure.name, {})[str(figure.k)] = _rounded(estimate.value)
        figures.setdefault(f"{figure.name}_interval_95", {})[str(figure.k)] = _interval(estimate)
    if not evaluation.of_pairs:
        figures["recall_limit"] = {str(evaluation.top_k): _rounded(evaluation.recall_limit)}
    return {
        **figures,
        "median_ms": _rounded(evaluation.latency_ms(50), 1),
        "p95_ms": _rounded(evaluation.latency_ms(95), 1),
    }


def _differences(comparison: Comparison, name: str) -> Record:
    differences: Record = {}
    for figure in comparison.base.figures:
        estimate = comparison.difference(name, figure)
        differences.setdefault(figure.name, {})[str(figure.k)] = _rounded(estimate.value)
        differences.setdefault(f"{figure.name}_interval_95", {})[str(figure.k)] = _interval(estimate)
    return differences


def _query(evaluation: Evaluation, answer: Answer) -> Record:
    """``first``: the items found first for the garment that the answer is judged by, with their distances."""
    query = answer.query
    judged: Record
    if query.items:
        ranks = {item: rank_of(answer, item) for item in query.items}
        score = {"mean_reciprocal_rank": _rounded(evaluation.score(answer), 6)}
        judged = {"ranks": ranks, **score}
    else:
        judged = {
            "category": query.category,
            "in_collection": evaluation.holding.of(query.category),
            "right_ranks": right_ranks(answer),
            "average_precision": _rounded(evaluation.score(answer), 6),
        }
    garment = answer.garments[telling_garment(answer)] if answer.garments else None
    first = garment.hits[: evaluation.top_k] if garment else ()
    return {
        "photo": str(query.photo),
        **judged,
        "garments": [garment.category for garment in answer.garments],
        "found": len(garment.hits) if garment else 0,
        "first": [{"id": hit.id, "category": hit.category, "distance": _rounded(hit.distance)} for hit in first],
        "ms": _rounded(answer.seconds * 1000, 1),
        **({"problem": answer.problem} if answer.problem else {}),
    }


def _interval(estimate: Estimate) -> list[float | None]:
    return [_rounded(estimate.low), _rounded(estimate.high)]


def _rounded(value: float, digits: int = 4) -> float | None:
    return None if math.isnan(value) else round(value, digits)


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
