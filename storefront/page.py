"""The shop's page and the description of the API, as files; no build step."""

from html import escape
from pathlib import Path
from string import Template

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, HTMLResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from storefront.settings import Settings

STATIC = Path(__file__).parent / "static"


class _Files(StaticFiles):
    """A browser asks each time whether a file is still the one it has: a new release shows at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def add_to(app: FastAPI, settings: Settings) -> None:
    routes = APIRouter(include_in_schema=False)
    page = Template((STATIC / "index.html").read_text(encoding="utf-8")).substitute(
        name=escape(settings.name),
        collection=escape(settings.collection),
        max_photo_bytes=settings.max_photo_bytes,
    )

    @routes.api_route("/", methods=["GET", "HEAD"])
    async def index() -> HTMLResponse:
        return HTMLResponse(page, headers={"Cache-Control": "no-cache"})

    @routes.get("/docs")
    async def docs() -> FileResponse:
        return FileResponse(STATIC / "docs.html", headers={"Cache-Control": "no-cache"})

    app.include_router(routes)
    app.mount("/static", _Files(directory=STATIC))
