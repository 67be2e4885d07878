"""All answers of one way to search, and what they amount to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.evaluation import bootstrap, figures
from clothing_retrieval.evaluation.bootstrap import Estimate
from clothing_retrieval.evaluation.collection import Holding, find_holding
from clothing_retrieval.evaluation.figures import Figure
from clothing_retrieval.evaluation.queries import Query
from clothing_retrieval.evaluation.searching import Answer, Way, search_all

AT_ONCE = 8


@dataclass(frozen=True)
class Evaluation:
    answers: Sequence[Answer]
    """All for labelled photos, or all for pairs."""
    holding: Holding
    top_k: int

    @property
    def of_pairs(self) -> bool:
        return any(answer.query.items for answer in self.answers)

    @property
    def pairs(self) -> int:
        return sum(len(answer.query.items) for answer in self.answers)

    @property
    def answered(self) -> int:
        return sum(not answer.problem for answer in self.answers)

    @property
    def whole_photos(self) -> int:
        return sum(answer.whole_photo for answer in self.answers)

    @property
    def problems(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.problem]

    @property
    def figures(self) -> list[Figure]:
        return figures.pair_figures(self.top_k) if self.of_pairs else figures.category_figures(self.holding, self.top_k)

    @property
    def recall_limit(self) -> float:
        """What R@top_k cannot exceed."""
        return figures.recall_limit(self.answers, self.holding, self.top_k)

    def estimate(self, figure: Figure) -> Estimate:
        return bootstrap.estimate(figure.scores(self.answers))

    def score(self, answer: Answer) -> float:
        """The figure of a single query that ranks it among others: its average precision, or its mean 1 / rank."""
        return self.figures[-1].scores([answer]).mean()

    def latency_ms(self, percentile: float) -> float:
        """Of the photos with an answer; NaN where there is none."""
        times = [answer.seconds * 1000 for answer in self.answers if not answer.problem]
        return float(np.percentile(times, percentile)) if times else float("nan")

    def by_category(self) -> dict[str, "Evaluation"]:
        """Of labelled photos; empty for pairs."""
        categories = sorted({answer.query.category for answer in self.answers if not answer.query.items})
        return {name: replace(self, answers=self._of(name)) for name in categories}

    def _of(self, category: str) -> list[Answer]:
        return [answer for answer in self.answers if answer.query.category == category]


async def evaluate(
    client: AsyncClient,
    queries: Sequence[Query],
    way: Way,
    *,
    top_k: int = 5,
    at_once: int = AT_ONCE,
    on_progress: Callable[[int], None] = lambda done: None,
) -> Evaluation:
    """Searches with every photo, ``at_once`` at a time.

    Raises:
        RetrievalError: the collection cannot be looked at. A search that fails is an answer with a problem.
    """
    holding = await find_holding(client, way.collection)
    answers = await search_all(client, queries, way, at_once=at_once, on_progress=on_progress)
    return Evaluation(answers, holding, top_k)
