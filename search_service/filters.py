"""Filters: what is asked of the fields of items, checked. Each place that keeps items has its own way to answer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from serving.errors import InvalidField

MAX_CONDITIONS = 32
MAX_VALUES = 256
TEXTS = ("category", "gender", "currency")
NUMBERS = ("price", "sale_price", "effective_price")
IN_STOCK = "in_stock"
ATTRIBUTE = "attributes."
_KNOWN = ", ".join((*TEXTS, *NUMBERS, IN_STOCK, f"{ATTRIBUTE}<key>"))


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
class OneOf:
    """Texts, where the field is one of TEXTS or an attribute; else numbers, 1 and 0 for what is in stock or not."""

    values: tuple[str, ...] | tuple[float, ...]


@dataclass(frozen=True)
class Part:
    """A condition on a field that there is, with values of the field's kind."""

    field: str
    test: OneOf | Range

    @property
    def attribute(self) -> str | None:
        """The attribute's name, where the field is one."""
        return self.field.removeprefix(ATTRIBUTE) if self.field.startswith(ATTRIBUTE) else None


@dataclass(frozen=True)
class Filter:
    """Conditions that must all be met; none keeps everything."""

    parts: tuple[Part, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.parts)

    @property
    def has_attributes(self) -> bool:
        return any(part.attribute is not None for part in self.parts)


def compile_filter(conditions: Sequence[Condition], path: str = "filter") -> Filter:
    """Raises InvalidField, naming the part below ``path`` that cannot be used."""
    if len(conditions) > MAX_CONDITIONS:
        raise InvalidField(f"{path}.all_of", f"{len(conditions)} conditions, at most {MAX_CONDITIONS}")
    return Filter(tuple(_compile(condition, f"{path}.all_of[{i}]") for i, condition in enumerate(conditions)))


def _compile(condition: Condition, path: str) -> Part:
    field, test = condition.field, _checked_test(condition.test, path)
    known_as_text = field in TEXTS or (field.startswith(ATTRIBUTE) and len(field) > len(ATTRIBUTE))
    if not known_as_text and field not in (*NUMBERS, IN_STOCK):
        raise InvalidField(f"{path}.field", f"{field!r} is unknown: known are {_KNOWN}")
    if isinstance(test, Range):
        if field in (*TEXTS, IN_STOCK):
            raise InvalidField(f"{path}.range", f"{field} is no number: use any_of")
        return Part(field, test)
    if known_as_text:
        return Part(field, OneOf(tuple(test.values)))
    read = _truth if field == IN_STOCK else _number
    return Part(field, OneOf(tuple(read(v, f"{path}.any_of.values[{i}]") for i, v in enumerate(test.values))))


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
