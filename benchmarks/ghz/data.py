"""Request files for ghz's ``-B``: messages one after another, each behind its length as a varint.

    python -m benchmarks.ghz.data [PHOTOS] [--out build/ghz]

``search.bin`` holds a SearchRequest for each photo, of which ghz sends one a call, in turn. ``import.bin`` holds an
ImportItemsRequest for each item, all of which ghz sends in one call. Without PHOTOS both come from a drawn boutique.
"""

import argparse
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from google.protobuf.message import Message
from google.protobuf.proto import parse_length_prefixed, serialize_length_prefixed

from clothing_retrieval.calls import NewItem, image_message, import_request
from clothing_retrieval.catalog.boutique import draw_boutique
from clothing_retrieval.catalog.entry import Entry
from clothing_retrieval.catalog.folder import find_pictures, read_folder
from clothing_retrieval.samples import spread
from clothing_retrieval.v1.retrieval_service_pb2 import ImportItemsRequest, SearchRequest

DEFAULT_FOLDER = Path("build/ghz")
COLLECTION = "ghz"
"""What import.bin goes into; search.bin searches "default"."""

_DRAWN_ITEMS = 120
_PHOTOS = 64
_ITEMS = 200

M = TypeVar("M", bound=Message)


def write_messages(file: Path, messages: Iterable[Message]) -> None:
    stream = io.BytesIO()
    for message in messages:
        serialize_length_prefixed(message, stream)
    file.write_bytes(stream.getbuffer())


def read_messages(file: Path, kind: type[M]) -> Iterator[M]:
    stream = io.BytesIO(file.read_bytes())
    while (message := parse_length_prefixed(kind, stream)) is not None:
        yield message


def searches(photos: Iterable[Path]) -> Iterator[SearchRequest]:
    """They are sent again and again, and must cost what new ones do."""
    for photo in photos:
        yield SearchRequest(image=image_message(photo), skip_cache=True)


def imports(catalogue: Path, most: int) -> Iterator[ImportItemsRequest]:
    """So many items of a folder whose sub-folders are categories."""
    entries = [entry for entry in read_folder(catalogue) if isinstance(entry, Entry)]
    for entry in spread(entries, most):
        yield import_request(NewItem(entry.item, entry.pictures), COLLECTION)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="?", help="folder of pictures; a sub-folder is a category")
    parser.add_argument("--out", type=Path, default=DEFAULT_FOLDER)
    arguments = parser.parse_args()
    if arguments.photos:
        photos = catalogue = arguments.photos
    else:
        boutique = draw_boutique(arguments.out / "boutique", items=_DRAWN_ITEMS)
        photos, catalogue = boutique.probe_folder, boutique.catalogue
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_messages(arguments.out / "search.bin", searches(spread(list(find_pictures(photos)), _PHOTOS)))
    write_messages(arguments.out / "import.bin", imports(catalogue, _ITEMS))
    print(f"{arguments.out}: search.bin, import.bin. To search, import first: clothing-retrieval import {catalogue}")


if __name__ == "__main__":
    main()
