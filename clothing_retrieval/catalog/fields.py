"""Values as merchants write them: prices, yes and no, genders, names of files."""

import hashlib
import re

MAX_ID_LENGTH = 128

_YES = frozenset(("true", "yes", "y", "1", "in stock", "in_stock", "available", "instock"))
_NO = frozenset(("false", "no", "n", "0", "out of stock", "out_of_stock", "sold out", "unavailable", "outofstock"))
_IN_STOCK = frozenset(("instoreonly", "limitedavailability", "onlineonly", "有現貨", "有貨"))
_NOT_IN_STOCK = frozenset(("soldout", "discontinued", "preorder", "presale", "backorder", "缺貨", "售完"))
_GENDERS = {
    "female": ("female", "f", "women", "woman", "womens", "women's", "ladies", "女", "女生", "女性", "女裝", "女款"),
    "male": ("male", "m", "men", "man", "mens", "men's", "男", "男生", "男性", "男裝", "男款"),
    "unisex": ("unisex", "u", "all", "both", "中性", "男女", "不分"),
}
_GENDER_OF = {word: gender for gender, words in _GENDERS.items() for word in words}
_CAMERA_WORDS = frozenset(("img", "dsc", "dscn", "dscf", "pxl", "image", "photo", "picture"))
_AMOUNT = re.compile(r"\d[\d ,.'’]*")
_CURRENCY = re.compile(r"\b[A-Z]{3}\b")


class BadValue(Exception):
    """A cell that cannot be read. The message names the column and the value."""


def read_price(column: str, text: str) -> tuple[float, str]:
    """("1,290 TWD") -> (1290.0, "TWD"). The currency is empty where none is named by its three letters.

    A comma or a point before exactly three digits at the end is taken to part thousands.

    Raises:
        BadValue: there is no amount in it.
    """
    found = _AMOUNT.search(text)
    if not found or "-" in text[: found.start()]:
        raise BadValue(f"{column} {text!r} is no amount of money")
    digits = re.sub(r"[ '’]", "", found.group().strip().rstrip(".,"))
    whole, _, fraction = digits.replace(",", ".").rpartition(".")
    amount = f"{whole.replace('.', '')}.{fraction}" if whole and len(fraction) != 3 else re.sub(r"[.,]", "", digits)
    currency = _CURRENCY.search(text.upper())
    return float(amount), currency.group() if currency else ""


def read_bool(column: str, text: str) -> bool:
    """Raises BadValue where the text is neither a yes nor a no."""
    word = text.strip().lower()
    if word not in _YES | _NO:
        raise BadValue(f"{column} {text!r} is neither yes nor no")
    return word in _YES


def read_in_stock(column: str, text: str) -> bool:
    """Of yes and no, and of what feeds and schema.org say: whether it can be bought and sent now.

    Raises BadValue where the text is nothing of all that.
    """
    word = text.strip().lower().rpartition("/")[2].replace("_", " ")
    plain = word.replace(" ", "")
    if plain in _IN_STOCK | _NOT_IN_STOCK:
        return plain in _IN_STOCK
    return read_bool(column, word)


def read_gender(text: str) -> str:
    """ "female", "male", "unisex", or "" for any other word. Of schema.org too: "https://schema.org/Female"."""
    return _GENDER_OF.get(text.strip().lower().rpartition("/")[2], "")


def humanised(stem: str) -> str:
    """ "red-linen_dress" -> "Red linen dress"."""
    words = re.sub(r"[\s_\-.]+", " ", stem).strip()
    return words[:1].upper() + words[1:]


def is_code(stem: str) -> bool:
    """Whether a name says nothing to people: "0012", "IMG_4711", a UUID."""
    words = re.findall(r"[^\W\d_]{3,}|[^\W\d_\x00-\x7f]+", stem.lower())
    return all(word in _CAMERA_WORDS or not set(word) - set("abcdef") for word in words)


def short_id(text: str) -> str:
    """The text itself, or its beginning and a digest of all of it where it is longer than an id may be."""
    if len(text) <= MAX_ID_LENGTH:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{text[: MAX_ID_LENGTH - len(digest) - 1]}-{digest}"
