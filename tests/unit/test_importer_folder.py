import os
from pathlib import Path

import pytest

from clothing_retrieval.catalog.entry import BadEntry, CatalogueError, Entry
from clothing_retrieval.catalog.fields import BadValue, decimal, read_in_stock, read_price
from clothing_retrieval.catalog.folder import read_folder
from clothing_retrieval.catalog.table import read_table


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"never opened")


def items(folder: Path) -> dict[str, Entry]:
    return {entry.item.id: entry for entry in read_folder(folder) if isinstance(entry, Entry)}


def problems(folder: Path) -> dict[str, str]:
    return {entry.id: entry.problem for entry in read_folder(folder) if isinstance(entry, BadEntry)}


def test_without_a_table_paths_tell_id_category_and_title(tmp_path: Path) -> None:
    write(tmp_path, "dress/red/silk-evening_dress.JPG", "bag/0001.png", "loose.webp", ".hidden/x.jpg", "notes.txt")
    found = items(tmp_path)
    assert {id: (entry.item.category, entry.item.title) for id, entry in found.items()} == {
        "dress/red/silk-evening_dress": ("dress", "Silk evening dress"),
        "bag/0001": ("bag", "Bag 0001"),
        "loose": ("", "Loose"),
    }


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("IMG_4711", "T-shirt IMG 4711"),
        ("009b3c31-fb62-45c0-be9a-37a5c238cb88", "T-shirt 009b3c31"),
        ("blue_linen", "Blue linen"),
        ("裙子", "裙子"),
    ],
)
def test_a_name_that_says_nothing_gets_its_category_before_it(tmp_path: Path, name: str, title: str) -> None:
    write(tmp_path, f"t-shirt/{name}.jpg")
    assert items(tmp_path)[f"t-shirt/{name}"].item.title == title


def test_a_name_that_is_not_utf8_is_that_pictures_problem(tmp_path: Path) -> None:
    write(tmp_path, os.fsdecode(b"\xb8\xc8.jpg"), "a.jpg")
    assert list(items(tmp_path)) == ["a"]
    assert problems(tmp_path) == {r"\xb8\xc8": rf"the name of {tmp_path}/\xb8\xc8.jpg is not UTF-8: rename it"}


def test_a_long_path_gets_an_id_that_fits_and_stays_the_same(tmp_path: Path) -> None:
    write(tmp_path, f"top/{'a' * 150}.jpg", f"top/{'a' * 151}.jpg")
    first, second = items(tmp_path)
    assert len(first) == len(second) == 128
    assert first != second
    assert {first, second} == set(items(tmp_path))


def test_a_table_adds_details_and_what_it_does_not_know_becomes_attributes(tmp_path: Path) -> None:
    write(tmp_path, "dress/1.jpg", "dress/2.jpg")
    (tmp_path / "items.csv").write_text(
        "id,file,Title,price,special price,Currency,gender,in_stock,url,img_url,Color\n"
        'A1,dress/1.jpg,"Dress, red",1290,990.5,twd,Women,in stock,https://a/1,https://a/1.jpg,red\n',
        encoding="utf-8-sig",
    )
    found = items(tmp_path)
    item = found["A1"].item
    assert (item.title, item.category, item.price, item.sale_price, item.currency) == (
        "Dress, red",
        "dress",
        1290,
        990.5,
        "TWD",
    )
    assert (item.gender, item.in_stock, item.url, item.image_url) == ("female", True, "https://a/1", "https://a/1.jpg")
    assert dict(item.attributes) == {"color": "red"}
    assert set(found) == {"A1", "dress/2"}


def test_rows_with_one_id_are_pictures_of_one_item(tmp_path: Path) -> None:
    write(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "any name.csv").write_text("id;file;title;color\nX;a.jpg;First;\nX;b.jpg;Second;blue\n")
    entry = items(tmp_path)["X"]
    assert [path.name for path in entry.pictures] == ["a.jpg", "b.jpg"]
    assert (entry.item.title, dict(entry.item.attributes)) == ("First", {"color": "blue"})


def test_a_row_finds_its_picture_by_its_id(tmp_path: Path) -> None:
    write(tmp_path, "skirt/S1.jpg", "skirt/S2.jpg")
    (tmp_path / "items.csv").write_text("id\ttitle\nS1\tOne\nskirt/S2\tTwo\n")
    assert {id: entry.item.title for id, entry in items(tmp_path).items()} == {"S1": "One", "skirt/S2": "Two"}


def test_a_row_without_an_id_has_its_path_for_one(tmp_path: Path) -> None:
    write(tmp_path, "skirt/S1.jpg")
    (tmp_path / "items.csv").write_text("file,title\nskirt\\S1.jpg,One\n")
    assert items(tmp_path)["skirt/S1"].item.title == "One"


def test_bad_rows_are_told_and_stop_no_other(tmp_path: Path) -> None:
    write(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    (tmp_path / "items.csv").write_text(
        "id,file,price,in_stock\nA,a.jpg,cheap,yes\nB,gone.jpg,1,yes\nC,c.jpg,1,maybe\nD,,1,yes\nE,b.jpg,1,no\n"
    )
    kept = items(tmp_path)
    assert list(kept) == ["C", "E"]
    assert not kept["C"].item.HasField("in_stock")
    found = problems(tmp_path)
    assert "price 'cheap'" in found["A"]
    assert "gone.jpg" in found["B"]
    assert "no picture" in found["D"]


@pytest.mark.parametrize("row_id", ["A", ""])
@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("../outside.jpg", "outside.jpg does not lie in"),
        ("top/../../outside.jpg", "outside.jpg does not lie in"),
        ("/outside.jpg", "outside.jpg does not lie in"),
        (".", "there is no picture"),
        ("x" * 300, "there is no picture"),
    ],
)
def test_a_picture_that_does_not_lie_in_the_folder_is_that_rows_problem(
    tmp_path: Path, row_id: str, file: str, problem: str
) -> None:
    write(tmp_path, "outside.jpg", "shop/b.jpg")
    (tmp_path / "shop" / "items.csv").write_text(f"id,file\n{row_id},{file}\nB,b.jpg\n")
    assert list(items(tmp_path / "shop")) == ["B"]
    [told] = problems(tmp_path / "shop").values()
    assert problem in told


