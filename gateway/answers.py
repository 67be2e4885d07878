"""What a stage answers, checked where it arrives: a broken worker is not taken for a bad request of the caller."""

import math
from collections.abc import Sequence

from clothing_retrieval.v1 import embed_service_pb2, search_service_pb2, segment_service_pb2, types_pb2
from serving.errors import BadAnswer

_TOLERANCE = 1e-3
"""How far the length of a vector may be from 1, as the search service has it."""


def check_garments(answer: segment_service_pb2.SegmentResponse, asked: segment_service_pb2.SegmentRequest) -> None:
    """Raises BadAnswer, as all do here."""
    side = asked.cutout_size
    for garment in answer.garments if side else ():
        width, height, count = garment.cutout.width, garment.cutout.height, len(garment.cutout.rgb)
        shorter, longer = sorted((width, height))
        fits = longer == side and (shorter > 0 if asked.trim_cutouts else shorter == side)
        if not fits or count != 3 * width * height:
            raise BadAnswer(
                "segment", f"a cutout of {width} × {height} pixels in {count} bytes, not of {side} × {side}"
            )


def check_embeddings(answer: embed_service_pb2.EmbedResponse, count: int, dimension: int | None) -> None:
    """``dimension`` None: not known, but the same for all."""
    if len(answer.embeddings) != count:
        raise BadAnswer("embed", f"{len(answer.embeddings)} embeddings to {count} pictures")
    for embedding in answer.embeddings:
        if dimension is None:
            dimension = len(embedding.values)
        _check_vector(embedding.values, dimension)


def check_results(answer: search_service_pb2.QueryResponse, count: int) -> None:
    if len(answer.results) != count:
        raise BadAnswer("search", f"{len(answer.results)} results to {count} probes")


def check_embedder(model: types_pb2.Model) -> None:
    if model.input_size <= 0 or model.dimension <= 0:
        raise BadAnswer("embed", f"a model of {model.dimension} numbers for pictures of {model.input_size} pixels")


def _check_vector(values: Sequence[float], dimension: int) -> None:
    if len(values) != dimension:
        raise BadAnswer("embed", f"an embedding of {len(values)} numbers, not of {dimension}")
    length = math.hypot(*values)
    if not abs(length - 1) <= _TOLERANCE:  # which no number that is not finite is
        raise BadAnswer("embed", f"an embedding of length {length:.4g}, not 1")
