"""Tables, Shopify, and what tells one kind of source from another."""

import gzip
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from clothing_retrieval.catalog import sheet
from clothing_retrieval.catalog.document import Document
from clothing_retrieval.catalog.entry import BadEntry, CatalogueError, Entry
from clothing_retrieval.catalog.garment_words import garment_category
from clothing_retrieval.catalog.memory import Memory
from clothing_retrieval.catalog.recognise import Bounds, Kind, recognise
from clothing_retrieval.catalog.rows import RowSource
from clothing_retrieval.catalog.shopify import ShopifySource, products_address
from clothing_retrieval.catalog.table import LARGEST_ROW
from clothing_retrieval.catalog.web import Manners, Web
from clothing_retrieval.catalog.web.manners import EVERYWHERE
from tests.shop_server import Reply, ShopServer

ORIGINAL = (
    "title,price,special_price,img_url,url,category,gender\n"
    "防風外套,1290,990,https://cdn.example/1.jpg,https://shop.example/p/1,上身類,男\n"
    "百褶裙,690,,https://cdn.example/2.jpg,https://shop.example/p/2,下身類,女\n"
    "牛仔褲,890,,https://cdn.example/3.jpg,https://shop.example/p/3,下身類,男生\n"
    "碎花,790,,https://cdn.example/4.jpg,https://shop.example/p/4,洋裝,女生\n"
)


def document(text: str, name: str = "items.csv") -> Document:
    content = text.encode()
    return Document(name, io.BytesIO(content), len(content))


def items(source: RowSource | ShopifySource) -> list[Entry]:
    found = list(source.entries())
    assert all(isinstance(entry, Entry) for entry in found), found
    return [entry for entry in found if isinstance(entry, Entry)]


def test_the_original_projects_table_is_read() -> None:
    coat, skirt, jeans, dress = (entry.item for entry in items(RowSource("table", sheet.rows, document(ORIGINAL), 4)))
    assert (coat.id, coat.title, coat.url) == ("shop.example/p/1", "防風外套", "https://shop.example/p/1")
    assert (coat.price, coat.sale_price, coat.image_url) == (1290, 990, "https://cdn.example/1.jpg")
    assert [(found.category, found.gender) for found in (coat, skirt, jeans, dress)] == [
        ("outer", "male"),
        ("skirt", "female"),
        ("pants", "male"),
        ("dress", "female"),
    ]
    assert not skirt.HasField("sale_price")


def test_googles_feed_as_tabs_is_read() -> None:
    header = ("id", "title", "link", "image link", "additional image link", "price", "availability", "item group id")
    cells = (
        "S1",
        '24" belt',
        "https://s.example/1",
        "https://c.example/1.jpg",
        "https://c.example/2.jpg, https://c.example/3.jpg",
    )
    text = "\t".join(header) + "\n" + "\t".join((*cells, "250 TWD", "preorder", "")) + "\n"
    [belt] = items(RowSource("table", sheet.rows, document(text), 4))
    assert (belt.item.title, belt.item.price, belt.item.currency) == ('24" belt', 250, "TWD")
    assert belt.item.in_stock is False
    assert len(belt.addresses) == 3


def test_a_table_that_names_files_belongs_into_its_folder() -> None:
    with pytest.raises(CatalogueError, match="import the folder"):
        list(RowSource("table", sheet.rows, document("id,file\n1,a.jpg\n"), 4).entries())


@pytest.mark.parametrize("separator", [",", "\t"])
@pytest.mark.parametrize("title", ['"Best dress', '"Best" dress'])
def test_a_stray_quote_takes_in_no_rows_and_is_named_by_its_line(separator: str, title: str) -> None:
    rows = [("id", "title", "image_link"), *((str(n), "Dress", f"https://c.example/{n}.jpg") for n in range(1, 5))]
    rows[2] = ("2", title, "https://c.example/2.jpg")
    text = "\n".join(map(separator.join, rows))
    entries = RowSource("table", sheet.rows, document(text), 4).entries()
    assert isinstance(next(entries), Entry)
    with pytest.raises(
        CatalogueError, match=r"items\.csv is no CSV at the row that begins in line 3 .*close the quote"
    ):
        next(entries)


@pytest.mark.parametrize(
    ("text", "line"),
    [("id," * LARGEST_ROW, 1), ("id\n1\n" + "2," * LARGEST_ROW, 3), ("id\n1\n" + '"2\n",' * LARGEST_ROW, 3)],
    ids=["header", "line", "lines"],
)
def test_a_row_that_is_too_large_for_the_memory_is_not_read_whole(text: str, line: int) -> None:
    table = document(text)
    with pytest.raises(CatalogueError, match=rf"begins in line {line} \(it has more than 1,048,576 characters\)"):
        list(RowSource("table", sheet.rows, table, 4).entries())
    assert table.file.tell() < 1.1 * LARGEST_ROW


