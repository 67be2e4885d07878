"""Which pictures calibrate."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_ENDINGS = {".jpg", ".jpeg", ".png"}


def evenly(items: Sequence[T], count: int) -> list[T]:
    """At most this many, spread over the sequence."""
    step = max(1.0, len(items) / count)
    return [items[int(index * step)] for index in range(min(count, len(items)))]


def photos_below(folder: Path) -> list[Path]:
    """All JPEG and PNG files of a folder and those in it, in order.

    Raises:
        FileNotFoundError: there are none.
    """
    found = sorted(file for file in folder.rglob("*") if file.suffix.lower() in _ENDINGS)
    if not found:
        raise FileNotFoundError(f"{folder}: no .jpg or .png files there")
    return found
