"""What a garment's category means for its matches."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from clothing_retrieval.v1 import types_pb2

Confusion = Mapping[str, Mapping[str, float]]
"""For each category that the parser gives, the shares of the categories that it truly is. Empty: unknown."""

_MOST_CONFUSED = 2
_LEAST_SHARE = 0.05


class Matching(Enum):
    STRICT = "strict"
    PREFER = "prefer"
    IGNORE = "ignore"


@dataclass(frozen=True)
class Scope:
    """Where a garment looks for matches: among views of these categories (none: of all).

    ``penalty`` is added to the distance of what is found there, for the order only.
    """

    categories: tuple[str, ...] = ()
    penalty: float = 0.0


def scopes_of(category: str, matching: Matching, confusion: Confusion, penalty: float) -> list[Scope]:
    """Where a garment of a category looks. With PREFER: among its own, among those it may truly be, and everywhere.

    What is found everywhere bears the whole penalty. The ``_MOST_CONFUSED`` likeliest categories that the garment truly
    is with a share of ``_LEAST_SHARE`` or more bear a smaller one, and none where they are as likely as its own.
    """
    if not category or matching is Matching.IGNORE:
        return [Scope()]
    own = Scope((category,))
    if matching is Matching.STRICT:
        return [own]
    likely = _likely_instead(category, confusion)
    return [
        own,
        *(Scope((other,), penalty * (1.0 - likelihood)) for other, likelihood in likely.items()),
        Scope((), penalty),
    ]


def merge(found: Iterable[tuple[Scope, Iterable[types_pb2.Match]]], top_k: int) -> list[types_pb2.Match]:
    """Joins what one garment found, ordered by rank: an item's least sum of distance and its scope's penalty.

    The first ``top_k`` of each scope are enough to know the first ``top_k`` of the whole: an item that is not among
    them where it ranks best has ``top_k`` others before it there, none of which ranks worse in the whole.
    """
    best: dict[str, tuple[float, types_pb2.Match]] = {}
    for scope, matches in found:
        for match in matches:
            rank = match.distance + scope.penalty
            if match.item.id not in best or rank < best[match.item.id][0]:
                best[match.item.id] = (rank, match)
    ordered = sorted(best.values(), key=lambda entry: (entry[0], entry[1].item.id))
    return [match for _, match in ordered[:top_k]]


def _likely_instead(category: str, confusion: Confusion) -> dict[str, float]:
    """The categories that a garment may well be instead, with their likelihood over that of its own: 1 at most."""
    shares = confusion.get(category, {})
    own = shares.get(category, 0.0)
    others = {other: share for other, share in shares.items() if other != category and share >= _LEAST_SHARE}
    likeliest = sorted(others, key=lambda other: (-others[other], other))[:_MOST_CONFUSED]
    return {other: 1.0 if others[other] >= own else others[other] / own for other in likeliest}
