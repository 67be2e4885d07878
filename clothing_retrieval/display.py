"""How items are written for people, on the terminal and on the page."""

from clothing_retrieval.v1.retrieval_service_pb2 import GarmentMatches
from clothing_retrieval.v1.types_pb2 import Garment, Item

WHOLE_PHOTO = "no garment found: searched with the whole photo"
WHOLE_PHOTO_ASKED = "searched with the whole photo, as asked"


def printable(text: str) -> str:
    """Without what could steer a terminal: a catalogue is written by others."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def price_now(item: Item) -> str:
    """ "990 TWD": what the item costs now. Empty where it is not known."""
    if item.HasField("sale_price"):
        return money(item.sale_price, item.currency)
    return money(item.price, item.currency) if item.HasField("price") else ""


def price_before(item: Item) -> str:
    """The price that a sale has lowered; empty where there is no sale."""
    if item.HasField("sale_price") and item.HasField("price") and item.price > item.sale_price:
        return money(item.price, item.currency)
    return ""


def money(amount: float, currency: str) -> str:
    digits = f"{amount:,.0f}" if amount == round(amount) else f"{amount:,.2f}"
    return f"{digits} {printable(currency)}".strip()


def garment_name(garment: Garment) -> str:
    """ "dress", or "perhaps skirt" for an alternative."""
    return f"perhaps {garment.category}" if garment.alternative else garment.category


def is_whole_photo(found: GarmentMatches) -> bool:
    """Whether the result stands for the whole photo instead of a garment in it."""
    return not found.garment.category