def test_a_path_in_the_table_may_be_absolute_or_make_a_detour(tmp_path: Path) -> None:
    write(tmp_path, "a.jpg", "top/b.jpg")
    (tmp_path / "items.csv").write_text(f"file,title\n{tmp_path}/a.jpg,One\ntop/../top/b.jpg,Two\n")
    assert {id: entry.item.title for id, entry in items(tmp_path).items()} == {"a": "One", "top/b": "Two"}


def test_a_table_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="cannot be read: Is a directory"):
        list(read_table(tmp_path))


@pytest.mark.parametrize(
    ("table", "complaint"),
    [("title,price\nx,1\n", "has no column"), (b"id,title\nx,\xff\n".decode("latin-1"), "UTF-8")],
)
def test_an_unusable_table_is_told(tmp_path: Path, table: str, complaint: str) -> None:
    write(tmp_path, "a.jpg")
    (tmp_path / "items.csv").write_text(table, encoding="latin-1")
    with pytest.raises(CatalogueError, match=complaint):
        read_folder(tmp_path)


def test_several_tables_are_too_many_unless_one_is_named_items(tmp_path: Path) -> None:
    write(tmp_path, "a.jpg")
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("id\na\n")
    with pytest.raises(CatalogueError, match=r"items\.csv"):
        read_folder(tmp_path)
    (tmp_path / "items.csv").write_text("id,title\na,Named\n")
    assert items(tmp_path)["a"].item.title == "Named"


def test_a_sub_folder_that_cannot_be_read_is_not_taken_for_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a.jpg")
    monkeypatch.chdir(tmp_path)
    for _ in range(20):  # to where a path is too long for the system, which root cannot read either
        os.mkdir("x" * 250)
        os.chdir("x" * 250)
    with pytest.raises(CatalogueError, match=r"the folder .*xxx cannot be read: File name too long"):
        read_folder(tmp_path)


def test_a_folder_without_pictures_is_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="no pictures"):
        read_folder(tmp_path)
    with pytest.raises(CatalogueError, match="is no folder"):
        read_folder(tmp_path / "absent")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1290", (1290, "")),
        ("1,290 TWD", (1290, "TWD")),
        ("NT$ 1,290.50", (1290.5, "")),
        ("EUR 1.290,00", (1290, "EUR")),
        ("19,99", (19.99, "")),
        ("1 290", (1290, "")),
        ("1,290,000", (1290000, "")),
        ("0.5", (0.5, "")),
        ("1\u00a0290,00 €", (1290, "")),
        ("1\u202f290\u202f000,00 €", (1290000, "")),
        ("1'290.50 CHF", (1290.5, "CHF")),
        ("0.995", (0.995, "")),
        ("0,500 KWD", (0.5, "KWD")),
        ("1,290.500 KWD", (1290.5, "KWD")),
        ("1290.500", (1290.5, "")),
        ("12.500", (12500, "")),
        ("USD1290", (1290, "USD")),
        ("1290TWD", (1290, "TWD")),
        ("新台幣TWD 1,290元", (1290, "TWD")),
        ("US$ 1,290 USD", (1290, "USD")),
        ("now only 10 EUR each", (10, "EUR")),
        ("now 10, was more", (10, "")),
        ("EURO 10", (10, "")),
        ("5 eur", (5, "EUR")),
    ],
)
def test_prices_are_read_as_merchants_write_them(text: str, expected: tuple[float, str]) -> None:
    assert read_price("price", text) == expected


@pytest.mark.parametrize("text", ["free", "-5", "\u22125", "", "9" * 400])
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="is no amount of money"):
        read_price("price", text)


@pytest.mark.parametrize("text", ["was 20 now 10 EUR", "690-990", "1290 990", "10 / 10 EUR"])
def test_of_several_amounts_none_is_guessed(text: str) -> None:
    with pytest.raises(BadValue, match="has several amounts"):
        read_price("price", text)


@pytest.mark.parametrize(
    ("value", "price"),
    [("12.500", 12.5), ("0.995", 0.995), ("1290", 1290), (1290.0, 1290), ("1,290", 1290), ("1.290.000", 1290000)],
)
def test_a_point_is_a_decimal_one_where_the_format_says_so(value: object, price: float) -> None:
    assert read_price("price", decimal(value)) == (price, "")


@pytest.mark.parametrize(
    ("text", "in_stock"),
    [
        ("in stock", True),
        ("https://schema.org/InStock", True),
        ("https://schema.org/MadeToOrder", False),
        ("https://schema.org/Reserved", False),
        ("5", True),
        ("2.0", True),
        ("1", True),
        ("0", False),
        ("-3", False),
        ("現貨", True),
        ("有庫存", True),
        ("無庫存", False),
        ("out-of-stock", False),
        ("maybe", None),
        ("n/a", None),
    ],
)
def test_stock_is_read_as_merchants_write_it(text: str, in_stock: bool | None) -> None:
    assert read_in_stock(text) is in_stock
