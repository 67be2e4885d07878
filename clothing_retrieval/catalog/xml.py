"""XML of strangers, element by element: nothing is looked up, nothing expands, memory stays flat."""

from collections.abc import Collection, Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

LARGEST_ELEMENT_BYTES = 8 * 2**20
DEEPEST = 64


class BadXml(Exception):
    """The message says why."""


def elements(file: BinaryIO, names: Collection[str]) -> Iterator[Element]:
    """Each element of one of the names, complete. It is emptied when the next one is asked for.

    Raises:
        BadXml: it is no XML, has a document type declaration (which entities need), or an element of it is too large.
    """
    metered = _Metered(file)
    path: list[Element] = []
    try:
        for event, element in iterparse(metered, ("start", "end"), forbid_dtd=True):
            if event == "start":
                path.append(element)
                if len(path) > DEEPEST:
                    raise BadXml(f"elements in elements, more than {DEEPEST} deep")
                continue
            path.pop()
            if local_name(element) in names:
                metered.begin()
                yield element
            elif any(local_name(above) in names for above in path):
                continue  # it belongs to one that is not complete yet
            if path:
                path[-1].remove(element)
    except ParseError as error:
        raise BadXml(str(error)) from None
    except DefusedXmlException:
        raise BadXml("it has a document type declaration, which is refused") from None
    except (LookupError, ValueError) as error:  # of an encoding that is not known
        raise BadXml(str(error)) from None


def local_name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


class _Metered:
    """Counts what is read for one element."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._read = 0

    def begin(self) -> None:
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self._read += len(piece)
        if self._read > LARGEST_ELEMENT_BYTES:
            raise BadXml(f"more than {LARGEST_ELEMENT_BYTES / 2**20:.0f} MiB without an item")
        return piece
