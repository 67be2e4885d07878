"""A page of a shop: the product that it describes by schema.org, and where its links lead.

Needs the extra ``crawl``.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import lxml.html
from extruct.w3cmicrodata import MicrodataExtractor

from clothing_retrieval.catalog.fields import decimal, text_of
from clothing_retrieval.catalog.row import Row
from clothing_retrieval.catalog.shop_page import ShopPage
from clothing_retrieval.catalog.variants import GROUP, merged
from clothing_retrieval.catalog.web.address import join
from clothing_retrieval.catalog.web.errors import BadAddress

Node = Mapping[str, Any]

_PRODUCTS = frozenset(("Product", "ProductGroup", "IndividualProduct", "SomeProducts", "ProductModel"))
_LEAD_TO_IT = ("@graph", "mainEntity", "mainEntityOfPage")
"""Other properties lead to products that the page only mentions."""
_BEFORE = ("ListPrice", "StrikethroughPrice", "SRP", "MSRP")
_MOST_NODES = 10_000


def read_page(address: str, content: bytes, encoding: str = "") -> ShopPage:
    """``encoding``: as the host named it; else the page itself does, else it is UTF-8."""
    page = ShopPage()
    if not content.strip():
        return page
    try:
        document = lxml.html.document_fromstring(content, parser=_parser(content, encoding))
    except (lxml.etree.ParserError, ValueError, LookupError) as error:
        page.problem = f"no HTML that can be read: {error}"
        return page
    base = _absolute(address, next(iter(document.xpath("//base/@href")), "")) or address
    page.links = _links(document, base)
    try:
        page.rows = _rows(address, base, document, page)
    except (TypeError, AttributeError, ValueError, RecursionError) as error:
        page.problem = f"a description that follows no schema ({type(error).__name__}: {error})"
    return page


def _parser(content: bytes, encoding: str) -> Any:
    told = encoding or (None if b"charset" in content[:4096].lower() else "utf-8")
    return lxml.html.HTMLParser(encoding=told)


def _links(document: Any, base: str) -> list[str]:
    links = (_absolute(base, link) for link in document.xpath("//a[not(contains(@rel, 'nofollow'))]/@href"))
    return list(dict.fromkeys(link.partition("#")[0] for link in links if link.startswith(("http://", "https://"))))


def _absolute(base: str, reference: str) -> str:
    """Empty where the reference is none that could be followed."""
    try:
        return join(base, reference)
    except BadAddress:
        return ""


def _rows(address: str, base: str, document: Any, page: ShopPage) -> list[Row]:
    return _read(address, base, _json_ld(document, page)) or _read(address, base, _microdata(document, base))


def _read(address: str, base: str, described: Iterator[Node]) -> list[Row]:
    nodes = list(described)
    by_id = {node["@id"]: node for node in _all(nodes) if isinstance(node.get("@id"), str) and len(node) > 1}

    def follow(value: Any) -> Any:
        """A reference's target, where it is on this page."""
        if isinstance(value, Mapping) and set(value) <= {"@id", "@type"}:
            return by_id.get(value.get("@id", ""), value)
        return value

    products = [product for node in nodes for product in _products(node)]
    # A variant that stands beside its group belongs to it.
    groups = [product for product in products if "ProductGroup" in _types(product)]
    rows = [row for product in groups or products for row in _Reader(address, base, follow).rows(product)]
    return list(merged(rows))


def _json_ld(document: Any, page: ShopPage) -> Iterator[Node]:
    for script in document.xpath("//script[translate(@type,'LDJSON','ldjson')='application/ld+json']/text()"):
        try:
            loaded = json.loads(script.strip().removeprefix("<!--").removesuffix("-->").rstrip(" ;\n"), strict=False)
        except (ValueError, RecursionError) as error:
            page.problem = f"JSON-LD that cannot be read: {error}"
            continue
        yield from (node for node in (loaded if isinstance(loaded, list) else [loaded]) if isinstance(node, Mapping))


def _microdata(document: Any, base: str) -> Iterator[Node]:
    for item in MicrodataExtractor(nested=True).extract_items(document, base):
        yield _plain(item)


def _plain(value: Any) -> Any:
    """Microdata as JSON-LD has it."""
    if isinstance(value, Mapping) and "properties" in value:
        types = value.get("type") or ""
        return {"@type": types, **{name: _plain(inner) for name, inner in value["properties"].items()}}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _all(value: Any) -> Iterator[Node]:
    """Every node, at any depth, as far as a page may have that many."""
    left = [value]
    for _ in range(_MOST_NODES):
        if not left:
            return
        value = left.pop()
        if isinstance(value, Mapping):
            yield value
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)


