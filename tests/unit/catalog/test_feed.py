import io
import itertools
from collections.abc import Iterator

import pytest

from clothing_retrieval.catalog import feed, xml
from clothing_retrieval.catalog.document import Document
from clothing_retrieval.catalog.entry import BadEntry, CatalogueError, Entry
from clothing_retrieval.catalog.rows import RowSource

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>
<title>The shop</title><link>https://shop.example</link>
{items}
</channel></rss>"""
DRESS = """<item>
<g:id>D1</g:id><title>Linen &amp; silk dress</title><description>Long.</description>
<link>https://shop.example/d1</link>
<g:image_link>https://cdn.example/d1.jpg</g:image_link>
<g:additional_image_link>https://cdn.example/d1-back.jpg</g:additional_image_link>
<g:additional_image_link>https://cdn.example/d1-side.jpg</g:additional_image_link>
<g:availability>in_stock</g:availability><g:price>1290.00 TWD</g:price><g:sale_price>990.00 TWD</g:sale_price>
<g:gender>female</g:gender><g:color>Sand</g:color><g:size>M</g:size><g:brand>Foo</g:brand><g:gtin>123</g:gtin>
<g:google_product_category>Apparel &amp; Accessories &gt; Clothing &gt; Dresses</g:google_product_category>
<g:shipping><g:country>TW</g:country><g:price>60 TWD</g:price></g:shipping>
</item>"""


def document(text: str | bytes) -> Document:
    content = text.encode() if isinstance(text, str) else text
    return Document("feed.xml", io.BytesIO(content), len(content))


def entries(text: str | bytes, views: int = 4) -> list[Entry | BadEntry]:
    return list(RowSource("feed", feed.rows, document(text), views).entries())


def item(id: str, *more: str, picture: str = "https://cdn.example/x.jpg") -> str:
    return f"<item><g:id>{id}</g:id><g:image_link>{picture}</g:image_link>{''.join(more)}</item>"


def test_an_item_of_an_rss_feed_is_read_with_all_that_a_shopper_needs() -> None:
    [entry] = entries(RSS.format(items=DRESS))
    assert isinstance(entry, Entry)
    found = entry.item
    assert (found.id, found.title, found.url) == ("D1", "Linen & silk dress", "https://shop.example/d1")
    assert (found.price, found.sale_price, found.currency) == (1290.0, 990.0, "TWD")
    assert (found.category, found.gender, found.in_stock) == ("dress", "female", True)
    assert found.image_url == "https://cdn.example/d1.jpg"
    assert dict(found.attributes) == {"color": "Sand", "size": "M", "brand": "Foo"}
    assert entry.addresses == tuple(f"https://cdn.example/d1{end}.jpg" for end in ("", "-back", "-side"))


def test_an_atom_feed_is_read_too() -> None:
    feed = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><title>Shop</title>
    <entry><g:id>A</g:id><title>Hat</title><link href="https://shop.example/a"/><g:price>5 EUR</g:price>
    <g:image_link>https://cdn.example/a.jpg</g:image_link><g:availability>out of stock</g:availability></entry>
    </feed>"""
    [entry] = entries(feed)
    assert isinstance(entry, Entry)
    assert (entry.item.url, entry.item.price, entry.item.in_stock) == ("https://shop.example/a", 5.0, False)


def test_only_so_many_views_are_taken() -> None:
    [entry] = entries(RSS.format(items=DRESS), views=2)
    assert isinstance(entry, Entry)
    assert len(entry.addresses) == 2


@pytest.mark.parametrize(
    ("period", "on"),
    [
        ("2020-01-01T00:00+0800/2999-01-01T00:00+0800", True),
        ("2020-01-01T00:00Z/2020-02-01T00:00Z", False),
        ("2999-01-01/2999-02-01", False),
        ("soon", True),
        ("2999-01-01/soon", False),
    ],
)
def test_a_sale_price_counts_while_the_sale_is_on(period: str, on: bool) -> None:
    dress = DRESS.replace("</item>", f"<g:sale_price_effective_date>{period}</g:sale_price_effective_date></item>")
    [entry] = entries(RSS.format(items=dress))
    assert isinstance(entry, Entry)
    assert entry.item.HasField("sale_price") is on


