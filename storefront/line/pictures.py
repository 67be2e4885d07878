"""Where LINE, and the shopper's browser, find what belongs to an item."""

import logging
from urllib.parse import quote, urlencode, urlsplit

from clothing_retrieval import AsyncClient, RetrievalError, errors
from clothing_retrieval.v1.types_pb2 import Item
from storefront.line.settings import Settings

log = logging.getLogger(__name__)

MOST_LETTERS = 1000
"""LINE's limit for a page. A picture's may be longer, but twelve of them would make the carousel too large."""
_AS_THEY_ARE = "!#$%&'()*+,/:;=?@[]~"


class Pictures:
    def __init__(self, client: AsyncClient, settings: Settings) -> None:
        self._client = client
        self._settings = settings

    async def address(self, item: Item) -> str | None:
        """Of the item's picture, by https: its own, else the storefront's; None where there is neither."""
        own = address(item.image_url, ("https",))
        if own or not self._settings.public_url:
            return own
        return self._on_storefront(item) if await self._is_stored(item) else None

    def _on_storefront(self, item: Item) -> str:
        base, collection = self._settings.public_url.rstrip("/"), self._settings.collection or "default"
        return f"{base}/v1/items/{quote(item.id, safe='')}/picture?{urlencode({'collection': collection})}"

    async def _is_stored(self, item: Item) -> bool:
        try:
            return bool(await self._client.get_picture(item.id, collection=self._settings.collection))
        except errors.NotFound:
            return False
        except RetrievalError as error:
            log.warning("the picture of an item could not be looked for: %s", error)
            return False


def page_address(item: Item) -> str | None:
    return address(item.url, ("https", "http"))


def address(url: str, schemes: tuple[str, ...]) -> str | None:
    """As LINE takes it: in ASCII, percent-encoded; None where it cannot be used."""
    try:
        parts = urlsplit(url.strip())
        host = parts.netloc.encode("idna").decode() if not parts.netloc.isascii() else parts.netloc
    except ValueError:  # UnicodeError is one
        return None
    if parts.scheme not in schemes or not parts.hostname or "@" in host:
        return None
    encoded = quote(parts._replace(netloc=host).geturl(), safe=_AS_THEY_ARE)
    return encoded if len(encoded) <= MOST_LETTERS else None
