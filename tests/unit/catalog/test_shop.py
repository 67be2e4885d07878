"""A shop's pages: what they say of products, and which of them are asked for."""

import json
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from clothing_retrieval.catalog.entry import BadEntry, CatalogueError, Entry
from clothing_retrieval.catalog.memory import Memory
from clothing_retrieval.catalog.product_page import read_page
from clothing_retrieval.catalog.shop import ShopSource
from clothing_retrieval.catalog.sitemap import MOST_SITEMAPS
from clothing_retrieval.catalog.web import Manners, Validators, Web
from tests.shop_server import Reply, ShopServer

MANNERS = Manners(
    delay_s=0, picture_delay_s=0, private_networks=(ip_network("127.0.0.1/32"),), first_wait_s=0.01, attempts=2
)
PAGE = "https://shop.example/p/1"
SHIRT: dict[str, Any] = {
    "@context": "https://schema.org",
    "@type": "Product",
    "name": "Shirt",
    "sku": "S1",
    "image": ["/1.jpg", {"@type": "ImageObject", "url": "/2.jpg"}],
    "brand": {"@type": "Brand", "name": "Foo"},
    "color": "white",
    "category": "Shirts & Tops",
    "audience": {"@type": "PeopleAudience", "suggestedGender": "https://schema.org/Female"},
    "offers": {"@type": "Offer", "price": 990, "priceCurrency": "TWD", "availability": "https://schema.org/InStock"},
}


def html(*scripts: Any, links: str = "") -> bytes:
    texts = (script if isinstance(script, str) else json.dumps(script) for script in scripts)
    parts = "".join(f'<script type="application/ld+json">{text}</script>' for text in texts)
    return f"<!doctype html><html><head>{parts}</head><body>{links}</body></html>".encode()


def entries(*scripts: Any) -> list[Entry | BadEntry]:
    return [row.entry(4) for row in read_page(PAGE, html(*scripts)).rows]


def one(*scripts: Any) -> Entry:
    [entry] = entries(*scripts)
    assert isinstance(entry, Entry), entry
    return entry


def test_a_product_is_read_with_all_that_a_shopper_needs() -> None:
    entry = one(SHIRT)
    item = entry.item
    assert (item.id, item.title, item.url, item.category) == ("S1", "Shirt", PAGE, "top")
    assert (item.price, item.currency, item.in_stock, item.gender) == (990, "TWD", True, "female")
    assert dict(item.attributes) == {"brand": "Foo", "color": "white"}
    assert entry.addresses == ("https://shop.example/1.jpg", "https://shop.example/2.jpg")
    assert item.image_url == "https://shop.example/1.jpg"


@pytest.mark.parametrize(
    "script",
    [
        [SHIRT],
        {"@graph": [{"@type": "WebSite", "name": "Shop"}, SHIRT]},
        {"@type": "ItemPage", "mainEntity": SHIRT},
        {**SHIRT, "@type": ["Product", "https://schema.org/Thing"]},
        {**SHIRT, "@type": "http://schema.org/Product"},
        {"@graph": [{**SHIRT, "offers": {"@id": "#o"}}, {**SHIRT["offers"], "@id": "#o"}]},
        "<!--\n" + json.dumps(SHIRT) + "\n-->",
        json.dumps(SHIRT).replace('"Shirt"', '"Sh\nirt"'),
    ],
    ids=["list", "graph", "page", "types", "long type", "reference", "comment", "line break"],
)
def test_products_are_found_however_they_are_wrapped(script: Any) -> None:
    item = one(script).item
    assert (item.id, item.price, item.in_stock) == ("S1", 990, True)


@pytest.mark.parametrize(
    ("offers", "price", "sale_price"),
    [
        ({"@type": "AggregateOffer", "lowPrice": "10", "highPrice": "20", "priceCurrency": "EUR"}, 10, None),
        ([{"price": "12.50"}, {"price": "13"}], 12.5, None),
        (
            {
                "price": "8",
                "priceSpecification": [{"priceType": "https://schema.org/ListPrice", "price": "10"}, {"price": "8"}],
            },
            10,
            8,
        ),
        ({"priceSpecification": {"price": "9", "priceCurrency": "EUR"}}, 9, None),
        ({"price": "12.500", "priceCurrency": "KWD"}, 12.5, None),
    ],
)
def test_prices_are_found_where_shops_put_them(offers: Any, price: float, sale_price: float | None) -> None:
    item = one({**SHIRT, "offers": offers}).item
    assert (item.price, item.sale_price if item.HasField("sale_price") else None) == (price, sale_price)


