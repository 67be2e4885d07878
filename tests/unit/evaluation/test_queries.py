"""Folders and files of pairs, good and bad."""

from pathlib import Path

import pytest

from clothing_retrieval.catalog.entry import CatalogueError
from clothing_retrieval.evaluation import Query, read_queries


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("street.jpg", "cafe, inside.jpg"):
        (tmp_path / name).touch()
    return tmp_path


def pairs(folder: Path, text: str) -> list[Query]:
    path = folder / "pairs.csv"
    path.write_text(text, encoding="utf-8")
    return read_queries(path)


def test_rows_of_one_photo_are_items_sought_in_it(photos: Path) -> None:
    found = pairs(
        photos, 'photo,item,kind\nstreet.jpg,a,worn\n"cafe, inside.jpg",b,\n\nstreet.jpg,c,x\nstreet.jpg,a,\n'
    )
    assert found == [
        Query(photos / "street.jpg", items=("a", "c")),
        Query(photos / "cafe, inside.jpg", items=("b",)),
    ]


def test_the_boutiques_own_columns_are_understood(photos: Path) -> None:
    assert pairs(photos, "\ufefffile,id\r\nstreet.jpg,a\r\n") == [Query(photos / "street.jpg", items=("a",))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: no column `photo` among none: let the first line be `photo,item`"),
        ("picture,item\n", "line 1: no column `photo` among picture, item"),
        ("photo,shoe\n", "line 1: no column `item` among photo, shoe"),
        ("photo,item\n", "has no pairs: write a line `photo,item`"),
        ("photo,item\nstreet.jpg,a\nstreet.jpg\n", "line 3: 1 cells where the first line names 2"),
        ("photo,item\ncafe, inside.jpg,a\n", "line 2: 3 cells where the first line names 2: put cells with commas in"),
        ("photo,item\nstreet.jpg, \n", "line 2: no item: fill it in"),
        ("photo,item\n,a\n", "line 2: no photo: fill it in"),
        ("photo,item\n\ngone.jpg,a\n", "line 3: there is no photo "),
        ('photo,item\nstreet.jpg,"a\n', "line 2: no CSV"),
    ],
)
def test_a_bad_line_is_named_with_what_to_do(photos: Path, text: str, said: str) -> None:
    with pytest.raises(CatalogueError) as raised:
        pairs(photos, text)
    assert said in str(raised.value)
    assert "pairs.csv" in str(raised.value)


def test_a_file_that_is_no_text_or_absent_is_named(photos: Path) -> None:
    (photos / "bytes.csv").write_bytes(b"photo,item\n\xff\xfe")
    with pytest.raises(CatalogueError, match=r"bytes.csv is not UTF-8 .*: save it as UTF-8"):
        read_queries(photos / "bytes.csv")
    with pytest.raises(CatalogueError, match=r"cannot read .*absent.csv: No such file"):
        read_queries(photos / "absent.csv")


def test_a_sub_folder_is_a_category(photos: Path) -> None:
    (photos / "dress" / "silk").mkdir(parents=True)
    (photos / "dress" / "silk" / "a.png").touch()
    assert read_queries(photos) == [Query(photos / "dress" / "silk" / "a.png", category="dress")]
    with pytest.raises(CatalogueError, match="has no sub-folders with pictures"):
        read_queries(photos / "dress" / "silk")
