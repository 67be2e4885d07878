"""A table whose pictures lie in the web: the original project's CSV, or Google's feed as tab-separated values."""

import io
from collections.abc import Iterator

from clothing_retrieval.catalog.document import Document
from clothing_retrieval.catalog.entry import BadEntry, CatalogueError, Entry
from clothing_retrieval.catalog.row import Row
from clothing_retrieval.catalog.table import read_rows
from clothing_retrieval.catalog.variants import merged


class SheetSource:
    kind = "table"
    missing = ""

    def __init__(self, document: Document, views: int) -> None:
        """``views``: pictures of an item that are taken."""
        self._document = document
        self._views = views
        self._count = 0

    @property
    def expected(self) -> int | None:
        return self._document.foreseen(self._count)

    def entries(self) -> Iterator[Entry | BadEntry]:
        self._count = 0
        for row in merged(self._rows()):
            self._count += 1
            yield row.entry(self._views)

    def _rows(self) -> Iterator[Row]:
        self._document.file.seek(0)
        text = io.TextIOWrapper(self._document.file, encoding="utf-8-sig", newline="")
        try:
            for row in read_rows(self._document.name, text):
                if row.file and not row.addresses:
                    raise CatalogueError(f"{row.place} names a file: import the folder that holds it and its pictures")
                yield row
        finally:
            text.detach()
