"""The bytes of an answer, unpacked piece by piece: a bomb is noticed before it has gone off."""

import itertools
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from clothing_retrieval.catalog.web.errors import TooLarge

PIECE_BYTES = 64 * 2**10
GZIP_MAGIC = b"\x1f\x8b"
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class BadEncoding(Exception):
    """What says that it is packed is not."""


def pieces(packed: Readable) -> Iterator[bytes]:
    while piece := packed.read(PIECE_BYTES):
        yield piece


def unpacked(packed: Iterator[bytes]) -> Iterator[bytes]:
    """Of gzip or zlib, in pieces of at most PIECE_BYTES.

    Raises:
        BadEncoding: it is neither, or ends too early.
    """
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    for piece in packed:
        while piece:
            try:
                yield unpacker.decompress(piece, PIECE_BYTES)
            except zlib.error as error:
                raise BadEncoding(f"damaged gzip: {error}") from None
            piece = unpacker.unconsumed_tail
            if unpacker.eof and unpacker.unused_data:  # several gzip files after each other are one
                piece = unpacker.unused_data
                unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    while not unpacker.eof:
        rest = unpacker.decompress(b"", PIECE_BYTES)
        if not rest:
            raise BadEncoding("gzip that ends too early")
        yield rest


def unzipped(source: Iterator[bytes]) -> Iterator[bytes]:
    """The content of a gzip file, or what is none as it is."""
    first = next(source, b"")
    whole = itertools.chain((first,), source)
    return unpacked(whole) if first.startswith(GZIP_MAGIC) else whole


def copy(source: Iterator[bytes], to: BinaryIO, most_bytes: int) -> None:
    """Raises TooLarge as soon as there are more bytes."""
    size = 0
    for piece in source:
        size += len(piece)
        if size > most_bytes:
            raise TooLarge(f"more than {most_bytes / 2**20:,.0f} MiB")
        to.write(piece)
    to.seek(0)
