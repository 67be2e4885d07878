import httpx
import pytest

from clothing_retrieval.v1.retrieval_service_pb2 import SearchRequest
from clothing_retrieval.v1.types_pb2 import Condition, Filter, Range, Values
from tests.fake_gateway import FakeGateway, picture
from tests.unit.storefront.conftest import Open

JPEG = {"content-type": "image/jpeg"}


async def test_a_photo_finds_items_for_each_garment(shop: httpx.AsyncClient) -> None:
    response = await shop.post("/v1/search", params={"top_k": 3}, content=picture(), headers=JPEG)

    assert response.status_code == 200
    answer = response.json()
    assert answer["collection"] == "default"
    assert [found["garment"]["category"] for found in answer["results"]] == ["dress", "bag"]
    assert [match["item"]["id"] for match in answer["results"][0]["matches"]] == ["item-00", "item-01", "item-02"]
    assert answer["results"][0]["matches"][0]["item"] == {
        "id": "item-00",
        "title": "Piece 0",
        "url": "https://boutique.example/items/0",
        "picture_url": "/v1/items/item-00/picture?collection=default",
        "image_url": None,
        "category": "dress",
        "gender": "female",
        "currency": "TWD",
        "price": 1000.0,
        "sale_price": None,
        "in_stock": True,
        "attributes": {},
    }


async def test_a_garment_is_outlined_in_shares_of_the_photo(shop: httpx.AsyncClient) -> None:
    response = await shop.post("/v1/search", content=picture(), headers=JPEG)
    dress = response.json()["results"][0]["garment"]

    assert dress["box"] == {"x": 20, "y": 20, "width": 60, "height": 90}  # of a photo of 120 × 160
    (polygon,) = dress["outline"]["polygons"]
    across, down = zip(*polygon, strict=True)
    assert min(across) == pytest.approx(20 / 120, abs=0.02)
    assert max(across) == pytest.approx(80 / 120, abs=0.02)
    assert min(down) == pytest.approx(20 / 160, abs=0.02)
    assert max(down) == pytest.approx(110 / 160, abs=0.02)
    assert dress["outline"]["center"] == pytest.approx([50 / 120, 65 / 160], abs=0.02)


async def test_a_form_does_as_well_as_the_bare_photo(shop: httpx.AsyncClient, gateway: FakeGateway) -> None:
    photo = picture("teal")
    response = await shop.post("/v1/search", files={"photo": ("street.jpg", photo, "image/jpeg")})
    assert response.status_code == 200
    assert gateway.requests[-1].image.encoded == photo


async def test_every_option_reaches_the_gateway(shop: httpx.AsyncClient, gateway: FakeGateway) -> None:
    options = {
        "collection": "spring",
        "top_k": 7,
        "max_distance": 0.5,
        "categories": ["dress", "skirt"],
        "alternatives": "true",
        "category": ["dress", "bag"],
        "gender": ["female", "unisex"],
        "price_min": 500,
        "price_max": 1500,
        "in_stock": "true",
    }
    await shop.post("/v1/search", params=options, content=picture(), headers=JPEG)  # type: ignore[arg-type]

    request: SearchRequest = gateway.requests[-1]
    assert (request.collection, request.top_k, request.max_distance) == ("spring", 7, 0.5)
    assert list(request.categories) == ["dress", "skirt"]
    assert request.include_alternatives
    assert request.filter == Filter(
        all_of=[
            Condition(field="category", any_of=Values(values=["dress", "bag"])),
            Condition(field="gender", any_of=Values(values=["female", "unisex"])),
            Condition(field="effective_price", range=Range(min=500, max=1500)),
            Condition(field="in_stock", any_of=Values(values=["true"])),
        ]
    )


async def test_a_whole_photo_has_no_garment(shop: httpx.AsyncClient) -> None:
    response = await shop.post("/v1/search", params={"whole_image": "true"}, content=picture(), headers=JPEG)
    (found,) = response.json()["results"]
    assert found["garment"] is None
    assert found["matches"]


async def test_settings_say_what_holds_where_a_request_does_not(open_shop: Open, gateway: FakeGateway) -> None:
    shop = await open_shop(collection="spring", top_k=4, max_distance=0.75)
    await shop.post("/v1/search", content=picture(), headers=JPEG)
    request: SearchRequest = gateway.requests[-1]
    assert (request.collection, request.top_k, request.max_distance) == ("spring", 4, 0.75)


async def test_the_key_for_the_gateway_is_sent(open_shop: Open, gateway: FakeGateway) -> None:
    shop = await open_shop(api_key="a secret")
    await shop.post("/v1/search", content=picture(), headers=JPEG)
    assert gateway.metadata[-1]["x-api-key"] == "a secret"


@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [
        ({"content": picture(), "headers": {"content-type": "image/gif"}}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"content": picture()}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"content": b"", "headers": JPEG}, 422, "NO_PHOTO"),
        ({"files": {"picture": ("a.jpg", picture(), "image/jpeg")}}, 422, "NO_PHOTO"),
        ({"files": {"photo": ("a.jpg", b"", "image/jpeg")}}, 422, "NO_PHOTO"),
        ({"content": b"nonsense", "headers": {"content-type": "multipart/form-data"}}, 400, "BAD_REQUEST"),
    ],
)
async def test_what_is_no_photo_is_refused_before_the_gateway_is_asked(
    shop: httpx.AsyncClient, gateway: FakeGateway, sent: dict[str, object], status: int, reason: str
) -> None:
    response = await shop.post("/v1/search", **sent)  # type: ignore[arg-type]
    assert (response.status_code, response.json()["reason"]) == (status, reason)
    assert not gateway.requests


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"top_k": 0}, "top_k"),
        ({"top_k": 101}, "top_k"),
        ({"collection": "no such name"}, "collection"),
        ({"gender": "child"}, "gender.0"),
        ({"price_min": -1}, "price_min"),
        ({"price_max": "nan"}, "price_max"),
        ({"price_min": 9, "price_max": 1}, "price_min"),
        ({"max_distance": 3}, "max_distance"),
        ({"in_stock": "perhaps"}, "in_stock"),
    ],
)
async def test_a_parameter_that_cannot_be_used_is_named(
    shop: httpx.AsyncClient, options: dict[str, str], field: str
) -> None:
    response = await shop.post("/v1/search", params=options, content=picture(), headers=JPEG)
    assert (response.status_code, response.json()["field"]) == (422, field)
