"""Whatever a stranger's page, feed or list holds: it gives entries or a CatalogueError, and nothing else."""

import io
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from clothing_retrieval.catalog import feed, sheet
from clothing_retrieval.catalog.document import Document
from clothing_retrieval.catalog.entry import BadEntry, CatalogueError, Entry
from clothing_retrieval.catalog.product_page import read_page
from clothing_retrieval.catalog.rows import RowSource
from clothing_retrieval.catalog.shopify import ShopifySource
from clothing_retrieval.catalog.source import Source
from clothing_retrieval.catalog.web import Web
from clothing_retrieval.catalog.web.address import BadAddress, parse

WORDS = (
    "@type", "@id", "@graph", "Product", "ProductGroup", "Offer", "name", "sku", "url", "image", "offers", "price",
    "lowPrice", "availability", "hasVariant", "priceSpecification", "audience", "brand", "mainEntity",
    "products", "variants", "images", "options", "handle", "id", "src", "featured_image", "compare_at_price",
    "https://cdn.example/1.jpg", "http://[", "9,90", "-1", "nan", "1e999",
)  # fmt: skip
TEXT = st.sampled_from(WORDS) | st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=6),
    max_leaves=25,
)
COLUMNS = (
    "id", "title", "price", "sale_price", "image_link", "link", "availability", "gender", "item_group_id", "size",
    "sale_price_effective_date", "google_product_category", "additional_image_link", "currency",
)  # fmt: skip
CELLS = TEXT.map(lambda text: " ".join(text.replace("\0", "").split()))


def consume(source: Source) -> list[Entry | BadEntry]:
    entries: list[Entry | BadEntry] = []
    try:
        entries.extend(source.entries())
    except CatalogueError:
        return entries
    for entry in entries:
        if isinstance(entry, Entry):
            assert 1 <= len(entry.item.id) <= 128
            assert all(parse(address) for address in entry.addresses)
            entry.item.SerializeToString()
        else:
            assert entry.problem
    return entries


def document(content: bytes) -> Document:
    return Document("source", io.BytesIO(content), len(content))


@given(JSON)
@settings(max_examples=150, deadline=None)
def test_any_json_ld(value: Any) -> None:
    product = {"@type": "Product", **value} if isinstance(value, dict) else {"@type": "Product", "offers": value}
    script = json.dumps([value, product]).replace("</", "<\\/")
    page = read_page("https://shop.example/p", f'<script type="application/ld+json">{script}</script>'.encode())
    for row in page.rows:
        row.entry(4)


@given(st.binary(max_size=300))
@settings(max_examples=50, deadline=None)
def test_any_page(content: bytes) -> None:
    read_page("https://shop.example/p", content)


@given(JSON, st.lists(st.dictionaries(TEXT, JSON, max_size=6), max_size=2))
@settings(max_examples=150, deadline=None)
def test_any_list_of_shopify(value: Any, variants: list[dict[str, Any]]) -> None:
    whole = {"id": 1, "handle": "x", "variants": [{"id": 1, **variant} for variant in variants]}
    products = [value, whole] if isinstance(value, dict) else [whole]
    with Web() as web:
        consume(ShopifySource(document(json.dumps({"products": products}).encode()), web, 4, 10))


@given(st.lists(st.dictionaries(st.sampled_from(COLUMNS), CELLS, max_size=8), max_size=4))
@settings(max_examples=100, deadline=None)
def test_any_rows(rows: list[dict[str, str]]) -> None:
    lines = ["\t".join(COLUMNS), *("\t".join(row.get(name, "") for name in COLUMNS) for row in rows)]
    consume(RowSource("table", sheet.rows, document("\n".join(lines).encode("utf-8", "replace")), 4))


@given(st.binary(max_size=200))
@settings(max_examples=50, deadline=None)
def test_any_bytes(content: bytes) -> None:
    consume(RowSource("feed", feed.rows, document(b"<rss><channel><item>" + content), 4))
    consume(RowSource("table", sheet.rows, document(b"id,image_link\n" + content), 4))


@given(st.text(max_size=40) | st.text(max_size=30).map("http://{}".format))
@settings(max_examples=200, deadline=None)
def test_any_address(text: str) -> None:
    try:
        address = parse(text)
    except BadAddress:
        return
    assert str(address).isascii()
    assert str(address).isprintable()
    assert parse(str(address)) == address
