"""Vectors of strangers, checked."""

from collections.abc import Callable, Sequence

import numpy as np

from search_service.records import Matrix
from serving.errors import InvalidField

# How far a length may be from 1: float32 and half-precision embedders are well inside.
TOLERANCE = 1e-3
_ROUNDING = 1e-6


def unit_vectors(values: Sequence[Sequence[float]], dimension: int, path: Callable[[int], str]) -> Matrix:
    """(n, dimension), scaled to unit length. Raises InvalidField, with its ``path``, for the first that is none."""
    vectors = np.empty((len(values), dimension), np.float32)
    for i, numbers in enumerate(values):
        if len(numbers) != dimension:
            raise InvalidField(path(i), f"has {len(numbers)} numbers, the collection's vectors have {dimension}")
        vectors[i] = np.array(numbers, np.float32)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise InvalidField(path(int(np.argmin(finite))), "has a number that is not finite")
    lengths = np.sqrt(np.square(vectors, dtype=np.float64).sum(axis=1))
    unit = np.abs(lengths - 1) <= TOLERANCE
    if not unit.all():
        worst = int(np.argmin(unit))
        raise InvalidField(path(worst), f"has length {lengths[worst]:.4g}, must be 1 (within {TOLERANCE:g})")
    # What is as near as float32 comes is left as it is, so that a vector that was stored is stored the same elsewhere.
    vectors /= np.where(np.abs(lengths - 1) <= _ROUNDING, 1, lengths)[:, np.newaxis].astype(np.float32)
    return vectors
