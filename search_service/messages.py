"""Serialised items in memory, so that no answer waits for the disk."""

from collections.abc import Iterable

import numpy as np

from search_service.records import Keys

_CHUNK_BITS = 32  # of a place; the rest says where in the chunk
_LENGTH_BYTES = 4


class Messages:
    """Found by their places. One thread adds, any may read; what is there neither moves nor changes.

    Those that are added together are one object, each behind its length: a million objects would take half as much
    again, and Python's lock for long when they go.
    """

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def add(self, messages: Iterable[bytes]) -> Keys:
        """The place of each; of one that equals the one before it, the same."""
        parts: list[bytes] = []
        places: list[int] = []
        end = len(self._chunks) << _CHUNK_BITS
        last: bytes | None = None
        for message in messages:
            if message != last:
                parts += (len(message).to_bytes(_LENGTH_BYTES), message)
                place, end, last = end, end + _LENGTH_BYTES + len(message), message
            places.append(place)
        self._chunks.append(b"".join(parts))
        return np.array(places, np.int64)

    def at(self, place: int) -> bytes:
        chunk = self._chunks[place >> _CHUNK_BITS]
        before = place & (1 << _CHUNK_BITS) - 1
        start = before + _LENGTH_BYTES
        return chunk[start : start + int.from_bytes(chunk[before:start])]
