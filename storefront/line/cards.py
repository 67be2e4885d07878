"""Items as LINE shows them: a bubble each, in a carousel."""

from collections.abc import Sequence
from typing import Any

from linebot.v3 import messaging as line

from clothing_retrieval.display import printable
from clothing_retrieval.v1.types_pb2 import Item
from storefront.line import wording
from storefront.line.lengths import cut
from storefront.line.pictures import page_address

_MOST_ALT_TEXT = 400
_MOST_TITLE = 100
_MOST_PRICE = 30
_GREY, _RED = "#8C8C8C", "#C8102E"


def carousel(items: Sequence[Item], pictures: Sequence[str | None]) -> Any:
    """A FlexMessage of 1 to 12 items. ``pictures`` are the addresses of theirs, in the same order."""
    bubbles = [_bubble(item, picture) for item, picture in zip(items, pictures, strict=True)]
    alt_text = cut(printable(wording.listed(items)), _MOST_ALT_TEXT)
    return line.FlexMessage(alt_text=alt_text, contents=line.FlexCarousel(contents=bubbles))


def _bubble(item: Item, picture: str | None) -> Any:
    page = page_address(item)
    return line.FlexBubble(
        size="kilo",
        hero=picture and _picture(picture),
        body=line.FlexBox(layout="vertical", spacing="sm", contents=[_title(item), *_prices(item), *_stock(item)]),
        footer=page and line.FlexBox(layout="vertical", contents=[_button(page)]),
    )


def _picture(address: str) -> Any:
    return line.FlexImage(url=address, size="full", aspect_ratio="3:4", aspect_mode="fit", background_color="#FFFFFF")


def _title(item: Item) -> Any:
    title = printable(item.title).strip() or printable(item.id).strip() or "—"
    return line.FlexText(text=cut(title, _MOST_TITLE), weight="bold", wrap=True, max_lines=2)


def _prices(item: Item) -> list[Any]:
    """What it costs now; in red, and before it what it cost, where a sale has lowered it."""
    if not item.HasField("price") and not item.HasField("sale_price"):
        return []
    now = item.sale_price if item.HasField("sale_price") else item.price
    texts = []
    on_sale = item.HasField("sale_price") and item.HasField("price") and item.sale_price < item.price
    if on_sale:
        texts.append(
            line.FlexText(text=_money(item.price, item), size="sm", color=_GREY, decoration="line-through", flex=0)
        )
    color = {"color": _RED} if on_sale else {}
    texts.append(line.FlexText(text=_money(now, item), weight="bold", flex=0, **color))
    return [line.FlexBox(layout="baseline", spacing="sm", contents=texts)]


def _money(amount: float, item: Item) -> str:
    return cut(printable(wording.money(amount, item.currency)), _MOST_PRICE)


def _stock(item: Item) -> list[Any]:
    sold_out = item.HasField("in_stock") and not item.in_stock
    return [line.FlexText(text=wording.SOLD_OUT, size="sm", color=_GREY)] if sold_out else []


def _button(page: str) -> Any:
    action = line.URIAction(label=wording.SEE_ITEM, uri=page)
    return line.FlexButton(style="primary", height="sm", action=action)
