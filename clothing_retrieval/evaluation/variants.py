"""Ways to search side by side, on the same photos.

    v1          the features of another gateway's embedder, in a collection of its own; categories are preferred
    v2 strict   only items of the garment's own category
    v2 prefer   items of other categories rank a little lower: the default, which the others are compared with
    v2 ignore   items of all categories alike
    v3          the photo as a whole, without looking for garments

One after the other, each after a few searches that do not count, with the same number of searches at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.evaluation import bootstrap
from clothing_retrieval.evaluation.bootstrap import Estimate
from clothing_retrieval.evaluation.evaluation import Evaluation, evaluate
from clothing_retrieval.evaluation.figures import Figure
from clothing_retrieval.evaluation.queries import Query
from clothing_retrieval.evaluation.searching import Way, warm_up
from clothing_retrieval.v1.retrieval_service_pb2 import (
    CATEGORY_MATCHING_IGNORE,
    CATEGORY_MATCHING_PREFER,
    CATEGORY_MATCHING_STRICT,
)

V1 = "v1 ImageNet"
BASE = "v2 prefer"


@dataclass(frozen=True)
class Variant:
    name: str
    client: AsyncClient
    way: Way


@dataclass(frozen=True)
class Comparison:
    evaluations: Mapping[str, Evaluation]
    """By variant; the photos are the same, in the same order."""
    at_once: int
    """So many searches ran at a time."""

    @property
    def base(self) -> Evaluation:
        return self.evaluations[BASE]

    @property
    def others(self) -> dict[str, Evaluation]:
        return {name: evaluation for name, evaluation in self.evaluations.items() if name != BASE}

    def difference(self, name: str, figure: Figure) -> Estimate:
        """The variant's figure less that of the base. ``figure`` is one of the base's."""
        other = self.evaluations[name]
        own = next(one for one in other.figures if one.title == figure.title)
        return bootstrap.difference(own.scores(other.answers), figure.scores(self.base.answers))


def variants(client: AsyncClient, collection: str) -> list[Variant]:
    """Those of one gateway and one collection."""
    return [
        Variant("v2 strict", client, Way(collection, category_matching=CATEGORY_MATCHING_STRICT)),
        Variant(BASE, client, Way(collection, category_matching=CATEGORY_MATCHING_PREFER)),
        Variant("v2 ignore", client, Way(collection, category_matching=CATEGORY_MATCHING_IGNORE)),
        Variant("v3 whole photo", client, Way(collection, whole_image=True)),
    ]


def v1(client: AsyncClient, collection: str) -> Variant:
    return Variant(V1, client, Way(collection, category_matching=CATEGORY_MATCHING_PREFER))


async def compare(
    compared: Sequence[Variant],
    queries: Sequence[Query],
    *,
    top_k: int,
    at_once: int,
    on_progress: Callable[[int], None] = lambda done: None,
) -> Comparison:
    """``on_progress`` takes the number of searches made by all variants so far. Raises as ``evaluate`` does."""
    evaluations = {}
    for number, variant in enumerate(compared):
        before = number * len(queries)
        await warm_up(variant.client, queries, variant.way, at_once=at_once)
        evaluations[variant.name] = await evaluate(
            variant.client,
            queries,
            variant.way,
            top_k=top_k,
            at_once=at_once,
            on_progress=lambda done, before=before: on_progress(before + done),  # type: ignore[misc]
        )
    return Comparison(evaluations, at_once)
