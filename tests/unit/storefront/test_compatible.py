import os
from pathlib import Path

import httpx
import pytest

from clothing_retrieval.v1.retrieval_service_pb2 import SearchRequest
from tests.fake_gateway import FakeGateway, picture
from tests.unit.storefront.conftest import Open


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a photo and every trick; what must not be read lies beside it."""
    folder = tmp_path / "photos"
    (folder / "day").mkdir(parents=True)
    (folder / "day" / "street.jpg").write_bytes(picture("teal"))
    (tmp_path / "secret.jpg").write_bytes(picture("black"))
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "inside.jpg").symlink_to(folder / "day" / "street.jpg")
    (folder / "away").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.jpg")
    (tmp_path / "photos-of-others").mkdir()
    (tmp_path / "photos-of-others" / "a.jpg").write_bytes(picture())
    return folder


@pytest.fixture
async def shop(open_shop: Open, folder: Path) -> httpx.AsyncClient:
    opened: httpx.AsyncClient = await open_shop(compatible_folder=folder)
    return opened


async def ask(shop: httpx.AsyncClient, path: str) -> httpx.Response:
    return await shop.post("/get_rec_product", json={"img_path": path})


async def test_the_originals_contract_is_kept_to_the_letter(
    shop: httpx.AsyncClient, folder: Path, gateway: FakeGateway
) -> None:
    answer = await ask(shop, "day/street.jpg")
    products = answer.json()["rusult"]
    assert len(products) == 5
    assert products[3] == {
        "title": "Piece 3",
        "price": 1030.0,
        "special_price": 530.0,
        "img_url": "",
        "url": "https://boutique.example/items/3",
    }
    request: SearchRequest = gateway.requests[-1]
    assert request.image.encoded == picture("teal")


async def test_the_folders_own_path_may_stand_before_it(shop: httpx.AsyncClient, folder: Path) -> None:
    assert (await ask(shop, str(folder / "day" / "street.jpg"))).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "../secret.jpg",
        "day/../../secret.jpg",
        "day/../day/street.jpg",
        "{folder}/../secret.jpg",
        "{folder}-of-others/a.jpg",
        "/etc/passwd",
        "//etc/passwd",
        "{folder}",
        ".",
        "day/street.jpg\0.png",
    ],
)
async def test_a_path_that_leads_out_is_refused(
    shop: httpx.AsyncClient, folder: Path, gateway: FakeGateway, path: str
) -> None:
    answer = await ask(shop, path.format(folder=folder))
    assert (answer.status_code, answer.json()["reason"]) == (422, "OUTSIDE_FOLDER")
    assert not gateway.requests


@pytest.mark.parametrize(
    "path", ["link.jpg", "inside.jpg", "away/secret.jpg", "pipe.jpg", "day", "none.jpg", "x" * 300]
)
async def test_a_link_or_what_is_no_file_is_as_if_it_were_not_there(
    shop: httpx.AsyncClient, gateway: FakeGateway, path: str
) -> None:
    answer = await ask(shop, path)
    assert (answer.status_code, answer.json()["reason"]) == (404, "PHOTO_NOT_FOUND")
    assert not gateway.requests


async def test_a_large_file_is_refused(open_shop: Open, folder: Path, gateway: FakeGateway) -> None:
    (folder / "large.jpg").write_bytes(bytes(2000))
    shop = await open_shop(compatible_folder=folder, max_photo_bytes=1999)
    assert (await ask(shop, "large.jpg")).status_code == 413
    assert not gateway.requests


async def test_it_is_not_offered_unless_asked_for(open_shop: Open) -> None:
    assert (await ask(await open_shop(), "day/street.jpg")).status_code == 404