def test_a_group_of_variants_is_an_item_for_each_look() -> None:
    def variant(sku: str, color: str, size: str, available: bool) -> dict[str, Any]:
        stock = "https://schema.org/InStock" if available else "https://schema.org/OutOfStock"
        offer = {"price": 5, "priceCurrency": "EUR", "availability": stock}
        return {"@type": "Product", "sku": sku, "color": color, "size": size, "image": f"/{color}.jpg", "offers": offer}

    group = {
        "@type": "ProductGroup",
        "name": "Tee",
        "productGroupID": "G",
        "brand": "Foo",
        "hasVariant": [
            variant("1", "red", "S", False),
            variant("2", "blue", "S", False),
            variant("3", "red", "M", True),
        ],
    }
    red, blue = (entry.item for entry in entries(group) if isinstance(entry, Entry))
    assert (red.id, red.title, red.attributes["size"], red.in_stock) == ("1", "Tee", "S, M", True)
    assert (blue.id, blue.attributes["color"], blue.in_stock) == ("2", "blue", False)


def test_products_that_a_page_only_mentions_are_not_its_own() -> None:
    assert one({**SHIRT, "isRelatedTo": [{**SHIRT, "sku": "other"}]}).item.id == "S1"
    assert entries({"@type": "ItemList", "itemListElement": [SHIRT]}) == []


def test_without_a_number_the_page_is_the_id() -> None:
    assert one({key: value for key, value in SHIRT.items() if key != "sku"}).item.id == "shop.example/p/1"


def test_one_broken_script_does_not_hide_another() -> None:
    assert one('{"@type": "Product", ', SHIRT).item.id == "S1"
    page = read_page(PAGE, html('{"@type": "Product", '))
    assert (page.rows, "JSON-LD that cannot be read" in page.problem) == ([], True)


@pytest.mark.parametrize(
    "script",
    ["[" * 100_000, "null", "[1, null, []]", {"@type": {}}, {"@type": "Product", "offers": [[[]]], "image": 5}, "{}"],
)
def test_nonsense_harms_nothing(script: Any) -> None:
    read_page(PAGE, html(script))


def test_references_that_lead_nowhere_harm_nothing() -> None:
    content = html({**SHIRT, "image": ["http://[", "/1.jpg"], "url": "http://["}, links='<a href="http://[">x</a>')
    page = read_page(PAGE, content)
    entry = page.rows[0].entry(4)
    assert isinstance(entry, Entry)
    assert (entry.addresses, entry.item.url, page.links) == (("https://shop.example/1.jpg",), PAGE, [])


def test_half_of_a_surrogate_pair_is_kept_from_what_can_hold_none(shop: ShopServer, web: Web) -> None:
    half = "\ud83d"
    product = {**SHIRT, "name": f"Dress {half}", "brand": {"name": half}, "image": f"/{half}.jpg"}
    shop.answers["/"] = Reply(html(product))
    with Memory(None, "") as memory:
        [entry] = ShopSource(shop.address, web, memory, 4, 1).entries()
    assert isinstance(entry, Entry)
    assert (entry.item.title, entry.item.attributes["brand"]) == ("Dress ?", "?")


@pytest.mark.parametrize("script", ["", {"@type": "Organization", "name": "Shop"}], ids=["nothing", "the shop"])
def test_microdata_is_read_where_json_ld_has_no_product(script: Any) -> None:
    item = """<div itemscope itemtype="https://schema.org/Product"><h1 itemprop="name">Shirt</h1>
    <img itemprop="image" src="/1.jpg"><meta itemprop="sku" content="S1">
    <div itemprop="offers" itemscope itemtype="https://schema.org/Offer"><meta itemprop="price" content="9">
    <meta itemprop="priceCurrency" content="EUR"></div></div>"""
    [row] = read_page(PAGE, html(script, links=item)).rows
    entry = row.entry(4)
    assert isinstance(entry, Entry)
    assert (entry.item.id, entry.item.price, entry.addresses) == ("S1", 9, ("https://shop.example/1.jpg",))