@pytest.mark.parametrize("separator", [",", "\t"])
def test_a_quoted_cell_may_hold_lines_separators_and_quotes(separator: str) -> None:
    title = f'12"{separator}Teflon\nPan'
    row = separator.join(("1", '"' + title.replace('"', '""') + '"', "https://c.example/1.jpg"))
    [pan] = items(
        RowSource("table", sheet.rows, document(separator.join(("id", "title", "image_link")) + "\n" + row), 4)
    )
    assert pan.item.title == title


def test_a_row_that_cannot_be_used_is_named_by_its_line() -> None:
    [bad] = RowSource("table", sheet.rows, document("id,image_link\n1,not an address\n"), 4).entries()
    assert isinstance(bad, BadEntry)
    assert (bad.id, bad.source) == ("1", "items.csv, line 2")


@pytest.mark.parametrize(
    ("text", "title", "label"),
    [
        ("上身類", "白色襯衫", "top"),
        ("上身類", "羊毛大衣", "outer"),
        ("上身類", "神祕", "top"),
        ("下身類", "A字裙", "skirt"),
        ("下身類", "直筒褲", "pants"),
        ("洋裝/連身裙", "", "dress"),
        ("上身類", "羊毛大衣(附腰帶)", "outer"),
        ("上身類", "連帽T恤", "top"),
        ("下身類", "西裝褲", "pants"),
        ("下身類", "褲裙", "skirt"),
        ("西裝褲", "", "pants"),
        ("女裝 > 西裝褲", "", "pants"),
        ("西裝外套", "", "outer"),
        ("西裝鞋", "", "footwear"),
        ("連帽衫", "", "top"),
        ("連帽外套", "", "outer"),
        ("帽\uff34", "", "top"),
        ("大學t", "", "top"),
        ("背心", "", "top"),
        ("背心外套", "", "outer"),
        ("針織", "", "top"),
        ("針織衫", "", "top"),
        ("針織帽", "", "headwear"),
        ("針織圍巾", "", "neckwear"),
        ("襯衫洋裝", "", "dress"),
        ("內搭褲", "", "leggings"),
        ("靴型褲", "", "pants"),
        ("包鞋", "", "footwear"),
        ("女裝", "", "女裝"),
        ("2271", "", "dress"),
        ("Apparel & Accessories > Clothing > Shirts & Tops", "", "top"),
        ("Home > Women > T-Shirts", "", "T-Shirts"),
        ("Gadgets", "", "Gadgets"),
    ],
)
def test_categories_are_put_into_the_parsers_words(text: str, title: str, label: str) -> None:
    assert garment_category(text, title) == label


PRODUCT: dict[str, Any] = {
    "id": 11,
    "title": "Tee",
    "handle": "tee",
    "vendor": "Foo",
    "product_type": "T-Shirts",
    "options": [{"name": "Color"}, {"name": "Size"}],
    "images": [
        {"src": "https://cdn.example/red.jpg", "variant_ids": [1, 2]},
        {"src": "https://cdn.example/red-back.jpg", "variant_ids": []},
        {"src": "https://cdn.example/blue.jpg", "variant_ids": [3]},
    ],
    "variants": [
        {"id": 1, "option1": "Red", "option2": "S", "available": False, "price": "20.00", "compare_at_price": "30.00"},
        {"id": 2, "option1": "Red", "option2": "M", "available": True, "price": "20.00", "compare_at_price": "30.00"},
        {"id": 3, "option1": "Blue", "option2": "S", "available": False, "price": "30.00", "compare_at_price": None},
    ],
}


def test_a_product_of_shopify_is_an_item_for_each_colour(tmp_path: Path) -> None:
    with Web() as web:
        source = ShopifySource(document(json.dumps({"products": [PRODUCT]}), "products.json"), web, 4, 10)
        red, blue = items(source)
    assert (red.item.id, red.item.title, red.item.category) == ("1", "Tee", "T-Shirts")
    assert (red.item.price, red.item.sale_price, red.item.in_stock) == (30, 20, True)
    assert dict(red.item.attributes) == {"brand": "Foo", "color": "Red", "size": "S, M", "item_group_id": "11"}
    assert red.addresses == ("https://cdn.example/red.jpg",)
    assert (blue.item.price, blue.item.HasField("sale_price"), blue.item.in_stock) == (30, False, False)


def test_a_product_without_colours_is_one_item_with_all_its_pictures() -> None:
    plain = {**PRODUCT, "images": [{"src": picture["src"]} for picture in PRODUCT["images"]]}
    with Web() as web:
        [only] = items(ShopifySource(document(json.dumps({"products": [plain]})), web, 4, 10))
    assert len(only.addresses) == 3


