"""What a garment's category means for its matches."""

from collections.abc import Iterable, Sequence
from enum import Enum

from clothing_retrieval.v1 import search_service_pb2, types_pb2


class Matching(Enum):
    STRICT = "strict"
    PREFER = "prefer"
    IGNORE = "ignore"


def probes_for(embedding: types_pb2.Embedding, category: str, matching: Matching) -> list[search_service_pb2.Probe]:
    """The probes that one garment needs: with PREFER, one among its own category and one among all."""
    everywhere = search_service_pb2.Probe(embedding=embedding)
    if not category or matching is Matching.IGNORE:
        return [everywhere]
    own = search_service_pb2.Probe(embedding=embedding, categories=[category])
    return [own] if matching is Matching.STRICT else [own, everywhere]


def merge(answers: Sequence[Iterable[types_pb2.Match]], top_k: int, penalty: float) -> list[types_pb2.Match]:
    """Joins what the probes of one garment found: the first as it is, the others' distance raised by the penalty.

    The first ``top_k`` of each list are enough to know the first ``top_k`` of the whole.
    """
    best: dict[str, tuple[float, types_pb2.Match]] = {}
    for index, matches in enumerate(answers):
        for match in matches:
            rank = match.distance + (penalty if index else 0.0)
            if match.item.id not in best or rank < best[match.item.id][0]:
                best[match.item.id] = (rank, match)
    ordered = sorted(best.values(), key=lambda entry: (entry[0], entry[1].item.id))
    return [match for _, match in ordered[:top_k]]
