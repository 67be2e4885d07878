"""A document that is read row by row, each of them an item or a variant of one."""

from collections.abc import Callable, Iterator

from clothing_retrieval.catalog.document import Document
from clothing_retrieval.catalog.entry import BadEntry, Entry
from clothing_retrieval.catalog.row import Row
from clothing_retrieval.catalog.variants import merged


class RowSource:
    missing = ""

    def __init__(self, kind: str, rows_of: Callable[[Document], Iterator[Row]], document: Document, views: int) -> None:
        """``rows_of`` reads the document as its kind wants it, and raises CatalogueError. ``views``: pictures of an
        item that are taken."""
        self.kind = kind
        self._rows_of = rows_of
        self._document = document
        self._views = views
        self._count = 0
        self.sales_change = False
        """Of what was read: whether a sale has yet to begin or to end."""

    @property
    def expected(self) -> int | None:
        return self._document.foreseen(self._count)

    def entries(self) -> Iterator[Entry | BadEntry]:
        self._count = 0
        self._document.file.seek(0)
        for row in merged(self._rows()):
            self._count += 1
            yield row.entry(self._views)

    def _rows(self) -> Iterator[Row]:
        for row in self._rows_of(self._document):
            self.sales_change = self.sales_change or row.sale_changes
            yield row
