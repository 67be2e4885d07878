"""Values as merchants write them: prices, yes and no, genders, names of files."""

import hashlib
import math
import re

MAX_ID_LENGTH = 128

_IN_STOCK = frozenset((
    "true", "yes", "y", "available", "instock", "instoreonly", "limitedavailability", "onlineonly",
    "現貨", "有現貨", "有貨", "有庫存",
))  # fmt: skip
_NOT_IN_STOCK = frozenset((
    "false", "no", "n", "unavailable", "outofstock", "soldout", "discontinued", "preorder", "presale", "backorder",
    "madetoorder", "reserved",
    "缺貨", "無貨", "無現貨", "無庫存", "售完", "完售", "預購",
))  # fmt: skip
_COUNT = re.compile(r"-?\d+(?:\.\d+)?")
_GENDERS = {
    "female": ("female", "f", "women", "woman", "womens", "women's", "ladies", "女", "女生", "女性", "女裝", "女款"),
    "male": ("male", "m", "men", "man", "mens", "men's", "男", "男生", "男性", "男裝", "男款"),
    "unisex": ("unisex", "u", "all", "both", "中性", "男女", "不分"),
}
_GENDER_OF = {word: gender for gender, words in _GENDERS.items() for word in words}
_CAMERA_WORDS = frozenset(("img", "dsc", "dscn", "dscf", "pxl", "image", "photo", "picture"))
_AMOUNT = re.compile(r"\d{1,3}(?:[\s'’]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}([.,])\d{3}(?:\1\d{3})*")
_WORD = re.compile(r"[A-Za-z]+")
_CODE_BEFORE = re.compile(r"(?<![A-Za-z])([A-Z]{3})[^A-Za-z0-9]*$")
_CODE_AFTER = re.compile(r"[^A-Za-z0-9]*([A-Z]{3})(?![A-Za-z])")


class BadValue(Exception):
    """A cell that cannot be read. The message names the column and the value."""


def read_price(column: str, text: str) -> tuple[float, str]:
    """("1,290 TWD") -> (1290.0, "TWD"). The currency is empty where none is named by its three letters.

    A comma or a point before exactly three digits at the end is taken to part thousands; not so in "0.995", "1290.500".

    Raises:
        BadValue: there is no amount in it, or there are several.
    """
    found = _AMOUNT.search(text)
    if not found or re.search("[-\u2212]", text[: found.start()]) or math.isinf(_number(found.group())):
        raise BadValue(f"{column} {text!r} is no amount of money")
    before, after = text[: found.start()], text[found.end() :]
    if _AMOUNT.search(after):
        raise BadValue(f"{column} {text!r} has several amounts: which of them counts cannot be told")
    return _number(found.group()), _currency(before, after)


def text_of(value: object) -> str:
    """Of a value in JSON, which may hold half of a surrogate pair: nothing that is UTF-8 can."""
    return str(value).encode("utf-8", "replace").decode()


def decimal(value: object) -> str:
    """A price of a format that parts no thousands, so that ``read_price`` does not either: "12.500" -> "12.5000"."""
    text = "" if value is None else str(value).strip()
    return f"{text}0" if _THOUSANDS.fullmatch(text) and text.count(".") == 1 else text


def read_in_stock(text: str) -> bool | None:
    """Of yes and no, of what feeds and schema.org say, and of counts: whether it can be bought and sent now.

    None for any other word: an item is worth more than what is known of its stock.
    """
    word = text.strip().lower().rpartition("/")[2]
    if _COUNT.fullmatch(word):
        return float(word) > 0
    plain = re.sub(r"[\s_-]", "", word)
    return plain in _IN_STOCK if plain in _IN_STOCK | _NOT_IN_STOCK else None


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


def _number(amount: str) -> float:
    digits = re.sub(r"[\s'’]", "", amount)
    *whole, last = re.split("[.,]", digits)
    return float("".join((*whole, last)) if not whole or _THOUSANDS.fullmatch(digits) else f"{''.join(whole)}.{last}")


def _currency(before: str, after: str) -> str:
    """The code beside an amount: "USD1290", "NT$ 1,290 TWD". A word alone may also be in small letters: "5 eur"."""
    if len(_WORD.findall(before + " " + after)) == 1:
        before, after = before.upper(), after.upper()
    code = _CODE_BEFORE.search(before) or _CODE_AFTER.match(after)
    return code.group(1) if code else ""
