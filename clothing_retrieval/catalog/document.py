"""A file of items, wherever it came from."""

import tempfile
from dataclasses import dataclass, field
from io import SEEK_END
from pathlib import Path
from typing import BinaryIO, cast

from clothing_retrieval.catalog.entry import CatalogueError
from clothing_retrieval.catalog.web import body
from clothing_retrieval.catalog.web.errors import TooLarge
from clothing_retrieval.catalog.web.fetched import Fetched, Purpose

_BEGINNING_BYTES = 64 * 2**10


@dataclass(frozen=True)
class Document:
    name: str
    """Its path or its address."""
    file: BinaryIO = field(repr=False)
    """Unpacked; can seek."""
    size: int

    def close(self) -> None:
        self.file.close()

    @property
    def beginning(self) -> bytes:
        self.file.seek(0)
        return self.file.read(_BEGINNING_BYTES)

    def foreseen(self, count: int) -> int | None:
        """How many things there are in it, when so many were read up to where the file stands."""
        position = self.file.tell()
        return round(count * self.size / position) if count and position else None


def from_path(path: Path) -> Document:
    """Raises CatalogueError where it cannot be read."""
    try:
        file: BinaryIO = path.open("rb")
        packed = file.read(2) == body.GZIP_MAGIC
        file.seek(0)
        file = _unpacked(file) if packed else file
    except (OSError, body.BadEncoding, TooLarge) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise CatalogueError(f"{path} cannot be read: {why}") from None
    return _document(str(path), file)


def from_web(fetched: Fetched) -> Document:
    return _document(fetched.address, fetched.file)


def _unpacked(packed: BinaryIO) -> BinaryIO:
    file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the document's
    try:
        with packed:
            body.copy(body.unpacked(body.pieces(packed)), file, Purpose.FEED.most_bytes)
    except BaseException:
        file.close()
        raise
    return file


def _document(name: str, file: BinaryIO) -> Document:
    size = file.seek(0, SEEK_END)
    file.seek(0)
    return Document(name, file, size)
