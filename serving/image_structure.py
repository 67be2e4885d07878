"""How an image file is put together, looked at before a decoder is: a small file may ask for hours of work."""

import re

MOST_SCANS = 100
"""Of a JPEG file; each is a walk over the whole picture. Encoders write about ten."""
MOST_SEGMENTS = 2_000
"""Of a JPEG file."""
MOST_CHUNKS = 20_000
"""Of a PNG file. Encoders put some KiB into each."""

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # what may stand inside of a scan is none
_END, _SCAN = 0xD9, 0xDA
_WITHOUT_LENGTH = (0xD8, 0x01)
_AROUND_CHUNK = 12  # length, kind, checksum


def excess(data: bytes) -> str | None:
    """What a file has too much of for a picture; None where it has not."""
    if data.startswith(_JPEG):
        return _excess_of_jpeg(data)
    if data.startswith(_PNG):
        return _excess_of_png(data)
    return None


def _excess_of_jpeg(data: bytes) -> str | None:
    """What follows the end of the picture does not count: some cameras append a film."""
    at, segments, scans = len(_JPEG), 0, 0
    while found := _MARKER.search(data, at):
        at, marker = found.end(), found[0][1]
        if marker == _END:
            break
        segments += 1
        scans += marker == _SCAN
        if scans > MOST_SCANS:
            return f"more than {MOST_SCANS} scans"
        if segments > MOST_SEGMENTS:
            return f"more than {MOST_SEGMENTS} segments"
        if marker not in _WITHOUT_LENGTH:
            at += int.from_bytes(data[at : at + 2], "big")
    return None


def _excess_of_png(data: bytes) -> str | None:
    at, chunks = len(_PNG), 0
    while at < len(data):
        chunks += 1
        if chunks > MOST_CHUNKS:
            return f"more than {MOST_CHUNKS} chunks"
        at += _AROUND_CHUNK + int.from_bytes(data[at : at + 4], "big")
    return None
