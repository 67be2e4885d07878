"""Pictures of items, beside Milvus: its longest text is 64 KiB less one byte, which base64 makes too short for them.

A file is named by its digest and never changes. What no item names any more stays until its collection is deleted: to
know that nobody is about to name it again would take a lock over all replicas.
"""

import shutil
from pathlib import Path

from search_service.folder import sync_folder
from search_service.milvus.rows import picture_digest
from serving.errors import Unavailable
from serving.files import replace


class Pictures:
    """Replicas of the service must see the same folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, collection: int, jpegs: list[bytes]) -> None:
        """On disk when it returns. Raises Unavailable."""
        folder = self._folder / str(collection)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            new = [(jpeg, folder / f"{picture_digest(jpeg)}.jpg") for jpeg in jpegs]
            new = [(jpeg, path) for jpeg, path in new if not path.exists()]
            for jpeg, path in new:
                replace(path, jpeg)
            if new:
                sync_folder(folder)
        except OSError as error:
            raise Unavailable("search", f"unable to store pictures in {folder}: {error}") from error

    def read(self, collection: int, digest: str) -> bytes | None:
        """None where the folder lacks it."""
        try:
            return (self._folder / str(collection) / f"{digest}.jpg").read_bytes()
        except FileNotFoundError:
            return None

    def remove_collection(self, collection: int) -> None:
        shutil.rmtree(self._folder / str(collection), ignore_errors=True)
