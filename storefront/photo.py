"""The photo of a request: its body, or the part ``photo`` of a form."""

from http import HTTPStatus
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile

from storefront.problems import Refusal

PICTURES = ("image/jpeg", "image/png", "image/webp")
FORM = "multipart/form-data"
RAW = (*PICTURES, "application/octet-stream")

_BYTES = {"schema": {"type": "string", "format": "binary", "minLength": 1}}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A JPEG, PNG or WebP file, as it is or as the part `photo` of a form.",
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["photo"],
                    "properties": {"photo": _BYTES["schema"]},
                },
                "encoding": {"photo": {"contentType": ", ".join(PICTURES)}},
            },
            **dict.fromkeys(RAW, _BYTES),
        },
    }
}
"""For the API's description."""


async def read_photo(request: Request) -> bytes:
    """Raises Refusal where there is none. What is in it is not looked at."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == FORM:
        photo = await _from_form(request)
    elif kind in RAW:
        photo = await request.body()
    else:
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            f"Send the photo as {FORM}, in the part `photo`, or by itself as one of: {', '.join(RAW)}.",
            field="photo",
        )
    if not photo:
        raise _missing("The photo is empty.")
    return photo


async def _from_form(request: Request) -> bytes:
    async with request.form(max_files=8) as form:
        part = form.get("photo")
        if not isinstance(part, UploadFile):
            raise _missing("The form has no file in its part `photo`.")
        return await part.read()


def _missing(detail: str) -> Refusal:
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "NO_PHOTO", detail, field="photo")
