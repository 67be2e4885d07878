"""Filters as Milvus expressions.

Every value is written by ``literal``, and names of attributes as hexadecimal digits, so nothing that a caller sends can
end a literal and be read as an expression. (Milvus has templates for this, which Milvus Lite 3.2 lacks.)
"""

import math
from collections.abc import Iterable

from search_service.filters import IN_STOCK, TEXTS, Filter, OneOf, Part, Range

NOTHING = 'pk == ""'
"""Met by no row: no primary key is empty."""

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"})


def literal(text: str) -> str:
    """All that the grammar asks to be escaped: https://github.com/milvus-io/milvus, Plan.g4, StringLiteral."""
    return f'"{text.translate(_ESCAPES)}"'


def one_of(field: str, texts: Iterable[str]) -> str:
    return f"{field} in [{', '.join(map(literal, texts))}]"


def all_of(*expressions: str) -> str:
    return " and ".join(expression for expression in expressions if expression)


def attribute_key(name: str) -> str:
    """The key that an attribute has in the column ``attributes``."""
    return name.encode().hex()


def expression(filter: Filter) -> str:
    """Empty where the filter keeps everything."""
    return all_of(*(_expression(part) for part in filter.parts))


def _expression(part: Part) -> str:
    if part.attribute is not None:
        return _attribute(attribute_key(part.attribute), part.test)
    if isinstance(part.test, Range):
        return _between(part.field, part.test, least=0)
    if part.field in TEXTS:
        given = [str(value) for value in part.test.values if value]  # an empty text stands for absence
        return one_of(part.field, given) if given else NOTHING
    numbers = [float(value) for value in part.test.values if float(value) >= 0]  # -1 stands for absence
    if part.field == IN_STOCK:
        return f"{IN_STOCK} in [{', '.join(str(int(number)) for number in numbers)}]"
    return _any(f"{part.field} == {number!r}" for number in numbers)


def _attribute(key: str, test: OneOf | Range) -> str:
    if isinstance(test, Range):
        return _between(f'attributes["{key}"]["number"]', test)
    return _any(f'attributes["{key}"]["text"] == {literal(str(value))}' for value in test.values)


def _between(field: str, bounds: Range, least: float = -math.inf) -> str:
    """What is absent has no number, or one below ``least``."""
    low = max(least, -math.inf if bounds.min is None else bounds.min)
    high = math.inf if bounds.max is None else bounds.max
    if low == math.inf or high == -math.inf:
        return NOTHING
    # A bound that all finite numbers meet is still asked for, so that what has no number is left out.
    tests = [f"{field} >= {max(low, -_GREATEST)!r}", f"{field} <= {high!r}" if high < math.inf else ""]
    return f"({all_of(*tests)})"


def _any(tests: Iterable[str]) -> str:
    joined = " or ".join(tests)
    return f"({joined})" if joined else NOTHING


_GREATEST = 1.7976931348623157e308
