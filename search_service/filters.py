"""Filters, as SQL (values only ever travel as parameters) and as tests of rows in memory."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from search_service.fields import RowTest, number_between, number_is_any, text_is_any
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
class _Part:
    """A condition in SQL, on the table ``items``, and on rows in memory; None where memory does not know the field."""

    sql: str
    parameters: tuple[str | float, ...]
    test: RowTest | None


@dataclass(frozen=True)
class Filter:
    """Conditions that must all be met; none keeps everything."""

    parts: tuple[_Part, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.parts)

    def within(self, collection: int) -> tuple[str, tuple[str | float, ...]]:
        """The condition in SQL and its parameters, for the items of one collection."""
        # "+" keeps SQLite from walking through the whole collection where an attribute leads to a few items.
        column = "+collection" if any(part.test is None for part in self.parts) else "collection"
        parameters = [parameter for part in self.parts for parameter in part.parameters]
        return " AND ".join([f"{column} = ?", *(part.sql for part in self.parts)]), (collection, *parameters)

    def tests(self) -> list[RowTest]:
        """Those conditions that rows in memory can be held against."""
        return [part.test for part in self.parts if part.test is not None]

    def rest(self) -> "Filter":
        """The other conditions."""
        return Filter(tuple(part for part in self.parts if part.test is None))


def compile_filter(conditions: Sequence[Condition], path: str = "filter") -> Filter:
    """Raises InvalidField, naming the part below ``path`` that cannot be used."""
    if len(conditions) > MAX_CONDITIONS:
        raise InvalidField(f"{path}.all_of", f"{len(conditions)} conditions, at most {MAX_CONDITIONS}")
    return Filter(tuple(_compile(condition, f"{path}.all_of[{i}]") for i, condition in enumerate(conditions)))


def _compile(condition: Condition, path: str) -> _Part:
    field, test = condition.field, _checked_test(condition.test, path)
    values = f"{path}.any_of.values"
    if field in _TEXTS and isinstance(test, AnyOf):
        texts = tuple(test.values)
        return _Part(*_one_of(field, texts), text_is_any(field, texts))
    if field in _NUMBERS and isinstance(test, Range):
        return _Part(*_between(_NUMBERS[field], test), number_between(field, test.min, test.max))
    if field in _NUMBERS and isinstance(test, AnyOf):
        numbers = tuple(_number(v, f"{values}[{i}]") for i, v in enumerate(test.values))
        return _Part(*_one_of(_NUMBERS[field], numbers), number_is_any(field, numbers))
    if field == "in_stock" and isinstance(test, AnyOf):
        numbers = tuple(_truth(v, f"{values}[{i}]") for i, v in enumerate(test.values))
        return _Part(*_one_of(field, numbers), number_is_any(field, numbers))
    if field.startswith(_ATTRIBUTE) and len(field) > len(_ATTRIBUTE):
        sql, parameters = _one_of("value", tuple(test.values)) if isinstance(test, AnyOf) else _between("number", test)
        sql = f"key IN (SELECT item FROM attributes WHERE name = ? AND {sql})"
        return _Part(sql, (field.removeprefix(_ATTRIBUTE), *parameters), None)
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


def _one_of(
    column: str, values: tuple[str, ...] | tuple[float, ...]
) -> tuple[str, tuple[str, ...] | tuple[float, ...]]:
    return f"{column} IN ({', '.join('?' * len(values))})", values


def _between(column: str, bounds: Range) -> tuple[str, tuple[float, ...]]:
    ends = [(bounds.min, ">="), (bounds.max, "<=")]
    tests = [f"{column} IS NOT NULL", *(f"{column} {operator} ?" for end, operator in ends if end is not None)]
    return f"({' AND '.join(tests)})", tuple(end for end, _ in ends if end is not None)


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