def test_sizes_that_look_the_same_are_one_item() -> None:
    def variant(id: str, color: str, size: str, stock: str, price: str) -> str:
        parts = {"item_group_id": "G", "color": color, "size": size, "availability": stock, "price": price}
        more = (f"<g:{name}>{text}</g:{name}>" for name, text in parts.items())
        return item(id, *more, picture=f"https://cdn.example/{color}.jpg")

    rows = [
        variant("1", "red", "S", "out_of_stock", "20 EUR"),
        variant("2", "blue", "S", "out_of_stock", "20 EUR"),
        variant("3", "red", "M", "in_stock", "18 EUR"),
        variant("4", "blue", "M", "out_of_stock", "20 EUR"),
        item("5"),
    ]
    red, blue, other = (entry.item for entry in entries(RSS.format(items="".join(rows))) if isinstance(entry, Entry))
    assert (red.id, red.attributes["size"], red.in_stock, red.price) == ("1", "S, M", True, 18.0)
    assert (blue.id, blue.attributes["size"], blue.in_stock) == ("2", "S, M", False)
    assert other.id == "5"


def test_the_price_of_the_cheapest_is_not_that_of_a_sale_that_is_over() -> None:
    group = "<g:item_group_id>G</g:item_group_id>"
    over = "<g:sale_price>5 EUR</g:sale_price><g:sale_price_effective_date>2020-01-01/2020-02-01"
    rows = [
        item("1", group, "<g:price>20 EUR</g:price>", over, "</g:sale_price_effective_date>"),
        item("2", group, "<g:price>18 EUR</g:price>"),
    ]
    [entry] = entries(RSS.format(items="".join(rows)))
    assert isinstance(entry, Entry)
    assert entry.item.price == 18


@pytest.mark.parametrize(
    ("item_text", "problem"),
    [
        ("<item><g:id>X</g:id></item>", "no picture"),
        (item("X", picture="ftp://cdn.example/x.jpg"), "no http or https address"),
        (item("X", "<g:price>cheap</g:price>"), "price 'cheap' is no amount of money"),
    ],
)
def test_an_item_that_cannot_be_understood_is_named(item_text: str, problem: str) -> None:
    bad, good = entries(RSS.format(items=item_text + item("Y")))
    assert isinstance(bad, BadEntry)
    assert (bad.id, bad.source) == ("X", "feed.xml, item 1")
    assert problem in bad.problem
    assert isinstance(good, Entry)


def test_a_feed_that_breaks_off_gives_what_came_before() -> None:
    text = RSS.format(items=item("1") + item("2") + item("3"))
    read = RowSource("feed", feed.rows, document(text[: text.index("<g:id>3")]), 4).entries()
    assert [entry.item.id for entry in itertools.islice(read, 2) if isinstance(entry, Entry)] == ["1", "2"]
    with pytest.raises(CatalogueError, match="after 2 items"):
        next(read)


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE rss [<!ENTITY secret SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE rss SYSTEM "http://127.0.0.1/x.dtd">',
    ],
    ids=["billion laughs", "external entity", "external DTD"],
)
def test_document_types_are_refused(declaration: str) -> None:
    text = RSS.format(items=item("&secret;")).replace("<rss", f"{declaration}<rss", 1)
    with pytest.raises(CatalogueError, match="document type"):
        entries(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"\xff\xfe\x00broken", "XML"),
        ("<rss><channel></channel></rss>", "no <item>"),
        ("<?xml version='1.0' encoding='klingon'?><rss/>", "XML"),
        ("<a>" * 100, "64 deep"),
    ],
)
def test_what_is_no_feed_is_told(text: str | bytes, why: str) -> None:
    with pytest.raises(CatalogueError, match=why):
        entries(text)


class Endless(io.RawIOBase):
    """A feed without an end, or an item without one."""

    def __init__(self, start: bytes, piece: bytes) -> None:
        self._left = itertools.chain((start,), itertools.repeat(piece))

    def read(self, size: int = -1) -> bytes:
        return next(self._left)


def test_a_feed_is_read_as_it_comes() -> None:
    endless = Endless(b"<rss><channel>", b"<item><id>1</id></item>" * 100)
    assert len(list(itertools.islice(xml.elements(endless, ("item",)), 10_000))) == 10_000  # type: ignore[arg-type]


def test_an_item_without_an_end_is_given_up() -> None:
    endless = Endless(b"<rss><channel><item><title>", b"x" * 65536)
    with pytest.raises(xml.BadXml, match="8 MiB"):
        list(xml.elements(endless, ("item",)))  # type: ignore[arg-type]


def test_how_much_there_is_is_foreseen() -> None:
    many = RSS.format(items="".join(item(str(number)) for number in range(3000)))
    source = RowSource("feed", feed.rows, document(many), 4)
    foreseen: list[int] = []
    reading: Iterator[Entry | BadEntry] = source.entries()
    for _ in itertools.islice(reading, 1500):
        foreseen.append(source.expected or 0)
    assert foreseen[-1] == pytest.approx(3000, rel=0.1)
