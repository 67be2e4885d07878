from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clothing_retrieval.v1 import types_pb2
from gateway.categories import parser_label
from gateway.matching import Confusion, Matching, Scope, merge, scopes_of


def matches(*found: tuple[str, float]) -> list[types_pb2.Match]:
    return [types_pb2.Match(item=types_pb2.Item(id=name), distance=distance) for name, distance in found]


def ids(found: list[types_pb2.Match]) -> list[str]:
    return [match.item.id for match in found]


def scopes(category: str, confusion: Confusion, penalty: float = 0.1) -> dict[tuple[str, ...], Any]:
    found = scopes_of(category, Matching.PREFER, confusion, penalty)
    return {scope.categories: pytest.approx(scope.penalty) for scope in found}


OWN, ANY = Scope(("top",)), Scope((), 0.1)


def test_an_item_found_twice_appears_once_with_its_better_rank() -> None:
    merged = merge([(OWN, matches(("a", 0.5))), (ANY, matches(("a", 0.5), ("b", 0.45)))], 5)
    assert ids(merged) == ["a", "b"]


def test_another_view_of_an_item_may_win_from_outside_its_category() -> None:
    (only,) = merge([(OWN, matches(("a", 0.9))), (ANY, matches(("a", 0.2)))], 5)
    assert only.distance == pytest.approx(0.2)


def test_equal_ranks_are_ordered_by_id_so_that_pages_are_stable() -> None:
    assert ids(merge([(OWN, matches(("b", 0.5), ("a", 0.5)))], 5)) == ["a", "b"]


def test_the_penalty_is_for_the_order_only() -> None:
    (match,) = merge([(OWN, []), (ANY, matches(("a", 0.5)))], 5)
    assert match.distance == 0.5


@pytest.mark.parametrize("matching", Matching)
def test_a_garment_without_a_category_is_compared_with_all(matching: Matching) -> None:
    assert scopes_of("", matching, CONFUSION, 0.1) == [Scope()]


def test_strict_and_ignore_have_one_scope_whatever_the_parser_confuses() -> None:
    assert scopes_of("dress", Matching.STRICT, CONFUSION, 0.1) == [Scope(("dress",))]
    assert scopes_of("dress", Matching.IGNORE, CONFUSION, 0.1) == [Scope()]


CONFUSION = {
    "dress": {"dress": 0.5, "top": 0.2, "skirt": 0.1, "outer": 0.09, "bag": 0.01},
    "skirt": {"dress": 0.4, "skirt": 0.4, "pants": 0.04},
    "neckwear": {"outer": 0.6, "neckwear": 0.3},
    "belt": {"pants": 0.6, "top": 0.06},
}


def test_a_category_that_the_parser_confuses_costs_less_the_likelier_it_is() -> None:
    # 1 - 0.2 / 0.5 and 1 - 0.1 / 0.5 of the penalty; the third likeliest costs all of it, as whatever else is found
    assert scopes("dress", CONFUSION) == {("dress",): 0, ("top",): 0.06, ("skirt",): 0.08, (): 0.1}


def test_a_category_as_likely_as_the_garments_own_or_likelier_costs_nothing() -> None:
    assert scopes("skirt", CONFUSION) == {("skirt",): 0, ("dress",): 0, (): 0.1}
    assert scopes("neckwear", CONFUSION) == {("neckwear",): 0, ("outer",): 0, (): 0.1}
    assert scopes("belt", CONFUSION) == {("belt",): 0, ("pants",): 0, ("top",): 0, (): 0.1}


@pytest.mark.parametrize("confusion", [{}, {"dress": {"dress": 0.5, "top": 0.5}}, {"top": {"top": 0.9, "bag": 0.049}}])
def test_where_no_confusion_is_known_or_all_are_rare_every_other_category_costs_the_same(confusion: Confusion) -> None:
    assert scopes("top", confusion) == {("top",): 0, (): 0.1}


def test_equal_shares_are_taken_in_the_order_of_their_names() -> None:
    assert list(scopes("top", {"top": {"top": 0.4, "skirt": 0.2, "outer": 0.2, "dress": 0.2}})) == [
        ("top",), ("dress",), ("outer",), (),
    ]  # fmt: skip


VIEW = st.tuples(st.sampled_from(["dress", "top", "skirt", "bag"]), st.integers(0, 128).map(lambda step: step / 64))


@given(
    items=st.dictionaries(st.sampled_from("abcdefghijklmnop"), st.lists(VIEW, min_size=1, max_size=3)),
    top_k=st.integers(1, 6),
)
def test_the_first_of_each_scope_are_enough_for_the_first_of_the_whole(
    items: dict[str, list[tuple[str, float]]], top_k: int
) -> None:
    confusion = {"dress": {"dress": 0.5, "top": 0.25, "skirt": 0.125}}
    penalties = {"dress": 0.0, "top": 0.25, "skirt": 0.375, "bag": 0.5}
    ranks = {name: min(distance + penalties[kind] for kind, distance in views) for name, views in items.items()}
    expected = sorted(ranks, key=lambda name: (ranks[name], name))[:top_k]

    def nearest(scope: Scope) -> list[types_pb2.Match]:
        distances = {
            name: min(
                (distance for kind, distance in views if not scope.categories or kind in scope.categories), default=9
            )
            for name, views in items.items()
        }
        order = sorted((distance, name) for name, distance in distances.items() if distance < 9)
        return matches(*((name, distance) for distance, name in order[:top_k]))

    found = [(scope, nearest(scope)) for scope in scopes_of("dress", Matching.PREFER, confusion, 0.5)]
    assert ids(merge(found, top_k)) == expected


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
