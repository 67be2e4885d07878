import pytest

from search_service.names import Collection, Names, checked_name
from serving.errors import InvalidField, NotFound

SHOP = Collection(1, "shop", "digest", 8, 0)
NAMES = Names({"shop": SHOP}, {"live": "shop", "also": "shop"})


@pytest.mark.parametrize("name", ["a", "shop-2", "under_score", "0", "x" * 64])
def test_a_name_of_the_rule_is_kept(name: str) -> None:
    assert checked_name(name, "collection") == name


@pytest.mark.parametrize("name", ["Shop", "a b", "x" * 65, "é", "shop\n", "../x", "a;b"])
def test_another_name_is_an_invalid_field(name: str) -> None:
    with pytest.raises(InvalidField, match="is no name") as seen:
        checked_name(name, "collection")
    assert seen.value.field == "collection"


def test_the_empty_name_means_default() -> None:
    assert checked_name("", "collection") == "default"


def test_a_collection_is_found_by_its_name_and_by_each_alias() -> None:
    assert [NAMES.resolve(name) for name in ("shop", "live", "also")] == [SHOP] * 3
    assert NAMES.aliases_of("shop") == ["also", "live"]


def test_an_unknown_name_is_not_found() -> None:
    with pytest.raises(NotFound, match="collection 'store' does not exist"):
        NAMES.resolve("store")
