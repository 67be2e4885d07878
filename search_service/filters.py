"""Filters as SQL. Values only ever travel as parameters."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from serving.errors import InvalidField

MAX_CONDITIONS = 32
MAX_VALUES = 256
_TEXTS = ("category", "gender", "currency")
_NUMBERS = {
    "price": "price",
    "sale_price": "sale_price",
    "effective_price": "coalesce(sale_price, price)",
}
"""What each is in SQL."""
_ATTRIBUTE = "attributes."
_KNOWN = ", ".join((*_TEXTS, *_NUMBERS, "in_stock", f"{_ATTRIBUTE}<key>"))


@dataclass(frozen=True)
class AnyOf:
    values: Sequence[str]


@dataclass(frozen=True)
class Range:
    """Both ends belong to it; None is open."""

    min: float | None
    max: float | None


@dataclass(frozen=True)
class Condition:
    field: str
    test: AnyOf | Range | None


@dataclass(frozen=True)
class Filter:
    """``sql`` is a condition on the table ``items``; empty where everything is kept."""

    sql: str = ""
    parameters: tuple[str | float, ...] = ()
    by_attribute: bool = False

    def __bool__(self) -> bool:
        return bool(self.sql)

    def within(self, collection: int) -> tuple[str, tuple[str | float, ...]]:
        """The condition and its parameters, for the items of one collection."""
        # "+" keeps SQLite from walking through the whole collection where an attribute leads to a few items.
        column = "+collection" if self.by_attribute else "collection"
        return f"{column} = ?{' AND ' if self.sql else ''}{self.sql}", (collection, *self.parameters)


def compile_filter(conditions: Sequence[Condition], path: str = "filter") -> Filter:
    """Raises InvalidField, naming the part below ``path`` that cannot be used."""
    if len(conditions) > MAX_CONDITIONS:
        raise InvalidField(f"{path}.all_of", f"{len(conditions)} conditions, at most {MAX_CONDITIONS}")
    parts = [_compile(condition, f"{path}.all_of[{i}]") for i, condition in enumerate(conditions)]
    return Filter(
        " AND ".join(part.sql for part in parts),
        tuple(p for part in parts for p in part.parameters),
        any(part.by_attribute for part in parts),
    )


def _compile(condition: Condition, path: str) -> Filter:
    field, test = condition.field, _checked_test(condition.test, path)
    if field in _TEXTS and isinstance(test, AnyOf):
        return _one_of(field, tuple(test.values))
    if field in _NUMBERS:
        if isinstance(test, Range):
            return _between(_NUMBERS[field], test)
        values = f"{path}.any_of.values"
        return _one_of(_NUMBERS[field], tuple(_number(v, f"{values}[{i}]") for i, v in enumerate(test.values)))
    if field == "in_stock" and isinstance(test, AnyOf):
        values = f"{path}.any_of.values"
        return _one_of(field, tuple(_truth(v, f"{values}[{i}]") for i, v in enumerate(test.values)))
    if field.startswith(_ATTRIBUTE) and len(field) > len(_ATTRIBUTE):
        inner = _one_of("value", tuple(test.values)) if isinstance(test, AnyOf) else _between("number", test)
        sql = f"key IN (SELECT item FROM attributes WHERE name = ? AND {inner.sql})"
        return Filter(sql, (field.removeprefix(_ATTRIBUTE), *inner.parameters), by_attribute=True)
    if field in _TEXTS or field == "in_stock":
        raise InvalidField(f"{path}.range", f"{field} is no number: use any_of")
    raise InvalidField(f"{path}.field", f"{field!r} is unknown: known are {_KNOWN}")


def _checked_test(test: AnyOf | Range | None, path: str) -> AnyOf | Range:
    if test is None:
        raise InvalidField(path, "needs any_of or range")
    if isinstance(test, AnyOf):
        if not 1 <= len(test.values) <= MAX_VALUES:
            raise InvalidField(f"{path}.any_of.values", f"{len(test.values)} values, must be 1 to {MAX_VALUES}")
        return test
    ends = [end for end in (test.min, test.max) if end is not None]
    if any(math.isnan(end) for end in ends):
        raise InvalidField(f"{path}.range", "an end is not a number")
    if len(ends) == 2 and ends[0] > ends[1]:
        raise InvalidField(f"{path}.range", f"min {ends[0]:g} exceeds max {ends[1]:g}")
    return test


def _one_of(column: str, values: tuple[str, ...] | tuple[float, ...]) -> Filter:
    return Filter(f"{column} IN ({', '.join('?' * len(values))})", values)


def _between(column: str, bounds: Range) -> Filter:
    tests, parameters = [f"{column} IS NOT NULL"], []
    for end, operator in ((bounds.min, ">="), (bounds.max, "<=")):
        if end is not None:
            tests.append(f"{column} {operator} ?")
            parameters.append(end)
    return Filter(f"({' AND '.join(tests)})", tuple(parameters))


def number(value: str) -> float | None:
    """The finite number that a text is, if it is one."""
    try:
        parsed = float(value)
    except ValueError:
        return None
    return parsed if math.isfinite(parsed) else None


def _number(value: str, path: str) -> float:
    parsed = number(value)
    if parsed is None:
        raise InvalidField(path, f"{value!r} is no number")
    return parsed


def _truth(value: str, path: str) -> float:
    if value not in ("true", "false"):
        raise InvalidField(path, f'{value!r} must be "true" or "false"')
    return float(value == "true")
