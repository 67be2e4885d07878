"""How items lie in a Milvus collection: a row for each view.

Milvus has no transactions, so one row decides: the head, which is the first view and bears the item itself and a
generation. To replace an item is to write a new head, with other rows of the same generation beside it, in one request.
A row of another generation than its item's head does not count, whether it is deleted a moment later or was left
behind by a process that died in between.
"""

import base64
import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from search_service.filters import number
from search_service.milvus.expressions import attribute_key
from search_service.records import Record
from serving.errors import InvalidField

TEXT_BYTES = 65_535
"""The most that a VARCHAR of Milvus holds."""

_JSON_BYTES = 65_536
"""The most that a JSON column of Milvus holds."""

HEADS = 'pk < "1"'
"""Met by heads alone."""

HEAD_FIELDS = ("item", "generation", "views", "message", "fingerprint", "picture")
VIEW_FIELDS = ("item", "generation", "ordinal")
_NONE = -1.0


@dataclass(frozen=True)
class Head:
    item: str
    generation: str
    views: int
    message: bytes
    fingerprint: str
    picture: str  # SHA-256 of the JPEG; empty where there is none

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Head":
        values = {name: row[name] for name in HEAD_FIELDS}
        return cls(**{**values, "message": base64.b64decode(row["message"])})

    def others(self) -> list[str]:
        """Primary keys of the item's other rows."""
        return [_other_key(self.generation, place) for place in range(1, self.views)]


def head_key(item_id: str) -> str:
    """Primary keys of heads are ordered as the items' ids are."""
    return f"0{item_id}"


def picture_digest(jpeg: bytes) -> str:
    return hashlib.sha256(jpeg).hexdigest() if jpeg else ""


def rows(record: Record, path: str) -> list[dict[str, Any]]:
    """Of a new generation; the head first. Raises InvalidField, below ``path``."""
    generation = uuid.uuid4().hex
    fields = record.fields
    attributes = {attribute_key(name): _attribute(value) for name, value in record.attributes.items()}
    if (size := len(json.dumps(attributes, ensure_ascii=False).encode())) > _JSON_BYTES:
        raise InvalidField(
            f"{path}.item.attributes", f"take {size} bytes in Milvus, must take at most {_JSON_BYTES}: send fewer"
        )
    price = _NONE if fields.price is None else fields.price
    shared = {
        "item": record.id,
        "generation": generation,
        "category": fields.category,
        "gender": fields.gender,
        "currency": fields.currency,
        "price": price,
        "sale_price": _NONE if fields.sale_price is None else fields.sale_price,
        "effective_price": price if fields.sale_price is None else fields.sale_price,
        "in_stock": -1 if fields.in_stock is None else int(fields.in_stock),
        "attributes": attributes,
    }
    views = list(zip(record.view_ordinals, record.view_categories, record.vectors, strict=True))
    return [
        {
            **shared,
            "pk": head_key(record.id) if place == 0 else _other_key(generation, place),
            "views": len(views),
            "ordinal": ordinal,
            "view_category": category,
            "vector": vector,
            "message": base64.b64encode(record.message).decode() if place == 0 else "",
            "fingerprint": record.fingerprint if place == 0 else "",
            "picture": picture_digest(record.picture) if place == 0 else "",
        }
        for place, (ordinal, category, vector) in enumerate(views)
    ]


def add_fields(schema: Any, types: Any, dimension: int) -> None:
    """Adds the columns to a pymilvus schema; ``types`` is pymilvus.DataType."""
    schema.add_field("pk", types.VARCHAR, is_primary=True, max_length=TEXT_BYTES)
    for name in _TEXT_COLUMNS:
        schema.add_field(name, types.VARCHAR, max_length=TEXT_BYTES)
    for name in ("price", "sale_price", "effective_price"):
        schema.add_field(name, types.DOUBLE)
    for name in ("in_stock", "ordinal", "views"):
        schema.add_field(name, types.INT64)
    schema.add_field("attributes", types.JSON)
    schema.add_field("vector", types.FLOAT_VECTOR, dim=dimension)


_TEXT_COLUMNS: Sequence[str] = (
    "item",
    "generation",
    "category",
    "gender",
    "currency",
    "view_category",
    "message",
    "fingerprint",
    "picture",
)


def _other_key(generation: str, place: int) -> str:
    return f"1{generation}{place:02d}"


def _attribute(value: str) -> dict[str, str | float]:
    parsed = number(value)
    return {"text": value} if parsed is None else {"text": value, "number": parsed}
