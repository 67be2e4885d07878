"""A shop's list of its pages (sitemaps.org): a sitemap, or an index of sitemaps."""

from collections.abc import Iterator
from typing import BinaryIO

from clothing_retrieval.catalog import xml

MOST_SITEMAPS = 500


def locations(file: BinaryIO) -> Iterator[tuple[str, bool]]:
    """Each address, and whether it is another sitemap. Raises xml.BadXml."""
    for element in xml.elements(file, ("url", "sitemap")):
        for part in element:
            if xml.local_name(part) == "loc" and (part.text or "").strip():
                yield (part.text or "").strip(), xml.local_name(element) == "sitemap"
