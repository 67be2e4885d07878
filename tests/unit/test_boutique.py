"""The sample boutique: the same shop for the same seed, whole whatever its size, and no two items alike."""

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clothing_retrieval.catalog.assortment import CATEGORIES
from clothing_retrieval.catalog.boutique import (
    Boutique,
    draw_boutique,
    draw_item,
    draw_masked,
    draw_probe,
    item,
    probed,
)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Boutique:
    return draw_boutique(tmp_path_factory.mktemp("boutique"), items=20, processes=1)


def test_the_same_seed_draws_the_same_bytes_in_one_process_or_two(tmp_path: Path) -> None:
    draw_boutique(tmp_path / "one", seed=3, items=11, processes=1)
    draw_boutique(tmp_path / "two", seed=3, items=11, processes=2)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_another_seed_draws_another_shop() -> None:
    assert item(0, seed=1) != item(0, seed=2)
    assert draw_item(8, seed=1).tobytes() != draw_item(8, seed=2).tobytes()


def test_an_item_does_not_depend_on_how_many_others_are_drawn(shop: Boutique) -> None:
    with Image.open(shop.catalogue / shop.items[4].file) as picture:
        drawn = np.asarray(draw_item(4), np.int16)
        assert np.abs(np.asarray(picture, np.int16) - drawn).mean() < 4


def test_every_row_has_its_picture(shop: Boutique) -> None:
    listed = rows(shop.catalogue / "items.csv")
    assert [row["id"] for row in listed] == [one.id for one in shop.items]
    for row in listed:
        with Image.open(shop.catalogue / row["file"]) as picture:
            assert (picture.size, picture.format) == ((480, 640), "JPEG")
        assert Path(row["file"]).parent.name == row["category"]
    assert len(list(shop.catalogue.rglob("*.jpg"))) == len(listed)


def test_rows_say_what_a_shop_says(shop: Boutique) -> None:
    listed = rows(shop.catalogue / "items.csv")
    assert {row["currency"] for row in listed} == {"TWD"}
    assert {row["gender"] for row in listed} <= {"female", "male", "unisex"}
    assert {row["in_stock"] for row in listed} <= {"true", "false"}
    assert all(not row["sale_price"] or int(row["sale_price"]) < int(row["price"]) for row in listed)
    assert all(row["url"].startswith("https://boutique.example/items/") and row["title"] for row in listed)


@pytest.mark.parametrize("count", [8, 11, 20])
def test_a_small_shop_has_every_category(count: int) -> None:
    assert {item(number).category for number in range(count)} == set(CATEGORIES)
    assert len(CATEGORIES) >= 8


def test_no_two_items_share_cut_pattern_and_colours() -> None:
    shop = [item(number) for number in range(600)]
    looks = {(one.category, one.cut, one.pattern_words, one.colors, one.print) for one in shop}
    assert len(looks) == len(shop)
    assert len({one.title for one in shop}) == len(shop)
    assert any(one.sale_price for one in shop)
    assert not all(one.in_stock for one in shop)


def test_a_shop_varies() -> None:
    shop = [item(number) for number in range(600)]
    assert len({name for one in shop for name in one.colors}) >= 30
    assert len({one.pattern for one in shop}) >= 20
    assert len({(one.category, one.cut) for one in shop}) >= 100


def test_probes_show_items_of_the_shop_in_another_shot(shop: Boutique) -> None:
    pairs = rows(shop.probe_folder / "pairs.csv")
    known = {one.id: one for one in shop.items}
    assert pairs
    for pair in pairs:
        with (
            Image.open(shop.probe_folder / pair["file"]) as probe,
            Image.open(shop.catalogue / known[pair["id"]].file) as picture,
        ):
            assert np.abs(np.asarray(probe, np.int16) - np.asarray(picture, np.int16)).mean() > 8
        assert pair["kind"] in ("floor", "hanger", "worn")


def test_probes_come_from_every_category_and_are_a_fifth() -> None:
    chosen = [item(number) for number in range(600) if probed(number)]
    assert len(chosen) == 120
    assert {one.category for one in chosen} == set(CATEGORIES)


def test_a_probe_can_be_drawn_in_memory() -> None:
    assert draw_probe(3).size == (480, 640)


def test_a_mask_tells_where_the_garment_is() -> None:
    picture, mask = draw_masked(0, 7, probe=False)
    assert picture == draw_item(0)
    inside = np.asarray(mask) > 127
    assert 0.2 < inside.mean() < 0.9
    pixels = np.asarray(picture, np.float32)
    assert np.abs(pixels[inside].mean(axis=0) - pixels[~inside].mean(axis=0)).max() > 20


def test_progress_counts_every_picture(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    shop = draw_boutique(tmp_path, items=3, progress=lambda done, total: seen.append((done, total)))
    total = len(shop.items) + len(shop.probes)
    assert seen == [(done, total) for done in range(1, total + 1)]


@pytest.mark.parametrize("count", [0, -1])
def test_a_shop_without_items_is_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(ValueError, match="at least one item"):
        draw_boutique(tmp_path, items=count)
