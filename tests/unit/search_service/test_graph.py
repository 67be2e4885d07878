"""A graph outgrows its room."""

import numpy as np
import pytest

from search_service.graph import Graph, GraphParameters, capacity_for
from search_service.records import Keys, Matrix
from tests.unit.search_service.indexes import unit

PARAMETERS = GraphParameters(m=16, ef_construction=100, ef=100)


def test_a_graph_that_outgrows_its_room_still_finds_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search_service.graph._LEAST_PAGES", 1)
    assert capacity_for(1, 512, m=16) < 1000
    vectors = unit(1, 3000, 512)
    graph = Graph.empty(512, 1, PARAMETERS)
    for start in range(0, len(vectors), 500):
        graph.add(vectors[start : start + 500], np.arange(start, start + 500))
    labels, squared = graph.nearest(vectors, 1)
    assert graph.count == 3000
    assert np.mean(labels[:, 0] == np.arange(3000)) > 0.99
    assert np.median(squared) < 1e-6


@pytest.mark.parametrize(("count", "walks"), [(1, [8] * 5), (400, [2] * 20), (100_000, [1] * 40)])
def test_many_walks_let_who_links_come_between_them(count: int, walks: list[int]) -> None:
    seen = []

    class Index:
        def set_ef(self, ef: int) -> None:
            pass

        def get_current_count(self) -> int:
            return 0

        def knn_query(self, vectors: Matrix, k: int, num_threads: int) -> tuple[Keys, Matrix]:
            seen.append(len(vectors))
            return np.tile(np.arange(k), (len(vectors), 1)), vectors[:, :1].repeat(k, axis=1)

    vectors = unit(1, 40)
    labels, squared = Graph(Index(), PARAMETERS).nearest(vectors, count)
    assert seen == walks
    assert labels.shape == (40, count)
    np.testing.assert_array_equal(squared[:, 0], vectors[:, 0])


@pytest.mark.parametrize("count", [1, 1000, 1_000_000])
@pytest.mark.parametrize("dimension", [64, 256, 768])
def test_its_room_ends_with_a_large_page(count: int, dimension: int) -> None:
    """hnswlib allocates for each vector: itself, its links in the lowest layer and their number, a label."""
    capacity = capacity_for(count, dimension, m=16)
    used = capacity * (4 * dimension + 4 * 33 + 8)
    assert capacity >= count
    assert used > 32 << 20
    assert 24 <= -used % (2 << 20) < 4096
