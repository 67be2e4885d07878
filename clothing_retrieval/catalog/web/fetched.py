"""What is asked of a host, and what came."""

from dataclasses import dataclass, field
from enum import Enum
from typing import BinaryIO


class Purpose(Enum):
    """What a thing is fetched for: how much of it is taken, and how long it may take."""

    ROBOTS = (512 * 2**10, 1, "text/plain")
    PAGE = (8 * 2**20, 1, "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.5")
    LIST = (64 * 2**20, 2, "application/xml, text/xml, */*;q=0.5")
    FEED = (2 * 2**30, 60, "application/xml, text/csv, application/json, */*;q=0.5")
    PICTURE = (20 * 2**20, 1, "image/webp, image/png, image/jpeg")

    def __init__(self, most_bytes: int, patience: int, accept: str) -> None:
        self.most_bytes = most_bytes
        """Unpacked."""
        self.patience = patience
        """How many times Manners.answer_s it may take."""
        self.accept = accept


@dataclass(frozen=True)
class Validators:
    """By which a host can tell that what it sent before is still what it has."""

    etag: str = ""
    last_modified: str = ""

    def __bool__(self) -> bool:
        return bool(self.etag or self.last_modified)


@dataclass(frozen=True)
class Fetched:
    address: str
    """After all redirects."""
    file: BinaryIO = field(repr=False)
    """All of it, unpacked, at its beginning; the receiver closes it. A feed is on disk, all else in memory."""
    validators: Validators
    encoding: str = ""
    """As the host named it, where it is text."""
    unchanged: bool = False
    """It is what the validators that were sent belong to; ``file`` is empty."""
