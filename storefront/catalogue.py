"""``/v1/items`` and ``/v1/collections``: what the shop has."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from clothing_retrieval import AsyncClient
from clothing_retrieval.v1.types_pb2 import Filter
from storefront import answers
from storefront.answers import Collections, Item, ItemsPage, Matches
from storefront.filters import item_filter
from storefront.parameters import CollectionName, Distance, ItemId, TopK
from storefront.settings import Settings

_PICTURE_AGE_S = 3600


def router(settings: Settings, client: AsyncClient) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["catalogue"])

    @routes.get("/collections", operation_id="listCollections")
    async def collections() -> Collections:
        """The collections, their aliases, and how many items of each category they have."""
        return Collections(collections=[answers.collection(one) for one in await client.list_collections()])

    @routes.get("/items", operation_id="listItems")
    async def items(
        filter: Annotated[Filter | None, Depends(item_filter)],
        collection: CollectionName = settings.collection,
        page_size: Annotated[int, Query(ge=1, le=1000)] = 100,
        page_token: Annotated[
            str, Query(max_length=1024, description="`next_page_token` of the page before. Empty: the first page.")
        ] = "",
    ) -> ItemsPage:
        """The items that the filters keep, a page at a time."""
        page = await client.items_page(collection=collection, filter=filter, page_size=page_size, page_token=page_token)
        return ItemsPage(
            collection=collection,
            items=[answers.item(one, collection) for one in page.items],
            next_page_token=page.next_page_token or None,
        )

    # An id may hold slashes; "/similar" and "/picture" at its end are taken for the routes.
    @routes.get("/items/{id:path}/similar", operation_id="findSimilarItems", tags=["search"])
    async def similar(
        id: ItemId,
        filter: Annotated[Filter | None, Depends(item_filter)],
        collection: CollectionName = settings.collection,
        top_k: TopK = settings.top_k,
        max_distance: Distance = settings.max_distance,
    ) -> Matches:
        """The items most like one that the catalogue has; that one is left out."""
        found = await client.search_by_item(
            id, collection=collection, top_k=top_k, filter=filter, max_distance=max_distance
        )
        return Matches(collection=collection, matches=answers.matches(found.matches, collection))

    @routes.get(
        "/items/{id:path}/picture",
        operation_id="getPicture",
        response_class=Response,
        responses={
            200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
            304: {"description": "The picture is still the one of If-None-Match."},
        },
    )
    async def picture(id: ItemId, request: Request, collection: CollectionName = settings.collection) -> Response:
        """The small JPEG that was stored with an item."""
        jpeg = await client.get_picture(id, collection=collection)
        tag = f'"{hashlib.sha256(jpeg).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": f"public, max-age={_PICTURE_AGE_S}"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(jpeg, media_type="image/jpeg", headers=headers)

    @routes.get("/items/{id:path}", operation_id="getItem")
    async def one_item(id: ItemId, collection: CollectionName = settings.collection) -> Item:
        """One item."""
        return answers.item(await client.get_item(id, collection=collection), collection)

    return routes
