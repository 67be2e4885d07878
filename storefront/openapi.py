"""The description of the API, with the errors that every route may answer."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from storefront.problems import MEDIA_TYPE, Problem

_EVERYWHERE = {
    "404": "There is no such collection, item or picture.",
    "422": "A parameter cannot be used; `field` says which.",
    "429": "Too many requests from one address; `Retry-After` says when to come again.",
    "500": "A bug in the storefront.",
    "502": "The gateway answers what it should not.",
    "503": "The gateway, or a service behind it, is away or has too much to do; `Retry-After` says when to come again.",
    "504": "The gateway did not answer in time.",
}
_WITH_BODY = {
    "400": "The body is no form.",
    "408": "The body did not arrive in time.",
    "409": "The collection holds vectors of another model.",
    "413": "The body is too large.",
    "415": "The body is of a kind that is not taken.",
}
_OF_HEALTH = {"503": "A search would not succeed.", "500": "A bug in the storefront."}


def add_to(app: FastAPI) -> None:
    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            _tell_problems(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]  # as FastAPI's documentation has it


def _tell_problems(schema: dict[str, Any]) -> None:
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            told = _EVERYWHERE if path.startswith(("/v1", "/get_rec")) else _OF_HEALTH
            told = {**told, **_WITH_BODY} if method == "post" else told
            responses = operation["responses"]
            for status, description in sorted(told.items()):
                responses[status] = {
                    "description": description,
                    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
