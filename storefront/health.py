"""``/healthz``: this process answers. ``/readyz``: a search would succeed."""

from fastapi import APIRouter

from clothing_retrieval import AsyncClient
from storefront.answers import Health

_READY_S = 1.0


def router(client: AsyncClient) -> APIRouter:
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz", operation_id="isAlive")
    async def alive() -> Health:
        """Whether the storefront answers, whatever the gateway does."""
        return Health(status="ok")

    @routes.get("/readyz", operation_id="isReady")
    async def ready() -> Health:
        """Whether a search would succeed."""
        await client.wait_ready(_READY_S)
        return Health(status="ok")

    return routes
