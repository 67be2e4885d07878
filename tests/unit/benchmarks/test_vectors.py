"""What the index is measured with."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import vectors
from benchmarks.vectors import DIMENSION, clustered, photographed


class Embedder:
    """Makes a vector of a photo's bytes."""

    engines = SimpleNamespace(run=None)

    def embed(self, photo: bytes, run: object) -> vectors.Matrix:
        made = np.random.default_rng(list(photo)).standard_normal(DIMENSION, np.float32)
        unit: vectors.Matrix = made / np.linalg.norm(made)
        return unit

    def close(self) -> None: ...


def test_clusters_are_the_same_for_every_seed_and_their_vectors_are_not() -> None:
    one, other = clustered(2000, 1), clustered(2000, 2)
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(one, clustered(2000, 1))
    nearest = (other @ one.T).max(axis=1)
    assert np.median(nearest) > 0.5
    assert nearest.max() < 0.999


def test_copies_of_an_embedding_are_as_far_apart_as_the_embeddings_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        (tmp_path / f"{number}.jpg").write_bytes(f"photo {number}".encode())
    monkeypatch.setattr(vectors, "InProcessEmbedder", Embedder)
    some, probes = photographed(tmp_path)
    assert probes.shape == (10, DIMENSION)
    made = some(400, 1)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    # Random directions, of which any two are some 1.3 to 1.4 apart: half of the square is noise.
    embedded = [Embedder().embed(path.read_bytes(), None) for path in tmp_path.iterdir()]
    cosines = made @ np.array(embedded).T
    sources = cosines.argmax(axis=1)
    assert len(set(sources.tolist())) == 20
    assert np.median(cosines.max(axis=1)) == pytest.approx(np.sqrt(1 / (1 + 1.3**2 / 2)), abs=0.03)
    assert (probes @ made.T).max() < 0.5