@pytest.fixture
def shop() -> Iterator[ShopServer]:
    with ShopServer() as shop:
        yield shop


@pytest.fixture
def web() -> Iterator[Web]:
    with Web(MANNERS) as web:
        yield web


def sell(shop: ShopServer, count: int) -> None:
    for number in range(count):
        product = {**SHIRT, "sku": f"S{number}", "url": f"{shop.address}/p/{number}"}
        shop.answers[f"/p/{number}"] = Reply(html(product), etag=f'"{number}"')


def sitemap(*addresses: str, kind: str = "url") -> Reply:
    places = "".join(f"<{kind}><loc>{address}</loc></{kind}>" for address in addresses)
    root = "urlset" if kind == "url" else "sitemapindex"
    return Reply(f'<{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{places}</{root}>'.encode())


def crawl(shop: ShopServer, web: Web, memory: Memory | None = None, pages: int = 100) -> tuple[list[str], str]:
    """The ids of the items, those of problems with a "!", and what is missing."""
    with memory or Memory(None, "") as memory:
        source = ShopSource(shop.address, web, memory, 4, pages)
        ids = [
            entry.item.id if isinstance(entry, Entry) else f"!{entry.source.removeprefix(shop.address)}"
            for entry in source.entries()
        ]
        return ids, source.missing


def test_a_shops_sitemap_is_followed(shop: ShopServer, web: Web) -> None:
    sell(shop, 3)
    shop.answers["/sitemap.xml"] = sitemap(f"{shop.address}/about", *(f"{shop.address}/p/{n}" for n in range(3)))
    shop.answers["/about"] = Reply(b"<html>about us</html>")
    assert crawl(shop, web) == (["S0", "S1", "S2"], "")


def test_of_several_sitemaps_those_of_products_are_enough(shop: ShopServer, web: Web) -> None:
    sell(shop, 2)
    shop.answers["/robots.txt"] = Reply(f"Sitemap: {shop.address}/index.xml\n".encode())
    shop.answers["/index.xml"] = sitemap(
        f"{shop.address}/blog.xml", f"{shop.address}/products.xml", f"{shop.address}/index.xml", kind="sitemap"
    )
    shop.answers["/products.xml"] = sitemap(f"{shop.address}/p/0", f"{shop.address}/p/1", "https://else.example/p")
    assert crawl(shop, web) == (["S0", "S1"], "")
    assert shop.asked("/blog.xml") == 0


def test_sitemaps_without_end_are_not_all_read_and_that_is_told(shop: ShopServer, web: Web) -> None:
    sell(shop, MOST_SITEMAPS + 9)
    inner = [f"{shop.address}/map{number}.xml" for number in range(MOST_SITEMAPS + 9)]
    shop.answers["/sitemap.xml"] = sitemap(*inner, kind="sitemap")
    for number in range(MOST_SITEMAPS + 9):
        shop.answers[f"/map{number}.xml"] = sitemap(f"{shop.address}/p/{number}")
    ids, missing = crawl(shop, web, pages=1000)
    assert len(ids) == MOST_SITEMAPS - 1
    assert f"more than {MOST_SITEMAPS} sitemaps" in missing
    assert shop.asked_below("/map") == MOST_SITEMAPS - 1


def test_a_page_in_the_place_of_a_sitemap_that_nobody_names_is_none(shop: ShopServer, web: Web) -> None:
    sell(shop, 1)
    shop.answers["/"] = shop.answers["/sitemap.xml"] = Reply(html(links='<a href="/p/0">a</a>'))
    assert crawl(shop, web) == (["S0"], "")
    with Web(MANNERS) as again:
        shop.answers["/robots.txt"] = Reply(f"Sitemap: {shop.address}/sitemap.xml\n".encode())
        assert "/sitemap.xml" in crawl(shop, again)[1]
    with Web(MANNERS) as again:
        shop.answers["/robots.txt"], shop.answers["/sitemap.xml"] = Reply(), Reply(status=503)
        assert "503" in crawl(shop, again)[1]


def test_what_one_page_says_badly_may_stand_on_another(shop: ShopServer, web: Web) -> None:
    sell(shop, 1)
    teasers = ({"@type": "Product", "name": "Shirt", "sku": sku} for sku in ("S0", "S0", "S1"))
    shop.answers["/"] = Reply(html(*teasers, links='<a href="/p/0">a</a>'))
    assert crawl(shop, web) == (["S0", "!/"], "")


