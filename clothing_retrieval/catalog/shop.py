"""A shop's own pages: those of its sitemaps or, without any, those that its links lead to.

Needs the extra ``crawl``.
"""

from collections import deque
from collections.abc import Iterator
from urllib.parse import urlsplit

from clothing_retrieval.catalog import xml
from clothing_retrieval.catalog.entry import BadEntry, CatalogueError, Entry
from clothing_retrieval.catalog.memory import Memory
from clothing_retrieval.catalog.product_page import read_page
from clothing_retrieval.catalog.shop_page import ShopPage
from clothing_retrieval.catalog.sitemap import MOST_SITEMAPS, locations
from clothing_retrieval.catalog.web import Purpose, Web, WebError
from clothing_retrieval.catalog.web.address import parse
from clothing_retrieval.catalog.web.errors import BadAddress, Closed, GivenUp, Refused, TooLarge, Unreachable

_GONE = (404, 410)
_NO_PAGES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".svg", ".pdf", ".zip", ".css", ".js", ".mp4", ".xml", ".json")


class ShopSource:
    kind = "shop"

    def __init__(self, address: str, web: Web, memory: Memory, views: int, most_pages: int) -> None:
        """``address``: of the shop, of a part of it to begin at, or of a sitemap."""
        self._address = address
        self._web = web
        self._memory = memory
        self._views = views
        self._most_pages = most_pages
        self._host = _host(address)
        self._count = self._pages = self._foreseen = 0
        self.missing = ""

    @property
    def expected(self) -> int | None:
        return round(self._count * self._foreseen / self._pages) if self._count else None

    def entries(self) -> Iterator[Entry | BadEntry]:
        self.missing = ""
        self._count = self._pages = 0
        seen: set[str] = set()
        unusable: dict[str, BadEntry] = {}
        for address in self._addresses():
            try:
                page = self._page(address)
            except (Closed, GivenUp) as error:
                raise CatalogueError(f"{self._host}, after {self._pages:,} pages: {error}") from None
            except Refused as error:
                if error.status not in _GONE:
                    yield self._unread(address, str(error))
                continue
            except WebError as error:
                yield self._unread(address, str(error))
                continue
            if page.problem and not page.rows:
                yield self._unread(address, page.problem)
            for row in page.rows:
                entry = row.entry(self._views)
                if isinstance(entry, BadEntry):
                    if entry.id not in seen:
                        unusable.setdefault(entry.id, entry)
                elif entry.item.id not in seen:
                    seen.add(entry.item.id)
                    unusable.pop(entry.item.id, None)
                    yield entry
                self._count = len(seen) + len(unusable)
        # Only now: where one page says too little of an item, another may say all.
        yield from unusable.values()
        if not self._count and not self.missing:
            raise CatalogueError(
                f"none of {self._pages:,} pages of {self._host} describes a product by schema.org: "
                "has the shop a product feed?"
            )

    def _page(self, address: str) -> ShopPage:
        """Raises WebError."""
        self._pages += 1
        known = self._memory.page(address)
        if known and known.fresh:
            return known.page
        fetched = self._web.fetch(address, Purpose.PAGE, known.validators if known else None)
        if fetched.unchanged and known:
            self._memory.keep_page(address, known.page, known.validators)
            return known.page
        page = read_page(fetched.address, fetched.file.read(), fetched.encoding)
        self._memory.keep_page(address, page, fetched.validators)
        return page

    def _unread(self, address: str, problem: str) -> BadEntry:
        self.missing = self.missing or f"pages could not be read, {address} for example: {problem}"
        return BadEntry("", address, problem)

    def _addresses(self) -> Iterator[str]:
        """The pages that may describe products, at most so many."""
        listed = self._listed()
        if listed:
            self._foreseen = min(len(listed), self._most_pages)
            yield from listed[: self._most_pages]
            if len(listed) > self._most_pages:
                self.missing = f"{self._host} lists more than {self._most_pages:,} pages: --max-pages"
            return
        yield from self._linked()

    def _linked(self) -> Iterator[str]:
        first = str(parse(self._address))
        left = deque([first])
        known = {first}
        for _ in range(self._most_pages):
            if not left:
                return
            address = left.popleft()
            self._foreseen = min(len(known), self._most_pages)
            yield address
            page = self._memory.page(address)
            for link in page.page.links if page else ():
                if link not in known and self._is_page(link) and len(known) < 20 * self._most_pages:
                    known.add(link)
                    left.append(link)
        if left:
            self.missing = f"{self._host} has more than {self._most_pages:,} pages: --max-pages"

    def _listed(self) -> list[str]:
        """What the sitemaps list, or one page more than are read; where some sitemaps are of products, only theirs."""
        found: dict[str, None] = {}
        named = self._sitemaps()
        guess = f"{parse(self._address).origin}/sitemap.xml"
        left = deque(named or [guess])
        known = set(left)
        for _ in range(MOST_SITEMAPS):
            if not left:
                break
            sitemap = left.popleft()
            inner: list[str] = []
            for address, is_sitemap in self._locations(sitemap, guessed=not named and sitemap == guess):
                if is_sitemap:
                    inner.append(address)
                elif self._is_page(address):
                    found[address] = None
                    if len(found) > self._most_pages:
                        return list(found)
            for address in _of_products(inner) or inner:
                if address not in known and len(known) <= MOST_SITEMAPS:
                    known.add(address)
                    left.append(address)
        if left:
            self.missing = f"{self._host} lists more than {MOST_SITEMAPS:,} sitemaps"
        return list(found)

    def _locations(self, sitemap: str, *, guessed: bool) -> Iterator[tuple[str, bool]]:
        """``guessed``: nobody named it, so that something else may lie there."""
        read = False
        try:
            for location in locations(self._web.fetch(sitemap, Purpose.LIST).file):
                read = True
                yield location
        except (WebError, xml.BadXml) as error:
            gone = isinstance(error, Refused) and error.status in _GONE
            is_one = read or not guessed or isinstance(error, (Unreachable, TooLarge, Closed))
            if is_one and not gone:
                self.missing = f"{sitemap}: {error}"

    def _sitemaps(self) -> list[str]:
        """Those that somebody names."""
        if urlsplit(self._address).path.endswith((".xml", ".xml.gz")):
            return [self._address]
        try:
            told = self._web.robots(self._address).sitemaps
        except WebError as error:
            raise CatalogueError(f"{self._address}: {error}") from None
        return _of_products(told) or told

    def _is_page(self, address: str) -> bool:
        return _host(address) == self._host and not urlsplit(address).path.lower().endswith(_NO_PAGES)


def _of_products(sitemaps: list[str]) -> list[str]:
    return [address for address in sitemaps if "product" in address.lower()]


def _host(address: str) -> str:
    """Without "www.", which shops have and lack at once."""
    try:
        return parse(address).host.removeprefix("www.")
    except BadAddress:
        return ""
