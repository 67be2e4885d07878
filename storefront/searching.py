"""``POST /v1/search``: a photo in, the items most like each garment in it out."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from clothing_retrieval import AsyncClient
from clothing_retrieval.v1.types_pb2 import Filter
from storefront.answers import SearchAnswer, search_answer
from storefront.filters import item_filter
from storefront.parameters import CollectionName, Distance, TopK
from storefront.photo import BODY, read_photo
from storefront.settings import Settings


def router(settings: Settings, client: AsyncClient) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["search"])

    @routes.post("/search", operation_id="search", openapi_extra=BODY)
    async def search(
        request: Request,
        filter: Annotated[Filter | None, Depends(item_filter)],
        collection: CollectionName = settings.collection,
        top_k: TopK = settings.top_k,
        max_distance: Distance = settings.max_distance,
        categories: Annotated[
            list[str], Query(max_length=32, description="Search only for garments of these categories. None: for all.")
        ] = [],  # noqa: B006 - FastAPI copies it
        whole_image: Annotated[
            bool, Query(description="Take the photo as it is, without looking for garments.")
        ] = False,
        alternatives: Annotated[bool, Query(description="Search also for what else the model could see.")] = False,
    ) -> SearchAnswer:
        """The items most like each garment in a photo, the largest garment first."""
        found = await client.search(
            await read_photo(request),
            collection=collection,
            top_k=top_k,
            categories=categories,
            filter=filter,
            max_distance=max_distance,
            whole_image=whole_image,
            include_masks=True,
            include_alternatives=alternatives,
        )
        return await asyncio.to_thread(search_answer, found, collection)

    return routes
