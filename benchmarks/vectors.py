"""Unit vectors to fill an index with, and to search it for: of clusters, or of photos."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.in_process import InProcessEmbedder
from benchmarks.photos import read_photos

DIMENSION = 256

Matrix = NDArray[np.float32]
Some = Callable[[int, int], Matrix]
"""(count, DIMENSION) vectors of their kind, others for each seed."""


def clustered(count: int, seed: int) -> Matrix:
    """Around 1,000 centres, which are the same for every seed."""
    centres = np.random.default_rng(0).standard_normal((1000, DIMENSION), np.float32)
    rng = np.random.default_rng([1, seed])
    return _scattered(centres[rng.integers(len(centres), size=count)], 0.7, rng)


def photographed(folder: Path) -> tuple[Some, Matrix]:
    """Embeddings of two thirds of a folder's JPEGs, repeated with noise; and of the others as they are, to search by.

    The noise puts the copies of an embedding as far from one another as an embedding is from the nearest other one.
    Raises SystemExit where the embedder gives none of DIMENSION numbers.
    """
    with closing(InProcessEmbedder()) as embedder, ThreadPoolExecutor() as threads:
        photos = read_photos(folder, limit=1_000_000)
        found = np.array(list(threads.map(lambda photo: embedder.embed(photo, embedder.engines.run), photos)))
    if found.shape[1] != DIMENSION:
        raise SystemExit(f"the embedder gives {found.shape[1]} numbers, not {DIMENSION}")
    found = found[np.random.default_rng(2).permutation(len(found))]
    probes, embeddings = np.split(found, [len(found) // 3])
    apart = _nearest_other(embeddings) / np.sqrt(2)

    def some(count: int, seed: int) -> Matrix:
        rng = np.random.default_rng([3, seed])
        return _scattered(embeddings[rng.integers(len(embeddings), size=count)], apart / np.sqrt(DIMENSION), rng)

    return some, probes


def _scattered(vectors: Matrix, deviation: float, rng: np.random.Generator) -> Matrix:
    """With so much noise on each number; changes ``vectors``."""
    noise = rng.standard_normal(vectors.shape, np.float32)
    vectors += np.float32(deviation) * noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _nearest_other(vectors: Matrix) -> float:
    """The distance from a vector to the nearest other one, in the middle."""
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, -1)
    return float(np.median(np.sqrt(2 - 2 * similarities.max(axis=1))))
