"""What a source is, and so how it is read."""

import csv
import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from clothing_retrieval.catalog import document, feed, sheet
from clothing_retrieval.catalog.document import Document
from clothing_retrieval.catalog.entry import CatalogueError
from clothing_retrieval.catalog.folder import FolderSource
from clothing_retrieval.catalog.memory import Memory
from clothing_retrieval.catalog.row import column
from clothing_retrieval.catalog.rows import RowSource
from clothing_retrieval.catalog.shopify import PATH, ShopifySource
from clothing_retrieval.catalog.source import Source
from clothing_retrieval.catalog.web import Purpose, Validators, Web, WebError
from clothing_retrieval.catalog.web.address import parse

_FIRST_TAG = re.compile(rb"<(?:[\w-]+:)?([a-zA-Z]\w*)")
_COLUMNS = frozenset(("id", "title", "url", "image_url", "price"))


class Kind(StrEnum):
    FOLDER = "folder"
    TABLE = "table"
    FEED = "feed"
    SHOPIFY = "shopify"
    SHOP = "shop"


class Unchanged(Exception):
    """The source says that it is as it was when it was last imported."""


@dataclass(frozen=True)
class Bounds:
    """How much is taken of what the web offers."""

    views: int = 4
    """Pictures of an item."""
    pages: int = 2000
    """Of a shop."""


@dataclass(frozen=True)
class Recognised:
    source: Source
    validators: Validators = field(default_factory=Validators)
    """Of the file that was read; none where it is not one file."""
    document: Document | None = None

    @property
    def lasting_validators(self) -> Validators:
        """When it was read: none where the same file says something else later, as a sale begins or ends."""
        passing = isinstance(self.source, RowSource) and self.source.sales_change
        return Validators() if passing else self.validators

    def close(self) -> None:
        if self.document:
            self.document.close()


def recognise(
    where: str, kind: Kind | None, web: Web, memory: Memory, bounds: Bounds, validators: Validators | None = None
) -> Recognised:
    """The source at a path or an address; ``kind`` where somebody knows better. ``validators``: of the file that was
    imported last.

    Raises:
        CatalogueError: it cannot be read, or what it is cannot be told.
        Unchanged
    """
    if is_address(where):
        return _in_the_web(where, kind, web, memory, bounds, validators)
    path = Path(where)
    if not path.exists():
        raise CatalogueError(f"there is no {path}: name a folder, a file, or an address that begins with https://")
    if path.is_dir():
        return Recognised(FolderSource(path))
    opened = document.from_path(path)
    return _from_document(opened, Validators(), kind, web, bounds)


def is_address(where: str) -> bool:
    return where.startswith(("http://", "https://"))


def _in_the_web(
    where: str, kind: Kind | None, web: Web, memory: Memory, bounds: Bounds, validators: Validators | None
) -> Recognised:
    try:
        parse(where)
    except WebError as error:
        raise CatalogueError(str(error)) from None
    if kind is None and urlsplit(where).path.endswith(PATH):
        kind = Kind.SHOPIFY
    if kind is Kind.FOLDER:
        raise CatalogueError(f"{where} is an address, and a folder is not read from one")
    if kind is Kind.SHOPIFY:
        return Recognised(ShopifySource(where, web, bounds.views, bounds.pages))
    if kind is Kind.SHOP:
        return Recognised(_shop(where, web, memory, bounds))
    try:
        fetched = web.fetch(where, Purpose.FEED, validators)
    except WebError as error:
        raise CatalogueError(f"{where} cannot be had: {error}") from None
    if fetched.unchanged:
        raise Unchanged
    opened = document.from_web(fetched)
    if (kind or _kind_of(opened)) is not Kind.SHOP:
        return _from_document(opened, fetched.validators, kind, web, bounds)
    is_shopify = b"cdn.shopify.com" in opened.beginning
    opened.close()
    if is_shopify:
        return Recognised(ShopifySource(_shop_or_collection(where), web, bounds.views, bounds.pages))
    return Recognised(_shop(where, web, memory, bounds))


def _from_document(opened: Document, validators: Validators, kind: Kind | None, web: Web, bounds: Bounds) -> Recognised:
    source: Source
    match kind := kind or _kind_of(opened):
        case Kind.TABLE:
            source = RowSource(kind, sheet.rows, opened, bounds.views)
        case Kind.FEED:
            source = RowSource(kind, feed.rows, opened, bounds.views)
        case Kind.SHOPIFY:
            source = ShopifySource(opened, web, bounds.views, bounds.pages)
        case _:
            opened.close()
            raise CatalogueError(f"{opened.name} is a file: a {kind} is read from {_PLACES[kind]}")
    return Recognised(source, validators, opened)


_PLACES = {Kind.FOLDER: "a folder", Kind.SHOP: "its address, which begins with https://"}


def _kind_of(opened: Document) -> Kind:
    """Raises CatalogueError where its beginning says nothing; it is closed then."""
    try:
        return _told_by(opened)
    except CatalogueError:
        opened.close()
        raise


def _told_by(opened: Document) -> Kind:
    beginning = opened.beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not beginning:
        raise CatalogueError(f"{opened.name} is empty")
    if beginning.startswith(b"<"):
        first = _FIRST_TAG.search(re.sub(rb"<!--.*?-->|<\?.*?\?>", b"", beginning, flags=re.DOTALL))
        root = first.group(1).lower() if first else b""
        page = (
            root in (b"html", b"head", b"body", b"urlset", b"sitemapindex")
            or b"<!doctype html" in beginning[:200].lower()
        )
        return Kind.SHOP if page else Kind.FEED
    if beginning.startswith((b"{", b"[")) and b'"products"' in beginning:
        return Kind.SHOPIFY
    first_line = beginning.splitlines()[0].decode("utf-8", "replace")
    cells = next(csv.reader([first_line], delimiter=max(",;\t", key=first_line.count)))
    if _COLUMNS & {column(cell) for cell in cells}:
        return Kind.TABLE
    kinds = ", ".join(Kind)
    raise CatalogueError(f"it cannot be told what {opened.name} is: say so with --kind ({kinds})")


def _shop_or_collection(address: str) -> str:
    parts = urlsplit(address)
    is_collection = parts.path.startswith("/collections/")
    return address if is_collection else f"{parts.scheme}://{parts.netloc}"


def _shop(address: str, web: Web, memory: Memory, bounds: Bounds) -> Source:
    try:
        from clothing_retrieval.catalog.shop import ShopSource
    except ModuleNotFoundError as error:
        raise CatalogueError(
            f"to read a shop's pages, {error.name} is needed: pip install 'clothing-retrieval[crawl]'. "
            "A product feed of the shop can be imported without"
        ) from None
    return ShopSource(address, web, memory, bounds.views, bounds.pages)
