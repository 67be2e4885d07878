import pytest

from clothing_retrieval.v1 import types_pb2
from gateway.categories import parser_label
from gateway.matching import Matching, merge, probes_for


def matches(*found: tuple[str, float]) -> list[types_pb2.Match]:
    return [types_pb2.Match(item=types_pb2.Item(id=name), distance=distance) for name, distance in found]


def ids(found: list[types_pb2.Match]) -> list[str]:
    return [match.item.id for match in found]


def test_an_item_found_twice_appears_once_with_its_better_rank() -> None:
    merged = merge([matches(("a", 0.5)), matches(("a", 0.5), ("b", 0.45))], 5, penalty=0.1)
    assert ids(merged) == ["a", "b"]


def test_another_view_of_an_item_may_win_from_outside_its_category() -> None:
    (only,) = merge([matches(("a", 0.9)), matches(("a", 0.2))], 5, penalty=0.1)
    assert only.distance == pytest.approx(0.2)


def test_equal_ranks_are_ordered_by_id_so_that_pages_are_stable() -> None:
    assert ids(merge([matches(("b", 0.5), ("a", 0.5))], 5, penalty=0.1)) == ["a", "b"]


def test_the_penalty_is_for_the_order_only() -> None:
    (match,) = merge([[], matches(("a", 0.5))], 5, penalty=0.1)
    assert match.distance == 0.5


@pytest.mark.parametrize("matching", Matching)
def test_a_garment_without_a_category_is_compared_with_all(matching: Matching) -> None:
    (probe,) = probes_for(types_pb2.Embedding(values=[1.0]), "", matching)
    assert not probe.categories


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("top", "top"), ("Tops", "top"), ("T-Shirt", "top"), ("t shirt", "top"), ("T_SHIRTS", "top"),
        ("Jeans", "pants"),
        ("  Shoes ", "footwear"), ("sunglasses", "eyewear"), ("dress", "dress"), ("Dresses", "dress"),
        ("handbags", "bag"), ("", None), ("sofa", None), ("s", None),
    ],
)  # fmt: skip
def test_merchants_words_are_understood(word: str, label: str | None) -> None:
    assert parser_label(word) == label
