"""What views are filtered by in memory: the fields of their items, as they were when the view was written."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from search_service.filters import TEXTS, Filter, OneOf, Range

Flags = npt.NDArray[np.bool_]
Rows = Mapping[str, npt.NDArray[Any]]
"""A column for each of KINDS, all of one length."""

KINDS: Mapping[str, type[np.generic]] = {
    "category": np.int32,
    "gender": np.int32,
    "currency": np.int32,
    "in_stock": np.int8,  # 0, 1, or -1 where it is not known
    "price": np.float64,  # nan where there is none
    "sale_price": np.float64,
}


def empty_rows(count: int) -> Rows:
    return {name: np.empty(count, kind) for name, kind in KINDS.items()}


def some_rows(rows: Rows, which: slice | npt.NDArray[np.int64]) -> Rows:
    return {name: column[which] for name, column in rows.items()}


class Fields(NamedTuple):
    """Of an item. Texts are empty where absent."""

    category: str
    gender: str
    currency: str
    price: float | None
    sale_price: float | None
    in_stock: bool | None


class Vocabulary:
    """A number for each text of a collection's fields. One thread adds, any may ask."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def add(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def find(self, text: str) -> int:
        """-1 where no item ever had it, and for the empty text, which stands for absence."""
        return self._numbers.get(text, -1) if text else -1

    def rows(self, fields: Sequence[tuple[Any, ...]]) -> Rows:
        """Of the values of Fields, in the same order."""
        given = dict(zip(Fields._fields, zip(*fields, strict=True), strict=True)) if fields else {}
        columns: dict[str, Sequence[Any]] = {name: given.get(name, ()) for name in KINDS}
        for name in ("category", "gender", "currency"):
            columns[name] = [self.add(text) for text in columns[name]]
        columns["in_stock"] = [-1 if known is None else known for known in columns["in_stock"]]
        # numpy makes nan of None
        return {name: np.array(columns[name], kind) for name, kind in KINDS.items()}


RowTest = Callable[[Rows], Flags]
"""Which of the rows meet a condition, (n,)."""


def row_tests(filter: Filter, vocabulary: Vocabulary) -> list[RowTest]:
    """Of a filter without attributes, which rows in memory do not tell."""
    return [_row_test(part.field, part.test, vocabulary) for part in filter.parts]


def _row_test(field: str, test: OneOf | Range, vocabulary: Vocabulary) -> RowTest:
    if isinstance(test, Range):
        return lambda rows: _between(_numbers(rows, field), test)
    if field in TEXTS:
        return lambda rows: _is_any(rows[field], [vocabulary.find(str(value)) for value in test.values])
    return lambda rows: _is_any(_numbers(rows, field), [float(value) for value in test.values])


def _between(numbers: npt.NDArray[Any], bounds: Range) -> Flags:
    met: Flags = ~np.isnan(numbers) if bounds.min is None else numbers >= bounds.min
    return met if bounds.max is None else met & (numbers <= bounds.max)


def _is_any(column: npt.NDArray[Any], values: Sequence[float]) -> Flags:
    return column == values[0] if len(values) == 1 else np.isin(column, values)


def _numbers(rows: Rows, field: str) -> npt.NDArray[Any]:
    if field == "effective_price":
        return np.where(np.isnan(rows["sale_price"]), rows["price"], rows["sale_price"])
    return rows[field]