def test_without_a_sitemap_links_are_followed_within_the_shop(shop: ShopServer, web: Web) -> None:
    sell(shop, 2)
    links = '<a href="/p/0#x">a</a><a href="/list">b</a><a href="https://else.example">c</a><a href="/x.jpg">d</a>'
    shop.answers["/"] = Reply(html(links=links))
    shop.answers["/list"] = Reply(html(links='<a href="/">back</a><a href="/p/1">e</a>'))
    assert crawl(shop, web) == (["S0", "S1"], "")
    assert [shop.asked(path) for path in ("/", "/list", "/x.jpg")] == [1, 1, 0]


def test_pages_that_fail_are_told_and_those_that_are_gone_are_not_missed(shop: ShopServer, web: Web) -> None:
    sell(shop, 2)
    paths = ("p/0", "gone", "forbidden", "broken", "p/1")
    shop.answers["/sitemap.xml"] = sitemap(*(f"{shop.address}/{path}" for path in paths))
    shop.answers["/forbidden"] = Reply(status=403)
    shop.answers["/broken"] = Reply(html('{"@type": "Product", '))
    ids, missing = crawl(shop, web)
    assert ids == ["S0", "!/forbidden", "!/broken", "S1"]
    assert "403" in missing


def test_only_so_many_pages_are_read(shop: ShopServer, web: Web) -> None:
    sell(shop, 6)
    shop.answers["/sitemap.xml"] = sitemap(*(f"{shop.address}/map{number}.xml" for number in range(3)), kind="sitemap")
    for number in range(3):
        shop.answers[f"/map{number}.xml"] = sitemap(
            f"{shop.address}/p/{2 * number}", f"{shop.address}/p/{2 * number + 1}"
        )
    ids, missing = crawl(shop, web, pages=3)
    assert ids == ["S0", "S1", "S2"]
    assert "more than 3 pages: --max-pages" in missing
    assert shop.asked("/map2.xml") == 0


def test_a_shop_that_describes_nothing_is_told(shop: ShopServer, web: Web) -> None:
    shop.answers["/"] = Reply(b"<html>hello</html>")
    with pytest.raises(CatalogueError, match=r"schema\.org: has the shop a product feed"):
        crawl(shop, web)


def test_a_crawl_that_broke_off_goes_on_and_a_later_one_asks_what_has_changed(
    shop: ShopServer, web: Web, tmp_path: Path
) -> None:
    sell(shop, 4)
    shop.answers["/sitemap.xml"] = sitemap(*(f"{shop.address}/p/{number}" for number in range(4)))
    path = tmp_path / "memory.sqlite"
    with Memory(path, "shop") as memory:
        reading = ShopSource(shop.address, web, memory, 4, 100).entries()
        next(reading), next(reading)

    memory = Memory(path, "shop")
    assert memory.goes_on
    assert crawl(shop, web, memory)[0] == ["S0", "S1", "S2", "S3"]
    assert [shop.asked(f"/p/{number}") for number in range(4)] == [1, 1, 1, 1]

    with Memory(path, "shop") as memory:
        memory.finish(Validators(), pruned=False)
    shop.answers["/p/3"] = Reply(html({**SHIRT, "sku": "new"}), etag='"new"')
    again = Memory(path, "shop")
    assert not again.goes_on
    assert crawl(shop, web, again)[0] == ["S0", "S1", "S2", "new"]
    asked = [request.headers.get("If-None-Match") for request in shop.requests if request.path.startswith("/p/")]
    assert asked[4:] == ['"0"', '"1"', '"2"', '"3"']


def test_a_host_that_fails_again_and_again_ends_the_crawl(shop: ShopServer, web: Web) -> None:
    sell(shop, 1)
    paths = ["p/0", *(f"x/{number}" for number in range(20))]
    shop.answers["/sitemap.xml"] = sitemap(*(f"{shop.address}/{path}" for path in paths))
    for path in paths[1:]:
        shop.answers[f"/{path}"] = Reply(status=502)
    with pytest.raises(CatalogueError, match="not asked any more"):
        crawl(shop, web)
    assert shop.asked_below("/x/") == MANNERS.failures * MANNERS.attempts
