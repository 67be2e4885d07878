"""Google's product feed as RSS 2.0 or Atom: https://support.google.com/merchants/answer/7052112."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from clothing_retrieval.catalog import xml
from clothing_retrieval.catalog.document import Document
from clothing_retrieval.catalog.entry import BadEntry, CatalogueError, Entry
from clothing_retrieval.catalog.row import Row, column
from clothing_retrieval.catalog.variants import merged

_ITEMS = ("item", "entry")
_MORE_PICTURES = "additional_image_url"


class FeedSource:
    kind = "feed"
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
        number = 0
        try:
            for number, item in enumerate(xml.elements(self._document.file, _ITEMS), 1):
                yield _row(f"{self._document.name}, item {number}", item)
        except xml.BadXml as error:
            after = f", after {number:,} items" if number else ""
            raise CatalogueError(f"{self._document.name} cannot be read as XML{after}: {error}") from None
        if not number:
            raise CatalogueError(f"{self._document.name} is no product feed: it has no <item> and no <entry>")


def _row(place: str, item: Element) -> Row:
    values: dict[str, str] = {}
    pictures: list[str] = []
    for element in item:
        name = column(xml.local_name(element))
        text = (element.text or element.get("href") or "").strip()
        if not text or len(element):  # those with parts of their own, such as shipping, are of no use here
            continue
        if name == _MORE_PICTURES:
            pictures.append(text)
        elif name not in values or element.tag.startswith("{http://base.google.com/"):
            values[name] = text
    return Row(place, values, tuple(pictures))
