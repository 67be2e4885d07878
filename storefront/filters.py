"""Which items a request wants, from its parameters."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import Query

from clothing_retrieval.v1.types_pb2 import Condition, Filter, Range, Values
from storefront.problems import Refusal

Gender = Literal["female", "male", "unisex"]
Price = Annotated[float | None, Query(ge=0, le=1e12, allow_inf_nan=False)]


def item_filter(
    category: Annotated[list[str], Query(max_length=64, description="Only items of these categories.")] = [],  # noqa: B006 - FastAPI copies it
    gender: Annotated[list[Gender], Query(max_length=3, description="Only items for these.")] = [],  # noqa: B006
    price_min: Annotated[Price, Query(description="Only items that cost at least this; a sale's price counts.")] = None,
    price_max: Annotated[Price, Query(description="Only items that cost at most this; a sale's price counts.")] = None,
    in_stock: Annotated[
        bool | None, Query(description="Only items that are in stock, or only those that are not.")
    ] = None,
) -> Filter | None:
    """None: all items. Raises Refusal where no price can be in the range."""
    if price_min is not None and price_max is not None and price_min > price_max:
        raise Refusal(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "INVALID_FIELD",
            f"price_min: {price_min:g} is more than price_max, {price_max:g}",
            field="price_min",
        )
    conditions = []
    if category:
        conditions.append(Condition(field="category", any_of=Values(values=category)))
    if gender:
        conditions.append(Condition(field="gender", any_of=Values(values=gender)))
    if price_min is not None or price_max is not None:
        conditions.append(Condition(field="effective_price", range=Range(min=price_min, max=price_max)))
    if in_stock is not None:
        conditions.append(Condition(field="in_stock", any_of=Values(values=[str(in_stock).lower()])))
    return Filter(all_of=conditions) if conditions else None
