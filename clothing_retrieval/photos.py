"""An item's pictures, from files or from the web."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from clothing_retrieval import errors, pictures
from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.catalog.entry import Entry
from clothing_retrieval.catalog.memory import KnownItem, Memory
from clothing_retrieval.catalog.web import Fetched, Purpose, Validators, Web, WebError
from clothing_retrieval.v1.types_pb2 import Item

T = TypeVar("T")

_AT_ONCE = 8
_MOST_BYTES = 24 * 2**20
"""Of all pictures of an item: a message has room for 32 MiB."""


class BadPicture(Exception):
    """A picture that cannot be had. ``reason`` is a fixed word."""

    def __init__(self, picture: str, reason: str, problem: str) -> None:
        super().__init__(f"{picture}: {problem}")
        self.picture = picture
        self.reason = reason


class Photos(Protocol):
    async def read(self, entry: Entry) -> Sequence[bytes] | None:
        """The pictures as files; None where the item is stored already, made from the very same.

        Raises:
            BadPicture
        """

    def stored(self, entry: Entry) -> None:
        """The item was stored with the pictures that were read last."""


class FilePhotos:
    async def read(self, entry: Entry) -> Sequence[bytes]:
        return await asyncio.to_thread(self._read, entry)

    def stored(self, entry: Entry) -> None:
        """Files are read again each time: they cost little."""

    @staticmethod
    def _read(entry: Entry) -> list[bytes]:
        photos = []
        for path in entry.pictures:
            try:
                photos.append(path.read_bytes())
            except OSError as error:
                raise BadPicture(str(path), "UNREADABLE_FILE", error.strerror or str(error)) from None
        return photos


class WebPhotos:
    """Asks for a picture only where the item, or the picture, may have changed since it was stored."""

    def __init__(
        self,
        web: Web,
        memory: Memory,
        client: AsyncClient,
        collection: str,
        on_left_out: Callable[[Entry, BadPicture], None] = lambda entry, error: None,
    ) -> None:
        """``on_left_out`` is told which further view of an item could not be had: the item is stored without."""
        self._web = web
        self._memory = memory
        self._client = client
        self._collection = collection
        self._on_left_out = on_left_out
        self._files = FilePhotos()
        self._read: dict[str, dict[str, Validators]] = {}
        # Of its own: threads that wait for hosts shall not take the place of those that do all else.
        self._pool = ThreadPoolExecutor(_AT_ONCE, "photos")

    async def read(self, entry: Entry) -> Sequence[bytes] | None:
        if entry.pictures:
            return await self._files.read(entry)
        fetched: dict[str, Fetched] = {}
        known = self._memory.item(entry.item.id)
        if known and await self._is_the_same(entry, known, fetched):
            self._read[entry.item.id] = dict(known.pictures)
            return None
        photos: dict[str, bytes] = {}
        for address in entry.addresses:
            try:
                photos[address] = await self._in_thread(self._fetch, address, fetched, sum(map(len, photos.values())))
            except BadPicture as error:
                if not photos:
                    raise
                self._on_left_out(entry, error)
        self._read[entry.item.id] = {address: fetched[address].validators for address in photos}
        return list(photos.values())

    def stored(self, entry: Entry) -> None:
        if (read := self._read.pop(entry.item.id, None)) is not None:
            self._memory.keep_item(entry.item.id, _digest(entry), read)

    def close(self) -> None:
        """Whoever still waits for the web does so in vain."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    async def _is_the_same(self, entry: Entry, known: KnownItem, fetched: dict[str, Fetched]) -> bool:
        """What has changed is left in ``fetched``."""
        if known.digest != _digest(entry) or not await self._is_stored(entry.item):
            return False
        return known.fresh or await self._in_thread(self._ask, entry.addresses, known.pictures, fetched)

    async def _is_stored(self, item: Item) -> bool:
        """Whether the catalogue still has it so: somebody may have deleted it."""
        try:
            stored = await self._client.get_item(item.id, collection=self._collection)
        except errors.RetrievalError:  # where it is more than NotFound, sending the item will tell
            return False
        stored.ClearField("update_time")
        if not item.category:
            stored.ClearField("category")
        return stored == item

    def _ask(self, addresses: Sequence[str], known: Mapping[str, Validators], fetched: dict[str, Fetched]) -> bool:
        if not all(known.get(address) for address in addresses):
            return False
        for address in addresses:
            try:
                answer = self._web.fetch(address, Purpose.PICTURE, known[address])
            except WebError:  # asked for once more, and reported
                return False
            if not answer.unchanged:
                fetched[address] = answer
                return False
        return True

    def _fetch(self, address: str, fetched: dict[str, Fetched], bytes_before: int) -> bytes:
        """Raises BadPicture."""
        try:
            if address not in fetched:
                fetched[address] = self._web.fetch(address, Purpose.PICTURE)
            with fetched[address].file as file:
                encoded = file.read()
            pictures.read(encoded, 64)
        except WebError as error:
            raise BadPicture(address, error.reason, str(error)) from None
        except pictures.UnreadablePicture as error:
            raise BadPicture(address, "INVALID_IMAGE", str(error)) from None
        if bytes_before + len(encoded) > _MOST_BYTES:
            raise BadPicture(address, "TOO_LARGE", f"with the others, more than {_MOST_BYTES / 2**20:.0f} MiB")
        return encoded


def _digest(entry: Entry) -> str:
    parts = (entry.item.SerializeToString(deterministic=True), *(address.encode() for address in entry.addresses))
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
