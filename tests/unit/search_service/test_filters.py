from collections.abc import Iterator
from math import inf
from pathlib import Path

import pytest

from search_service.backend import Backend
from search_service.filters import MAX_CONDITIONS, MAX_VALUES, AnyOf, Condition, Range, compile_filter
from serving.errors import InvalidField
from tests.unit.search_service.indexes import ids, made, opened, opened_milvus, record, search, unit

ITEMS = {
    "coat": {"category": "outer", "price": 100.0, "in_stock": True, "attributes": {"color": "red", "size": "38"}},
    "dress": {"category": "dress", "gender": "female", "price": 50.5, "sale_price": 40.0, "currency": "TWD"},
    "shirt": {"category": "top", "gender": "male", "in_stock": False, "attributes": {"color": "blue", "size": "M"}},
    "bare": {},
    "free": {"price": 0.0, "attributes": {"color": "", "size": "40.0"}},
}


@pytest.fixture(scope="module", params=[opened, opened_milvus], ids=["local", "milvus"])
def index(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Backend]:
    path: Path = tmp_path_factory.mktemp("filters")
    with request.param(path) as index:
        made(index, "other")
        records = [record(name, unit(i), **fields) for i, (name, fields) in enumerate(ITEMS.items())]  # type: ignore[arg-type]
        index.upsert(made(index), records).result()
        index.upsert(index.collection("other"), records).result()
        yield index


@pytest.mark.parametrize(
    ("conditions", "kept"),
    [
        ([("category", AnyOf(["top", "dress"]))], "dress shirt"),
        ([("category", AnyOf(["Top"]))], ""),
        ([("category", AnyOf([""]))], ""),
        ([("gender", AnyOf(["female"]))], "dress"),
        ([("currency", AnyOf(["TWD", "EUR"]))], "dress"),
        ([("price", AnyOf(["100", "0.0"]))], "coat free"),
        ([("price", Range(50, 100))], "coat dress"),
        ([("price", Range(None, 50.5))], "dress free"),
        ([("price", Range(50.6, None))], "coat"),
        ([("price", Range(None, None))], "coat dress free"),
        ([("price", Range(-inf, inf))], "coat dress free"),
        ([("price", Range(inf, None))], ""),
        ([("price", Range(-5, 0))], "free"),
        ([("price", AnyOf(["-1"]))], ""),
        ([("sale_price", Range(40, 40))], "dress"),
        ([("effective_price", Range(40, 50))], "dress"),
        ([("effective_price", AnyOf(["50.5"]))], ""),
        ([("effective_price", Range(60, None))], "coat"),
        ([("in_stock", AnyOf(["true"]))], "coat"),
        ([("in_stock", AnyOf(["false"]))], "shirt"),
        ([("in_stock", AnyOf(["false", "true"]))], "coat shirt"),
        ([("attributes.color", AnyOf(["red"]))], "coat"),
        ([("attributes.color", AnyOf([""]))], "free"),
        ([("attributes.size", AnyOf(["40"]))], ""),
        ([("attributes.size", Range(38, 40))], "coat free"),
        ([("attributes.size", Range(None, None))], "coat free"),
        ([("attributes.size", Range(None, 39))], "coat"),
        ([("attributes.none", AnyOf(["red"]))], ""),
        ([("attributes.color", AnyOf(["' OR 1=1 --"]))], ""),
        ([("attributes.' OR '1'='1", AnyOf(["red"]))], ""),
        ([("price", Range(1, None)), ("attributes.color", AnyOf(["red", "blue"]))], "coat"),
        ([("attributes.color", AnyOf(["blue"])), ("attributes.size", AnyOf(["M"]))], "shirt"),
        ([], "bare coat dress free shirt"),
    ],
)
def test_an_item_is_kept_where_it_meets_every_condition(
    index: Backend, conditions: list[tuple[str, AnyOf | Range]], kept: str
) -> None:
    wanted = compile_filter([Condition(field, test) for field, test in conditions])
    collection = index.collection("shop")
    assert [item for item, _ in index.page(collection, wanted, "", 10)] == kept.split()
    assert sorted(ids(search(index, collection, unit(77), k=10, filter=wanted))) == kept.split()


@pytest.mark.parametrize(
    ("field", "test", "path", "problem"),
    [
        (
            "colour",
            AnyOf(["x"]),
            "field",
            "unknown: known are category, gender, currency, price, sale_price, effective_price",
        ),
        ("", AnyOf(["x"]), "field", "unknown"),
        ("attributes.", AnyOf(["x"]), "field", "unknown"),
        ("id; DROP TABLE items", AnyOf(["x"]), "field", "unknown"),
        ("price", AnyOf(["1", "cheap"]), "any_of.values[1]", "'cheap' is no number"),
        ("price", AnyOf(["nan"]), "any_of.values[0]", "no number"),
        ("in_stock", AnyOf(["yes"]), "any_of.values[0]", 'must be "true" or "false"'),
        ("category", Range(1, 2), "range", "is no number"),
        ("in_stock", Range(0, 1), "range", "is no number"),
        ("price", Range(float("nan"), None), "range", "not a number"),
        ("price", Range(2, 1), "range", "min 2 exceeds max 1"),
        ("price", None, "", "needs any_of or range"),
        ("category", AnyOf([]), "any_of.values", "0 values, must be 1 to 256"),
        ("category", AnyOf(["x"] * (MAX_VALUES + 1)), "any_of.values", "257 values"),
    ],
)
def test_a_condition_that_cannot_be_tested_is_an_invalid_field(
    field: str, test: AnyOf | Range | None, path: str, problem: str
) -> None:
    good = Condition("category", AnyOf(["top"]))
    with pytest.raises(InvalidField, match=problem) as seen:
        compile_filter([good, Condition(field, test)])
    assert seen.value.field == f"filter.all_of[1].{path}".rstrip(".")


def test_too_many_conditions_are_refused() -> None:
    with pytest.raises(InvalidField, match="33 conditions"):
        compile_filter([Condition("category", AnyOf(["top"]))] * (MAX_CONDITIONS + 1))


def test_the_largest_filter_can_be_answered(index: Backend) -> None:
    conditions = [Condition("attributes.color", AnyOf(["red"] * MAX_VALUES))] * MAX_CONDITIONS
    assert [item for item, _ in index.page(index.collection("shop"), compile_filter(conditions), "", 10)] == ["coat"]
