"""Which pictures calibrate."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def evenly(items: Sequence[T], count: int) -> list[T]:
    """At most this many, spread over the sequence."""
    step = max(1.0, len(items) / count)
    return [items[int(index * step)] for index in range(min(count, len(items)))]
