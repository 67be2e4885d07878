"""A Shopify shop's own list of its products, ``/products.json``."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from clothing_retrieval.catalog.document import Document
from clothing_retrieval.catalog.entry import BadEntry, CatalogueError, Entry
from clothing_retrieval.catalog.fields import decimal, text_of
from clothing_retrieval.catalog.row import Row
from clothing_retrieval.catalog.variants import GROUP, merged
from clothing_retrieval.catalog.web import Purpose, Web, WebError

PATH = "/products.json"
_PER_PAGE = 250
_OPTIONS = {
    "size": ("size", "尺寸", "尺碼"),
    "color": ("color", "colour", "顏色", "款式"),
}
_OPTION_OF = {word: name for name, words in _OPTIONS.items() for word in words}


class ShopifySource:
    """Of a shop, page by page, or of one such page in a file."""

    kind = "shopify"

    def __init__(self, where: Document | str, web: Web, views: int, most_pages: int) -> None:
        """``where``: a file, or the address of a shop, of one of its collections, or of their products.json."""
        self._where = where
        self._web = web
        self._views = views
        self._most_pages = most_pages
        self.missing = ""

    @property
    def expected(self) -> None:
        return None

    def entries(self) -> Iterator[Entry | BadEntry]:
        self.missing = ""
        for row in merged(self._rows()):
            yield row.entry(self._views)

    def _rows(self) -> Iterator[Row]:
        if isinstance(self._where, Document):
            yield from _page_rows(self._where.name, "", _content(self._where))
            return
        address = products_address(self._where)
        seen: set[str] = set()
        for number in range(1, self._most_pages + 1):
            page = f"{address}?limit={_PER_PAGE}&page={number}"
            try:
                content = self._web.fetch(page, Purpose.LIST).file.read()
            except WebError as error:
                raise CatalogueError(f"{page} cannot be read: {error}") from None
            rows = list(_page_rows(page, _shop_of(address), content))
            products = {row.values["url"] for row in rows}
            if products <= seen:  # it is empty, or a host that knows no pages sends the same one again
                return
            seen |= products
            yield from rows
        self.missing = f"there are more than {self._most_pages:,} pages: --max-pages"


def _content(document: Document) -> bytes:
    """Raises CatalogueError where it is too large to be held in memory."""
    document.file.seek(0)
    content = document.file.read(Purpose.LIST.most_bytes + 1)
    if len(content) > Purpose.LIST.most_bytes:
        raise CatalogueError(
            f"{document.name} has more than {Purpose.LIST.most_bytes / 2**20:.0f} MiB, which are not read as one list: "
            "split it, or import the shop's address"
        )
    return content


def products_address(address: str) -> str:
    """Of a shop or a collection of it."""
    plain = address.partition("?")[0].rstrip("/")
    return plain if plain.endswith(PATH) else plain + PATH


def _shop_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _page_rows(name: str, shop: str, content: bytes) -> Iterator[Row]:
    """Raises CatalogueError."""
    try:
        page = json.loads(content)
        for product in page["products"]:
            yield from _product_rows(name, shop, product)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CatalogueError(f"{name} is no products.json of Shopify ({type(error).__name__}: {error})") from None


def _product_rows(name: str, shop: str, product: Mapping[str, Any]) -> Iterator[Row]:
    handle = text_of(product["handle"])
    pictures = product.get("images") or []
    shared = {
        "title": product.get("title"),
        "url": f"{shop}/products/{handle}" if shop else "",
        "product_type": product.get("product_type"),
        "brand": product.get("vendor"),
        GROUP: product["id"],
    }
    for variant in product.get("variants") or [{"id": product["id"]}]:
        own = [picture for picture in pictures if variant["id"] in (picture.get("variant_ids") or ())]
        shown = _addresses([variant.get("featured_image") or {}, *own]) or _addresses(pictures)
        values = {
            **shared,
            **_prices(variant),
            **_options(product, variant),
            "id": variant["id"],
            "image_url": next(iter(shown), ""),
            "in_stock": {True: "yes", False: "no"}.get(variant.get("available"), ""),
        }
        texts = {key: text_of(value).strip() for key, value in values.items() if value not in (None, "")}
        yield Row(f"{name}, product {handle}", texts, tuple(shown[1:]))


def _addresses(pictures: Iterable[Mapping[str, Any]]) -> list[str]:
    found = (picture.get("src") for picture in pictures)
    return [text_of(address) for address in found if address and isinstance(address, str)]


def _prices(variant: Mapping[str, Any]) -> dict[str, Any]:
    """What it cost before is its price, where it costs less now."""
    now, before = variant.get("price"), variant.get("compare_at_price")
    if before and now and float(before) > float(now):
        return {"price": decimal(before), "sale_price": decimal(now)}
    return {"price": decimal(now)}


def _options(product: Mapping[str, Any], variant: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for number, option in enumerate(product.get("options") or (), 1):
        if name := _OPTION_OF.get(str(option["name"]).strip().lower()):
            found[name] = variant.get(f"option{number}")
    return found
