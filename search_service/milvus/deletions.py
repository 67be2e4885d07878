"""Collections that are being deleted, noted beside the pictures, so that what breaks off is finished later.

Without its aliases a collection in Milvus is out of sight, but in memory. That alone does not tell that it is to go:
milvus-backup brings collections back without their aliases.
"""

from pathlib import Path

from search_service.folder import sync_folder
from serving.errors import Unavailable


class Deletions:
    """Replicas of the service must see the same folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, collection: int) -> None:
        """On disk when it returns. Raises Unavailable."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._note(collection).touch()
            sync_folder(self._folder)
        except OSError as error:
            raise Unavailable("search", f"unable to note a deletion in {self._folder}: {error}") from error

    def end(self, collection: int) -> None:
        self._note(collection).unlink(missing_ok=True)

    def begun(self) -> list[int]:
        """Keys of collections."""
        return [int(path.name) for path in self._folder.glob("*") if path.name.isdecimal()]

    def _note(self, collection: int) -> Path:
        return self._folder / str(collection)
