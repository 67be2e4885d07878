import json
import re

import httpx

from storefront.page import STATIC
from tests.unit.storefront.conftest import Open

SCRIPTS = sorted(STATIC.glob("*.js"))


async def test_the_page_bears_the_shops_name_as_text(open_shop: Open) -> None:
    shop = await open_shop(name='<b>&"', collection="spring", max_photo_bytes=2**20)
    page = (await shop.get("/")).text
    assert "<title>&lt;b&gt;&amp;&quot;</title>" in page
    assert 'data-collection="spring" data-max-photo-bytes="1048576"' in page
    assert not re.search(r"\$\w|\$\{", page)


async def test_a_browser_is_told_to_run_no_script_but_ours(shop: httpx.AsyncClient) -> None:
    for path in ("/", "/v1/items", "/nothing", "/static/app.js"):
        headers = (await shop.get(path)).headers
        assert "script-src 'self'; style-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "strict-origin-when-cross-origin"


async def test_the_page_needs_nothing_from_elsewhere(shop: httpx.AsyncClient) -> None:
    for path in ("/", "/docs"):
        page = (await shop.get(path)).text
        assert " style=" not in page
        assert "<style" not in page
        for address in re.findall(r'(?:src|href)="(/[^"]+)"', page):
            assert (await shop.get(address)).status_code == 200, address
        assert not re.findall(r'(?:src|href)="(?!/|#)', page)


def test_every_text_is_there_in_both_languages() -> None:
    source = (STATIC / "texts.js").read_text()
    english, chinese = source.split('"zh-Hant": {')
    keys = re.compile(r"^    (\w+):", re.MULTILINE)
    assert keys.findall(english) == keys.findall(chinese.partition("\n};")[0])
    used = re.findall(r'\bt\("(\w+)"', "".join(one.read_text() for one in SCRIPTS))
    used += re.findall(r'data-t(?:-\w+)?="(\w+)"', (STATIC / "index.html").read_text())
    assert set(used) <= set(keys.findall(english))


async def test_other_sites_may_call_the_api_only_where_they_are_named(open_shop: Open) -> None:
    asking = {"origin": "https://shop.example"}
    closed = await (await open_shop()).get("/v1/collections", headers=asking)
    assert "access-control-allow-origin" not in closed.headers
    shop = await open_shop(cors_origins="https://shop.example, https://other.example")
    assert (await shop.get("/v1/collections", headers=asking)).headers["access-control-allow-origin"] == asking[
        "origin"
    ]
    stranger = await shop.get("/v1/collections", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in stranger.headers
    preflight = await shop.options("/v1/search", headers=asking | {"access-control-request-method": "POST"})
    assert preflight.status_code == 200


async def test_an_answer_travels_compressed(shop: httpx.AsyncClient) -> None:
    response = await shop.get("/v1/items", headers={"accept-encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    assert len(json.loads(response.content)["items"]) == 40
