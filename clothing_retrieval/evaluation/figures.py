"""The figures by name, each as what a single answer adds to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from clothing_retrieval.evaluation.bootstrap import Scores
from clothing_retrieval.evaluation.collection import Holding
from clothing_retrieval.evaluation.judging import average_precision, rank_of, right_ranks
from clothing_retrieval.evaluation.searching import DEPTH, Answer

Score = Callable[[Answer], tuple[float, float]]
"""The sum and the weight that an answer adds."""


@dataclass(frozen=True)
class Figure:
    name: str
    """As in JSON: "precision"."""
    title: str
    """As in a table: "P@5"."""
    k: int
    score: Score

    def scores(self, answers: Sequence[Answer]) -> Scores:
        added = np.array([self.score(answer) for answer in answers], np.float64).reshape(-1, 2)
        return Scores(added[:, 0], added[:, 1])


def category_figures(holding: Holding, top_k: int) -> list[Figure]:
    """For labelled photos. The last one ranks a query among others."""

    def precision(k: int) -> Score:
        return lambda answer: (_within(answer, k) / k, 1.0)

    def recall(k: int) -> Score:
        def score(answer: Answer) -> tuple[float, float]:
            there = holding.of(answer.query.category)
            return (_within(answer, k) / there, 1.0) if there else (0.0, 0.0)

        return score

    def mean_average_precision(answer: Answer) -> tuple[float, float]:
        there = holding.of(answer.query.category)
        return (average_precision(right_ranks(answer), there), 1.0) if there else (0.0, 0.0)

    return [
        *(Figure("precision", f"P@{k}", k, precision(k)) for k in ranks_shown(top_k)),
        Figure("recall", f"R@{top_k}", top_k, recall(top_k)),
        Figure("mean_average_precision", f"mAP@{DEPTH}", DEPTH, mean_average_precision),
    ]


def pair_figures(top_k: int) -> list[Figure]:
    """For pairs of photo and item. The last one ranks a query among others."""

    def hit(k: int) -> Score:
        def score(answer: Answer) -> tuple[float, float]:
            ranks = [rank_of(answer, item) for item in answer.query.items]
            return float(sum(rank is not None and rank <= k for rank in ranks)), float(len(ranks))

        return score

    def mean_reciprocal_rank(answer: Answer) -> tuple[float, float]:
        ranks = [rank_of(answer, item) for item in answer.query.items]
        return sum(1 / rank for rank in ranks if rank), float(len(ranks))

    return [
        *(Figure("hit", f"hit@{k}", k, hit(k)) for k in ranks_shown(top_k)),
        Figure("mean_reciprocal_rank", f"MRR@{DEPTH}", DEPTH, mean_reciprocal_rank),
    ]


def ranks_shown(top_k: int) -> list[int]:
    return sorted({1, top_k})


def recall_limit(answers: Sequence[Answer], holding: Holding, k: int) -> float:
    """The mean of the largest recall@k that each photo could have; NaN where none has one."""
    there = [count for answer in answers if (count := holding.of(answer.query.category))]
    return float(np.mean([min(k, count) / count for count in there])) if there else float("nan")


def _within(answer: Answer, k: int) -> int:
    return sum(rank <= k for rank in right_ranks(answer))
