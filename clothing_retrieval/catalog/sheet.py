"""A table whose pictures lie in the web: the original project's CSV, or Google's feed as tab-separated values."""

import io
from collections.abc import Iterator

from clothing_retrieval.catalog.document import Document
from clothing_retrieval.catalog.entry import CatalogueError
from clothing_retrieval.catalog.row import Row
from clothing_retrieval.catalog.table import read_rows


def rows(document: Document) -> Iterator[Row]:
    """Raises CatalogueError."""
    text = io.TextIOWrapper(document.file, encoding="utf-8-sig", newline="")
    try:
        for row in read_rows(document.name, text):
            if row.file and not row.addresses:
                raise CatalogueError(f"{row.place} names a file: import the folder that holds it and its pictures")
            yield row
    finally:
        text.detach()
