"""Google's product feed as RSS 2.0 or Atom: https://support.google.com/merchants/answer/7052112."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from clothing_retrieval.catalog import xml
from clothing_retrieval.catalog.document import Document
from clothing_retrieval.catalog.entry import CatalogueError
from clothing_retrieval.catalog.row import Row, column

_ITEMS = ("item", "entry")
_MORE_PICTURES = "additional_image_url"


def rows(document: Document) -> Iterator[Row]:
    """Raises CatalogueError."""
    number = 0
    try:
        for number, item in enumerate(xml.elements(document.file, _ITEMS), 1):
            yield _row(f"{document.name}, item {number}", item)
    except xml.BadXml as error:
        after = f", after {number:,} items" if number else ""
        raise CatalogueError(f"{document.name} cannot be read as XML{after}: {error}") from None
    if not number:
        raise CatalogueError(f"{document.name} is no product feed: it has no <item> and no <entry>")


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
