"""What the API answers, and how it is made of what the gateway answers."""

from collections.abc import Iterable
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from clothing_retrieval.page.contour import outline
from clothing_retrieval.v1 import catalog_service_pb2 as catalog
from clothing_retrieval.v1 import retrieval_service_pb2 as retrieval
from clothing_retrieval.v1 import types_pb2 as types

Share = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Share, Share]

_ITEM: dict[str, JsonValue] = {
    "id": "dress-0002",
    "title": "Ombré shift dress, two-tone, sky blue and tan",
    "url": "https://boutique.example/items/dress-0002",
    "picture_url": "/v1/items/dress-0002/picture?collection=boutique",
    "image_url": None,
    "category": "dress",
    "gender": "female",
    "currency": "TWD",
    "price": 1530.0,
    "sale_price": None,
    "in_stock": True,
    "attributes": {"color": "sky blue, tan", "pattern": "ombre"},
}
_MATCH: dict[str, JsonValue] = {"item": _ITEM, "distance": 0.412}


def _example(value: dict[str, JsonValue]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": value})


class Item(BaseModel):
    """One product. What the catalogue does not know is null."""

    model_config = _example(_ITEM)

    id: str
    title: str | None
    url: str | None = Field(description="The product's page.")
    picture_url: str = Field(description="A small JPEG, served here: a path to be resolved against this address.")
    image_url: str | None = Field(description="The catalogue's own picture, served elsewhere.")
    category: str | None
    gender: str | None = Field(description="female, male or unisex.")
    currency: str | None = Field(description="ISO 4217.")
    price: float | None
    sale_price: float | None
    in_stock: bool | None
    attributes: dict[str, str]


class Match(BaseModel):
    model_config = _example(_MATCH)

    item: Item
    distance: float = Field(description="In [0, 2]; smaller is more alike.")


class Box(BaseModel):
    """In pixels of the upright photo, from its top left."""

    x: int
    y: int
    width: int
    height: int


class Outline(BaseModel):
    """In shares of the upright photo's width and height, from its top left: it fits a photo shown at any size."""

    polygons: list[list[Point]] = Field(description="A point is in the garment where it is in an odd number of these.")
    center: Point = Field(description="A point amid the garment.")


class Garment(BaseModel):
    """A piece of clothing in the photo."""

    category: str
    confidence: Share
    area: Share = Field(description="Of the photo.")
    box: Box
    outline: Outline | None = Field(description="null for a garment too small to have one.")
    alternative: bool = Field(description="What a garment before it might be instead; it lies inside that one.")


class Found(BaseModel):
    garment: Garment | None = Field(description="null: the photo as a whole.")
    matches: list[Match] = Field(description="Nearest first; none where nothing similar was found.")


class SearchAnswer(BaseModel):
    """One result for each garment, largest first; or a single one for the photo as a whole."""

    model_config = _example(
        {
            "collection": "boutique",
            "results": [
                {
                    "garment": {
                        "category": "dress",
                        "confidence": 0.93,
                        "area": 0.31,
                        "box": {"x": 212, "y": 160, "width": 420, "height": 880},
                        "outline": {"polygons": [[[0.31, 0.14], [0.72, 0.14], [0.78, 0.91]]], "center": [0.52, 0.55]},
                        "alternative": False,
                    },
                    "matches": [_MATCH],
                }
            ],
        }
    )

    collection: str
    results: list[Found]


class Matches(BaseModel):
    collection: str
    matches: list[Match]


class ItemsPage(BaseModel):
    collection: str
    items: list[Item] = Field(description="In the order of their ids.")
    next_page_token: str | None = Field(description="For page_token; null on the last page.")


class Collection(BaseModel):
    model_config = _example(
        {
            "name": "boutique",
            "aliases": ["live"],
            "items": 600,
            "items_by_category": {"dress": 60, "top": 120},
        }
    )

    name: str
    aliases: list[str]
    items: int
    items_by_category: dict[str, int]


class Collections(BaseModel):
    collections: list[Collection]


class Health(BaseModel):
    status: Literal["ok"]


def item(message: types.Item, collection: str) -> Item:
    return Item(
        id=message.id,
        title=message.title or None,
        url=web_address(message.url),
        picture_url=picture_path(message.id, collection),
        image_url=web_address(message.image_url),
        category=message.category or None,
        gender=message.gender or None,
        currency=message.currency or None,
        price=message.price if message.HasField("price") else None,
        sale_price=message.sale_price if message.HasField("sale_price") else None,
        in_stock=message.in_stock if message.HasField("in_stock") else None,
        attributes=dict(sorted(message.attributes.items())),
    )


def picture_path(item_id: str, collection: str) -> str:
    return f"/v1/items/{quote(item_id, safe='')}/picture?collection={quote(collection, safe='')}"


def web_address(url: str) -> str | None:
    """None where there is none, or one that a page must not link to ("javascript:")."""
    return url if url.lower().startswith(("https://", "http://")) else None


def matches(messages: Iterable[types.Match], collection: str) -> list[Match]:
    return [Match(item=item(message.item, collection), distance=round(message.distance, 4)) for message in messages]


def search_answer(message: retrieval.SearchResponse, collection: str) -> SearchAnswer:
    """Takes some milliseconds for each garment: its outline is drawn."""
    return SearchAnswer(
        collection=collection,
        results=[
            Found(garment=garment(found.garment), matches=matches(found.matches, collection))
            for found in message.results
        ],
    )


def garment(message: types.Garment) -> Garment | None:
    if not message.category:
        return None
    box = message.box
    return Garment(
        category=message.category,
        confidence=_share(message.confidence),
        area=_share(message.area),
        box=Box(x=box.x, y=box.y, width=box.width, height=box.height),
        outline=_outline(message.mask_png) if message.mask_png else None,
        alternative=message.alternative,
    )


def collection(message: catalog.Collection) -> Collection:
    return Collection(
        name=message.name,
        aliases=list(message.aliases),
        items=message.item_count,
        items_by_category=dict(sorted(message.items_by_category.items())),
    )


def _outline(mask_png: bytes) -> Outline | None:
    if (drawn := outline(mask_png)) is None:
        return None
    polygons = [[_point(x, y) for x, y in polygon] for polygon in drawn.polygons]
    return Outline(polygons=polygons, center=_point(drawn.x, drawn.y))


def _point(x: float, y: float) -> Point:
    """Of a box of 1000 × 1000."""
    return _share(x / 1000), _share(y / 1000)


def _share(value: float) -> float:
    return min(1.0, max(0.0, round(float(value), 4)))
