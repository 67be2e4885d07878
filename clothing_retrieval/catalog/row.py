"""What a source says of one item, in words and columns, before it is understood."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from clothing_retrieval.catalog.entry import BadEntry, Entry
from clothing_retrieval.catalog.fields import BadValue, read_gender, read_in_stock, read_price, short_id
from clothing_retrieval.catalog.garment_words import garment_category
from clothing_retrieval.catalog.web.address import parse
from clothing_retrieval.catalog.web.errors import BadAddress
from clothing_retrieval.v1.types_pb2 import Item

_ALIASES: Mapping[str, str] = {
    "filename": "file",
    "picture": "file",
    "name": "title",
    "special_price": "sale_price",
    "link": "url",
    "image_link": "image_url",
    "img_url": "image_url",
    "additional_image_link": "additional_image_url",
    "availability": "in_stock",
    "colour": "color",
}
_TEXTS = ("title", "url", "image_url")
_CATEGORIES = ("category", "google_product_category", "product_type")
"""In this order: the first that says something counts."""
_NOT_SHOWN = frozenset((*_CATEGORIES,
    "id", "file", "additional_image_url", "sale_price_effective_date", "description",
    "mobile_link", "canonical_link", "link_template", "mobile_link_template", "ads_redirect", "identifier_exists",
    "gtin", "mpn", "adult", "multipack", "is_bundle", "shipping", "shipping_weight", "shipping_label", "tax",
    "cost_of_goods_sold", "expiration_date", "availability_date", "excluded_destination", "included_destination",
))  # fmt: skip
"""Of no use to a shopper who filters."""
_LONGEST_ATTRIBUTE = 256
MOST_VIEWS = 16
"""Pictures of an item that a gateway takes."""


@dataclass(frozen=True)
class Row:
    place: str
    """Where it stands: "items.csv, line 12"."""
    values: Mapping[str, str] = field(repr=False)
    """By column (see ``column``), only those that are not empty."""
    more_pictures: tuple[str, ...] = ()
    """Addresses, beside ``image_url``."""

    @property
    def own_id(self) -> str:
        return self.values.get("id", "")

    @property
    def id(self) -> str:
        """Its own, else one made from the address of its page or its picture, else empty."""
        return short_id(self.own_id or _id_of(self.values.get("url", "") or self.values.get("image_url", "")))

    @property
    def file(self) -> str:
        return self.values.get("file", "").replace("\\", "/")

    @property
    def addresses(self) -> tuple[str, ...]:
        first = self.values.get("image_url", "")
        return tuple(dict.fromkeys(filter(None, (first, *self.more_pictures))))

    @property
    def sale_is_on(self) -> bool:
        begin, end = self._sale
        now = datetime.now(UTC)
        return (not begin or begin <= now) and (not end or now <= end)

    @property
    def sale_changes(self) -> bool:
        """Whether a sale has yet to begin or to end: the row says something else then."""
        now = datetime.now(UTC)
        return "sale_price" in self.values and any(time > now for time in self._sale if time)

    @property
    def _sale(self) -> tuple[datetime | None, datetime | None]:
        """Feeds say when a sale price counts, as "from/to"."""
        begin, _, end = self.values.get("sale_price_effective_date", "").partition("/")
        return _time(begin), _time(end)

    def describe(self, item: Item) -> None:
        """Sets what the row says on an item; what the item says already stays.

        Raises:
            BadValue: a price that cannot be read.
        """
        for name, text in self.values.items():
            if name in _TEXTS:
                setattr(item, name, getattr(item, name) or text)
            elif name == "price" or (name == "sale_price" and self.sale_is_on):
                price, currency = read_price(name, text)
                if not item.HasField(name):
                    setattr(item, name, price)
                item.currency = item.currency or currency
            elif name == "currency":
                item.currency = text.upper()
            elif name == "in_stock":
                if (in_stock := read_in_stock(text)) is not None:
                    item.in_stock = in_stock
            elif name == "gender":
                _describe_gender(item, text)
            elif name not in _NOT_SHOWN and name not in item.attributes and len(text) <= _LONGEST_ATTRIBUTE:
                item.attributes[name] = text
        self._describe_category(item)

    def entry(self, views: int) -> Entry | BadEntry:
        """The item whose pictures lie in the web, the first ``views`` of them."""
        item = Item(id=self.id)
        problems = [] if item.id else ["it has neither an id nor an address"]
        try:
            self.describe(item)
        except BadValue as error:
            problems.append(str(error))
        addresses = self.addresses[: min(views, MOST_VIEWS)]
        if not addresses:
            problems.append("it has no picture: image_link names one")
        for address in addresses:
            try:
                parse(address)
            except BadAddress as error:
                problems.append(f"picture: {error}")
        if problems:
            return BadEntry(item.id, self.place, "; ".join(problems))
        if item.HasField("sale_price") and item.HasField("price") and item.sale_price >= item.price:
            item.ClearField("sale_price")
        return Entry(item, addresses=addresses)

    def _describe_category(self, item: Item) -> None:
        for name in _CATEGORIES:
            if text := self.values.get(name, ""):
                item.category = item.category or garment_category(text, self.values.get("title", ""))


def column(name: str) -> str:
    """How a column is called here: "Image Link", "g:image_link" and "img_url" are "image_url"."""
    plain = "_".join(name.strip().lower().removeprefix("g:").replace("-", " ").split())
    return _ALIASES.get(plain, plain)


def _describe_gender(item: Item, text: str) -> None:
    gender = read_gender(text)
    if gender:
        item.gender = gender
    else:
        item.attributes["gender"] = text


def _id_of(address: str) -> str:
    """ "https://shop.example/shirts/12#top" -> "shop.example/shirts/12"."""
    return address.partition("#")[0].partition("://")[2].rstrip("/")


def _time(text: str) -> datetime | None:
    """None where it is none."""
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