def _products(node: Any) -> Iterator[Node]:
    for inner in _list(node):
        if not isinstance(inner, Mapping):
            continue
        if _types(inner) & _PRODUCTS:
            yield inner
        else:
            for name in _LEAD_TO_IT:
                yield from _products(inner.get(name))


def _types(node: Node) -> set[str]:
    """ "https://schema.org/Product" is "Product"."""
    return {str(kind).rpartition("/")[2].rpartition(":")[2] for kind in _list(node.get("@type"))}


class _Reader:
    """Turns products of one page into rows."""

    def __init__(self, address: str, base: str, follow: Callable[[Any], Any]) -> None:
        self._address = address
        self._base = base
        self._follow = follow

    def rows(self, product: Node) -> Iterator[Row]:
        """One for a product, or one for each variant of a group."""
        values, pictures = self._describe(product)
        variants = [node for node in map(self._follow, _list(product.get("hasVariant"))) if isinstance(node, Mapping)]
        described = [self._describe(variant) for variant in variants if set(variant) - {"@id", "@type", "url"}]
        if not described:
            yield self._row(values, pictures)
            return
        group = _text(product.get("productGroupID")) or values.get("id", "") or self._address
        values.pop("id", None)
        for own, own_pictures in described:
            yield self._row({**values, GROUP: group, **own}, own_pictures or pictures)

    def _row(self, values: dict[str, str], pictures: Sequence[str]) -> Row:
        row = {"url": self._address, **values, "image_url": next(iter(pictures), "")}
        return Row(self._address, {name: text for name, text in row.items() if text}, tuple(pictures[1:]))

    def _describe(self, node: Node) -> tuple[dict[str, str], list[str]]:
        audience = self._follow(next(iter(_list(node.get("audience"))), {}))
        values = {
            "id": _text(node.get("sku")) or _text(node.get("productID")),
            "title": _text(node.get("name")),
            "url": _absolute(self._base, _text(node.get("url"))) if _text(node.get("url")) else "",
            "category": _text(node.get("category")),
            "brand": _text(self._follow(node.get("brand"))),
            "color": _text(node.get("color")),
            "size": _text(node.get("size")),
            "material": _text(node.get("material")),
            "pattern": _text(node.get("pattern")),
            "gender": _text(audience.get("suggestedGender")) if isinstance(audience, Mapping) else "",
            **self._offer(node),
        }
        pictures = [
            _absolute(self._base, address) for address in map(self._picture, _list(node.get("image"))) if address
        ]
        return {name: text for name, text in values.items() if text}, list(filter(None, pictures))

    def _picture(self, value: Any) -> str:
        value = self._follow(value)
        if isinstance(value, Mapping):
            return _text(value.get("contentUrl")) or _text(value.get("url"))
        return _text(value)

    def _offer(self, node: Node) -> dict[str, str]:
        """Of the first offer, or of the one that bundles them."""
        offers = [offer for offer in map(self._follow, _list(node.get("offers"))) if isinstance(offer, Mapping)]
        if not offers:
            return {}
        first = offers[0]
        inner = [offer for offer in map(self._follow, _list(first.get("offers"))) if isinstance(offer, Mapping)]
        specified = [
            spec for spec in map(self._follow, _list(first.get("priceSpecification"))) if isinstance(spec, Mapping)
        ]
        usual = [spec for spec in specified if _kind_of(spec) not in _BEFORE]
        before = next((_text(spec.get("price")) for spec in specified if _kind_of(spec) in _BEFORE), "")
        holders = [first, *usual, *inner]
        now = _first(holders, "price") or _first(holders, "lowPrice")
        stock = [_text(offer.get("availability")) for offer in (first, *offers[1:], *inner)]
        prices = {"price": before, "sale_price": now} if before and now else {"price": now or before}
        available = next((text for text in stock if text.endswith("InStock")), next(filter(None, stock), ""))
        prices = {name: decimal(price) for name, price in prices.items()}
        return {**prices, "currency": _first([*holders, *specified], "priceCurrency"), "in_stock": available}


def _kind_of(specification: Node) -> str:
    return _text(specification.get("priceType")).rpartition("/")[2]


def _first(nodes: Sequence[Node], name: str) -> str:
    return next(filter(None, (_text(node.get(name)) for node in nodes)), "")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _text(value: Any) -> str:
    """Of a string, a number, a thing with a name, or the first of several."""
    if isinstance(value, list):
        return _text(value[0]) if value else ""
    if isinstance(value, Mapping):
        return _text(value.get("name") or value.get("@value"))
    return "" if value is None or isinstance(value, bool) else " ".join(text_of(value).split())
