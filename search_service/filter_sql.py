"""Filters as SQL on the table ``items``. Values only ever travel as parameters."""

from search_service.filters import Filter, OneOf, Part, Range

_EXPRESSIONS = {"effective_price": "coalesce(sale_price, price)"}
"""Fields that are no column of their own."""

Parameters = tuple[str | float, ...]


def within(filter: Filter, collection: int) -> tuple[str, Parameters]:
    """The condition and its parameters, for the items of one collection."""
    # "+" keeps SQLite from walking through the whole collection where an attribute leads to a few items.
    column = "+collection" if filter.has_attributes else "collection"
    conditions: list[str] = [f"{column} = ?"]
    parameters: list[str | float] = [collection]
    for part in filter.parts:
        condition, values = _sql(part)
        conditions.append(condition)
        parameters += values
    return " AND ".join(conditions), tuple(parameters)


def _sql(part: Part) -> tuple[str, Parameters]:
    if part.attribute is None:
        return _test(_EXPRESSIONS.get(part.field, part.field), part.test)
    condition, values = _test("value" if isinstance(part.test, OneOf) else "number", part.test)
    return f"key IN (SELECT item FROM attributes WHERE name = ? AND {condition})", (part.attribute, *values)


def _test(column: str, test: OneOf | Range) -> tuple[str, Parameters]:
    if isinstance(test, OneOf):
        return f"{column} IN ({', '.join('?' * len(test.values))})", test.values
    ends = [(test.min, ">="), (test.max, "<=")]
    tests = [f"{column} IS NOT NULL", *(f"{column} {operator} ?" for end, operator in ends if end is not None)]
    return f"({' AND '.join(tests)})", tuple(end for end, _ in ends if end is not None)
