"""Photos to measure with."""

import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from clothing_retrieval.samples import spread

DEFAULT_LIMIT = 400

_START, _COMMENT = b"\xff\xd8", b"\xff\xfe"


def read_photos(folder: Path, limit: int = DEFAULT_LIMIT) -> list[bytes]:
    """So many of a folder's JPEGs, from all over it, as files.

    Raises SystemExit where there is none.
    """
    photos = [path.read_bytes() for path in spread(sorted(folder.rglob("*.jpg")), limit)]
    if not photos:
        raise SystemExit(f"{folder}: no .jpg here")
    return photos


def fresh(photos: Sequence[bytes]) -> Iterator[bytes]:
    """JPEGs without end, no two alike: each bears a comment of its own, so that no cache has seen it before."""
    run = os.urandom(8)
    for number, photo in enumerate(itertools.cycle(photos)):
        comment = run + number.to_bytes(8, "big")
        segment = _COMMENT + (len(comment) + 2).to_bytes(2, "big") + comment  # its length counts itself
        yield _START + segment + photo.removeprefix(_START)
