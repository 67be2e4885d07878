"""Sizes and colours of one product: what looks the same is one item."""

import itertools
from collections.abc import Iterable, Iterator, Sequence

from clothing_retrieval.catalog.fields import BadValue, read_in_stock, read_price
from clothing_retrieval.catalog.row import Row

GROUP = "item_group_id"
_JOINED = ("size", "color")
_PRICES = ("price", "sale_price", "sale_price_effective_date")
_MOST = 1000


def merged(rows: Iterable[Row]) -> Iterator[Row]:
    """Of rows that follow each other, those of one ``item_group_id`` and one picture become one.

    It has the id and the page of the first, all sizes, and the price of the cheapest; it is in stock if one is.
    """
    for group, members in itertools.groupby(rows, lambda row: row.values.get(GROUP, "")):
        if not group:
            yield from members
            continue
        while some := list(itertools.islice(members, _MOST)):
            by_picture: dict[str, list[Row]] = {}
            for row in some:
                by_picture.setdefault(row.values.get("image_url", ""), []).append(row)
            yield from map(_one, by_picture.values())


def _one(rows: Sequence[Row]) -> Row:
    first = rows[0]
    if len(rows) == 1:
        return first
    values = {name: text for name, text in first.values.items() if name not in _PRICES}
    cheapest = min(rows, key=_price_now)
    values.update({name: cheapest.values[name] for name in _PRICES if name in cheapest.values})
    for name in _JOINED:
        if different := dict.fromkeys(row.values[name] for row in rows if name in row.values):
            values[name] = ", ".join(different)
    stock = [row.values["in_stock"] for row in rows if "in_stock" in row.values]
    if stock:
        values["in_stock"] = next(filter(read_in_stock, stock), stock[0])
    more = tuple(dict.fromkeys(address for row in rows for address in row.more_pictures))
    return Row(first.place, values, more)


def _price_now(row: Row) -> float:
    for name in ("sale_price", "price") if row.sale_is_on else ("price",):
        try:
            return read_price(name, row.values[name])[0]
        except (BadValue, KeyError):
            continue
    return float("inf")
