"""What is written, asked and answered, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from search_service.fields import Fields
from search_service.filters import Filter
from search_service.names import Collection

Matrix = npt.NDArray[np.float32]
Keys = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Record:
    """An item to write, checked. ``message`` is the Item, serialised."""

    id: str
    fields: Fields
    attributes: Mapping[str, str]
    message: bytes
    fingerprint: str
    picture: bytes
    view_categories: Sequence[str]
    view_ordinals: Sequence[int]  # their places among the views that were sent
    vectors: Matrix  # (views, dimension), unit length


@dataclass(frozen=True)
class Stored:
    """An item as it is kept, whole. ``message`` is the Item, serialised."""

    message: bytes
    fingerprint: str
    picture: bytes
    view_categories: Sequence[str]
    view_ordinals: Sequence[int]
    vectors: Matrix  # (views, dimension)


@dataclass(frozen=True)
class Added:
    """A view that was written."""

    category: str
    label: int
    item: int
    ordinal: int
    fields: Fields
    message: bytes


@dataclass(frozen=True)
class Loaded:
    """Views of one shelf as the database has them, row by row."""

    collection: int
    category: str
    labels: Keys
    items: Keys
    ordinals: npt.NDArray[np.uint8]
    fields: Sequence[tuple[Any, ...]]  # the values of Fields, each
    messages: Sequence[bytes]
    vectors: Matrix  # (rows, dimension)


@dataclass(frozen=True)
class Change:
    """What one committed write did to a collection's views."""

    collection: int
    removed: Sequence[tuple[str, int]]  # category, label
    added: Sequence[Added]
    vectors: Matrix  # (added, dimension)


class Probe(NamedTuple):
    """One point to search around: vectors, or the item whose views are the vectors."""

    vectors: Matrix | None  # (1, dimension), unit length
    item_id: str
    categories: Sequence[str]


@dataclass(frozen=True)
class Query:
    probes: Sequence[Probe]
    top_k: int
    filter: Filter
    max_distance: float | None
    exact: bool


class Match(NamedTuple):
    """Of two the less stands first in an answer. ``message`` is the Item, serialised."""

    distance: float
    id: str
    message: bytes
    view: int


@dataclass(frozen=True)
class Upserted:
    created: int
    updated: int


@dataclass(frozen=True)
class Summary:
    """A collection as ListCollections tells of it."""

    collection: Collection
    aliases: Sequence[str]
    items_by_category: Mapping[str, int]
    view_count: int
