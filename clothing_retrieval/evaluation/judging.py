"""Which of the items found are right."""

from collections.abc import Sequence

from clothing_retrieval.evaluation.queries import Query
from clothing_retrieval.evaluation.searching import DEPTH, Answer, Hit


def is_right(query: Query, hit: Hit) -> bool:
    return hit.id in query.items if query.items else hit.category == query.category


def right_ranks(answer: Answer) -> list[int]:
    """The ranks, from 1, of the right items for the largest garment."""
    if not answer.garments:
        return []
    return [rank for rank, hit in enumerate(answer.garments[0].hits, 1) if is_right(answer.query, hit)]


def average_precision(ranks: Sequence[int], in_collection: int) -> float:
    """Of right items at these ranks, ascending, out of so many that the collection holds: 1 or more."""
    return sum(count / rank for count, rank in enumerate(ranks, 1)) / min(DEPTH, in_collection)


def rank_of(answer: Answer, item: str) -> int | None:
    """The best rank, from 1, at which any garment found the item."""
    ranks = (rank for garment in answer.garments for rank, hit in enumerate(garment.hits, 1) if hit.id == item)
    return min(ranks, default=None)


def telling_garment(answer: Answer) -> int:
    """Which garment, counted from 0, shows how the answer is judged: the one that ranks a sought item best, or the
    largest."""
    ranks = [
        next((rank for rank, hit in enumerate(garment.hits) if is_right(answer.query, hit)), DEPTH)
        for garment in answer.garments
    ]
    return ranks.index(min(ranks)) if answer.query.items and ranks else 0
