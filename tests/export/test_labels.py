import numpy as np
import pytest

from export.labels import GARMENTS, IGNORED, LABELS, SHOP, STREET, street_table


def test_the_labels_stand_in_the_contracted_order() -> None:
    assert ",".join(LABELS) == (
        "background,top,outer,dress,pants,skirt,leggings,footwear,bag,headwear,eyewear,neckwear,belt,skin,hair"
    )
    assert set(LABELS) - set(GARMENTS) == {"background", "skin", "hair"}


def test_every_one_of_the_59_names_has_one_label(names: list[str]) -> None:
    covered = [name for names in STREET.values() for name in names]
    assert len(covered) == len(set(covered)) == len(names) == 59
    assert set(STREET) == set(LABELS)


def test_the_table_maps_indices_and_ignores_those_beyond_the_names(names: list[str]) -> None:
    table = street_table(names)
    assert [LABELS[table[names.index(name)]] for name in ("background", "jeans", "ring")] == [
        "background",
        "pants",
        "skin",
    ]
    assert np.all(table[59:] == IGNORED)


def test_a_name_without_a_label_is_refused() -> None:
    with pytest.raises(KeyError):
        street_table(["background", "spacesuit"])


def test_shop_folders_name_garments() -> None:
    assert set(SHOP.values()) <= set(GARMENTS)