def test_the_point_in_shopifys_prices_is_a_decimal_one() -> None:
    variant = {"id": 1, "price": "12.500", "compare_at_price": "13.750"}
    product = {**PRODUCT, "variants": [variant]}
    with Web() as web:
        [tee] = items(ShopifySource(document(json.dumps({"products": [product]})), web, 4, 10))
    assert (tee.item.price, tee.item.sale_price) == (13.75, 12.5)


def test_half_of_a_surrogate_pair_is_kept_from_what_can_hold_none() -> None:
    half = "\ud83d"
    product = {"id": 1, "title": half, "handle": half, "images": [{"src": f"https://c.example/{half}.jpg"}] * 2}
    with Web() as web:
        [item] = items(ShopifySource(document(json.dumps({"products": [product]})), web, 4, 10))
        [bad] = ShopifySource(document(json.dumps({"products": [{**product, "images": []}]})), web, 4, 10).entries()
    assert (item.item.title, isinstance(bad, BadEntry) and bad.source) == ("?", "items.csv, product ?")


def test_a_picture_of_shopify_without_an_address_is_left_out() -> None:
    images = [{"src": 5}, {"src": "https://cdn.example/1.jpg"}, {"src": None}, {}, {"src": {}}]
    product = {**PRODUCT, "images": images, "variants": [{"id": 1, "featured_image": {"src": []}}]}
    with Web() as web:
        [tee] = items(ShopifySource(document(json.dumps({"products": [product]})), web, 4, 10))
    assert tee.addresses == ("https://cdn.example/1.jpg",)


@pytest.mark.parametrize("text", ["{}", "[1]", '{"products": [{}]}', '{"products": 3}', "<html>", "[" * 5000])
def test_what_is_no_list_of_products_is_told(text: str) -> None:
    with Web() as web, pytest.raises(CatalogueError, match=r"no products\.json"):
        list(ShopifySource(document(text, "x.json"), web, 4, 10).entries())


def test_a_list_that_knows_no_pages_is_read_once() -> None:
    others = [{**PRODUCT, "id": number, "handle": f"tee-{number}"} for number in range(3)]
    with ShopServer() as shop, Web(Manners(delay_s=0, private_networks=EVERYWHERE)) as web:
        shop.answers["/products.json"] = Reply(json.dumps({"products": others}).encode())
        source = ShopifySource(shop.address, web, 4, 10)
        assert len(items(source)) == 6
        assert (source.missing, shop.asked_below("/products.json")) == ("", 2)


def test_a_list_that_is_too_large_for_the_memory_is_told() -> None:
    with tempfile.TemporaryFile() as file, Web() as web:
        file.truncate(65 * 2**20)
        with pytest.raises(CatalogueError, match=r"x\.json has more than 64 MiB.*split it"):
            list(ShopifySource(Document("x.json", file, 65 * 2**20), web, 4, 10).entries())


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("https://s.example", "https://s.example/products.json"),
        ("https://s.example/collections/tops/", "https://s.example/collections/tops/products.json"),
        ("https://s.example/products.json?limit=5", "https://s.example/products.json"),
    ],
)
def test_shopifys_list_is_found_from_any_of_its_addresses(address: str, asked: str) -> None:
    assert products_address(address) == asked


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.xml", b"\xef\xbb\xbf<?xml version='1.0'?><!-- x --><rss version='2.0'></rss>", "feed"),
        ("a.txt", b"<feed xmlns='http://www.w3.org/2005/Atom'></feed>", "feed"),
        ("a.csv", ORIGINAL.encode(), "table"),
        ("a.tsv", b"id\ttitle\timage link\n", "table"),
        ("a.json", b'{"products": []}', "shopify"),
        ("a.gz", gzip.compress(b"<rss></rss>"), "feed"),
    ],
)
def test_a_file_is_known_by_what_is_in_it(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert known(tmp_path / name) == kind


def test_a_folder_is_known(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"never opened")
    assert known(tmp_path) == "folder"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"hello, world", "--kind"),
        (b"<!doctype html><html></html>", "its address"),
        (b"\x1f\x8bbroken", "damaged gzip"),
    ],
)
def test_what_is_none_of_them_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(CatalogueError, match=said):
        known(tmp_path / "x")


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="there is no"):
        known(tmp_path / "absent")


def test_a_shops_pages_need_what_a_plain_import_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("shop", "product_page"):
        monkeypatch.delitem(sys.modules, f"clothing_retrieval.catalog.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "extruct", None)
    monkeypatch.setitem(sys.modules, "extruct.w3cmicrodata", None)
    with Web() as web, Memory(None, "") as memory, pytest.raises(CatalogueError, match=r"clothing-retrieval\[crawl\]"):
        recognise("https://shop.example", Kind.SHOP, web, memory, Bounds())


def known(path: Path, kind: Kind | None = None) -> str:
    with Web() as web, Memory(None, "") as memory:
        found = recognise(str(path), kind, web, memory, Bounds())
        found.close()
        return found.source.kind
