import httpx
import pytest

from clothing_retrieval.v1.types_pb2 import Item
from tests.fake_gateway import FakeGateway
from tests.unit.storefront.conftest import Open


async def test_all_items_come_page_by_page(shop: httpx.AsyncClient) -> None:
    ids, token = [], ""
    while token is not None:
        page = (await shop.get("/v1/items", params={"page_size": 15, "page_token": token})).json()
        ids += [item["id"] for item in page["items"]]
        token = page["next_page_token"]
    assert ids == [f"item-{number:02}" for number in range(40)]


async def test_filters_keep_some_items(shop: httpx.AsyncClient) -> None:
    options = {"category": "bag", "price_max": 600, "in_stock": "true"}
    page = (await shop.get("/v1/items", params=options)).json()
    assert [item["id"] for item in page["items"]] == ["item-03", "item-07"]


async def test_one_item(shop: httpx.AsyncClient) -> None:
    item = (await shop.get("/v1/items/item-03")).json()
    assert (item["id"], item["price"], item["sale_price"]) == ("item-03", 1030.0, 530.0)


@pytest.mark.parametrize("id", ["tops/blue shirt", "%", "a?b#c", "襯衫"])
async def test_an_id_may_hold_any_letters(open_shop: Open, gateway: FakeGateway, id: str) -> None:
    gateway.items[id] = Item(id=id, title="odd")
    gateway.pictures[id] = b"jpeg"
    shop = await open_shop()
    listed = (await shop.get("/v1/items")).json()["items"]
    (item,) = [item for item in listed if item["id"] == id]

    picture = await shop.get(item["picture_url"])
    assert picture.content == b"jpeg"
    address = item["picture_url"].partition("/picture?")[0]
    assert (await shop.get(address)).json()["title"] == "odd"
    assert (await shop.get(f"{address}/similar")).status_code == 200


async def test_similar_items_are_without_the_item_itself(shop: httpx.AsyncClient, gateway: FakeGateway) -> None:
    answer = (await shop.get("/v1/items/item-00/similar", params={"top_k": 2, "gender": "female"})).json()
    assert [match["item"]["id"] for match in answer["matches"]] == ["item-03", "item-06"]


async def test_a_picture_is_fetched_once(shop: httpx.AsyncClient, gateway: FakeGateway) -> None:
    first = await shop.get("/v1/items/item-00/picture")
    assert (first.headers["content-type"], first.content) == ("image/jpeg", gateway.pictures["item-00"])
    assert first.headers["cache-control"] == "public, max-age=3600"
    again = await shop.get("/v1/items/item-00/picture", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/v1/items/none", "/v1/items/none/picture", "/v1/items/none/similar"])
async def test_what_is_not_there_is_a_404(shop: httpx.AsyncClient, path: str) -> None:
    response = await shop.get(path)
    assert response.status_code == 404
    assert response.json()["reason"] in ("ITEM_NOT_FOUND", "PICTURE_NOT_FOUND")


async def test_collections_tell_how_much_they_hold(shop: httpx.AsyncClient) -> None:
    assert (await shop.get("/v1/collections")).json() == {
        "collections": [
            {"name": "default", "aliases": ["live"], "items": 40, "items_by_category": {"bag": 20, "dress": 20}}
        ]
    }


async def test_an_address_that_would_run_is_left_out(open_shop: Open, gateway: FakeGateway) -> None:
    gateway.items["item-00"].url = "javascript:alert(1)"
    gateway.items["item-00"].image_url = "data:text/html,x"
    shop = await open_shop()
    item = (await shop.get("/v1/items/item-00")).json()
    assert (item["url"], item["image_url"]) == (None, None)


async def test_alive_is_not_ready(shop: httpx.AsyncClient, gateway: FakeGateway) -> None:
    assert (await shop.get("/readyz")).json() == {"status": "ok"}
    gateway.serving(False)
    response = await shop.get("/readyz")
    assert (response.status_code, response.json()["reason"]) == (503, "NOT_READY")
    assert (await shop.get("/healthz")).json() == {"status": "ok"}
