import numpy as np
import pytest

from search_service.vectors import unit_vectors
from serving.errors import InvalidField
from tests.unit.search_service.indexes import unit


def path(row: int) -> str:
    return f"items[{row}]"


def test_unit_vectors_are_kept() -> None:
    vectors = unit(1, rows=3)
    assert np.allclose(unit_vectors(vectors.tolist(), 8, path), vectors, atol=1e-7)


def test_a_length_within_the_tolerance_is_set_to_one() -> None:
    kept = unit_vectors([(unit(1)[0] * 1.0009).tolist()], 8, path)
    assert np.linalg.norm(kept) == pytest.approx(1, abs=1e-6)


def test_no_vectors_are_no_rows() -> None:
    assert unit_vectors([], 8, path).shape == (0, 8)


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ([1.0] * 7, "has 7 numbers, the collection's vectors have 8"),
        ([], "has 0 numbers"),
        ([float("nan")] + [0.0] * 7, "not finite"),
        ([float("inf")] + [0.0] * 7, "not finite"),
        ([3e38] * 8, "has length"),
        ([0.0] * 8, "has length 0"),
        ([1.01] + [0.0] * 7, "has length 1.01, must be 1"),
    ],
)
def test_what_is_no_unit_vector_is_an_invalid_field_with_its_path(bad: list[float], problem: str) -> None:
    with pytest.raises(InvalidField, match=problem) as seen:
        unit_vectors([unit(1)[0].tolist(), bad], 8, path)
    assert seen.value.field == "items[1]"
