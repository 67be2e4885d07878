"""``POST /get_rec_product``, as the original project had it, for callers that were written for that.

It names a photo by its path on this machine, so it is offered only where a folder is set, and only for files in it.
"""

import asyncio
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path, PurePosixPath

from fastapi import APIRouter
from pydantic import BaseModel, Field

from clothing_retrieval import AsyncClient
from clothing_retrieval.v1.types_pb2 import Item
from storefront.answers import web_address
from storefront.problems import Refusal
from storefront.settings import Settings

_TOP_K = 5
_NO_LINKS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class PhotoPath(BaseModel):
    img_path: str = Field(min_length=1, max_length=1024, description="Of a photo in the folder that is configured.")


class Product(BaseModel):
    title: str
    price: float | None
    special_price: float | None
    img_url: str
    url: str


class Products(BaseModel):
    rusult: list[Product] = Field(description="The five items most like the largest garment. Spelt as in the original.")


def router(settings: Settings, client: AsyncClient, folder: Path) -> APIRouter:
    routes = APIRouter(tags=["compatibility"])

    @routes.post("/get_rec_product", operation_id="getRecProduct")
    async def get_rec_product(body: PhotoPath) -> Products:
        """The original project's contract: the five items most like the largest garment of a photo on this machine."""
        photo = await asyncio.to_thread(read_inside, folder, body.img_path, settings.max_photo_bytes)
        found = await client.search(
            photo, collection=settings.collection, top_k=_TOP_K, max_distance=settings.max_distance
        )
        nearest = found.results[0].matches if found.results else []
        return Products(rusult=[_product(match.item) for match in nearest])

    return routes


def read_inside(folder: Path, name: str, max_bytes: int) -> bytes:
    """The file's bytes. ``name`` is relative to the folder, or the folder's own path and what is below it.

    Raises Refusal for whatever lies elsewhere, is reached over a link or "..", is no file, or too large.
    """
    parts = _parts_inside(folder, name)
    try:
        with _opened(folder, parts) as file:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                raise _no_such_photo(name)
            with os.fdopen(os.dup(file), "rb") as reader:
                photo = reader.read(max_bytes + 1)
    except OSError:
        raise _no_such_photo(name) from None
    if len(photo) > max_bytes:
        raise Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "IMAGE_TOO_LARGE",
            f"{name} has more than {max_bytes} bytes.",
            field="img_path",
        )
    return photo


def _parts_inside(folder: Path, name: str) -> tuple[str, ...]:
    path = PurePosixPath(name)
    if path.is_absolute():
        if not path.is_relative_to(folder):
            raise _outside(name)
        path = path.relative_to(folder)
    if not path.parts or ".." in path.parts or "\0" in name:
        raise _outside(name)
    return path.parts


@contextmanager
def _opened(folder: Path, parts: tuple[str, ...]) -> Iterator[int]:
    """Goes down one folder after the other, following no link: what is checked is what is opened."""
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for number, part in enumerate(parts, start=1):
            kind = os.O_DIRECTORY if number < len(parts) else 0
            below = os.open(part, _NO_LINKS | kind, dir_fd=at)
            os.close(at)
            at = below
        yield at
    finally:
        os.close(at)


def _product(item: Item) -> Product:
    return Product(
        title=item.title,
        price=item.price if item.HasField("price") else None,
        special_price=item.sale_price if item.HasField("sale_price") else None,
        img_url=web_address(item.image_url) or "",
        url=web_address(item.url) or "",
    )


def _outside(name: str) -> Refusal:
    return Refusal(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "OUTSIDE_FOLDER",
        f"img_path: {name!r} is not in the folder of this route",
        field="img_path",
    )


def _no_such_photo(name: str) -> Refusal:
    return Refusal(HTTPStatus.NOT_FOUND, "PHOTO_NOT_FOUND", f"There is no file {name!r}.", field="img_path")
