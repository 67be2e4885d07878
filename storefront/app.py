"""The storefront as one ASGI application."""

from collections.abc import Sequence
from importlib import metadata

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from clothing_retrieval import AsyncClient
from storefront import catalogue, compatible, health, openapi, page, problems, searching
from storefront.body import BodyLimit
from storefront.headers import SecurityHeaders
from storefront.rate_limit import RateLimit
from storefront.settings import Settings

_DESCRIPTION = """
The items of a shop that are most like the clothing in a photo. Errors are RFC 9457 problem details
(`application/problem+json`): `reason` is for programs, `detail` for people.
"""
_FORM_BYTES = 64 * 2**10
"""What a form adds to its photo, at most."""
_COMPRESSED_BYTES = 1024


def create_app(settings: Settings, client: AsyncClient, further: Sequence[APIRouter] = ()) -> FastAPI:
    """``client`` stays the caller's, to be closed when the app has stopped. ``further``: what else it serves."""
    app = FastAPI(
        title="Clothing retrieval: storefront",
        version=metadata.version("clothing-retrieval"),
        description=_DESCRIPTION.strip(),
        docs_url=None,  # these load scripts from other sites
        redoc_url=None,
    )
    app.include_router(searching.router(settings, client))
    app.include_router(catalogue.router(settings, client))
    app.include_router(health.router(client))
    if settings.compatible_folder:
        app.include_router(compatible.router(settings, client, settings.compatible_folder))
    for router in further:
        app.include_router(router)
    page.add_to(app, settings)
    problems.add_to(app)
    openapi.add_to(app)
    _add_middleware(app, settings)
    return app


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """The last is the outermost: who asks is known first, and whatever is answered gets the headers."""
    app.add_middleware(GZipMiddleware, minimum_size=_COMPRESSED_BYTES)
    app.add_middleware(BodyLimit, max_bytes=settings.max_photo_bytes + _FORM_BYTES, timeout_s=settings.upload_timeout_s)
    app.add_middleware(
        RateLimit,
        searches_per_minute=settings.searches_per_minute,
        requests_per_minute=settings.requests_per_minute,
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type"],
            expose_headers=["Retry-After"],
        )
    app.add_middleware(SecurityHeaders)
    if settings.proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.proxies))
