"""What shops call a kind of clothing, in the words that the garment parser knows."""

import unicodedata
from collections.abc import Collection

_GOOGLE = {
    "203": "outer", "5598": "outer", "1831": "outer", "5506": "outer",
    "212": "top",
    "2271": "dress", "5182": "dress", "5250": "dress", "7132": "dress",
    "204": "pants", "207": "pants",
    "1581": "skirt", "5344": "skirt",
    "187": "footwear",
    "3032": "bag", "6551": "bag", "100": "bag",
    "173": "headwear",
    "178": "eyewear",
    "169": "belt",
    "176": "neckwear", "177": "neckwear",
}  # fmt: skip
"""By the numbers of Google's product taxonomy."""

_TAXONOMY = {
    "shirts & tops": "top",
    "outerwear": "outer",
    "coats & jackets": "outer",
    "one-pieces": "dress",
    "jumpsuits & rompers": "dress",
    "dresses": "dress",
    "skirts": "skirt",
    "skorts": "skirt",
    "pants": "pants",
    "shorts": "pants",
    "shoes": "footwear",
    "handbags": "bag",
    "handbags, wallets & cases": "bag",
    "hats": "headwear",
    "sunglasses": "eyewear",
    "scarves & shawls": "neckwear",
    "neckties": "neckwear",
    "belts": "belt",
}
"""By its names, where the gateway does not know them as they are."""

_CHINESE = {
    "洋裝": "dress", "洋装": "dress", "連身": "dress", "連身裙": "dress", "連身褲": "dress", "連衣裙": "dress",
    "背心裙": "dress",
    "裙": "skirt",
    "外套": "outer", "夾克": "outer", "大衣": "outer", "西裝": "outer", "風衣": "outer", "皮衣": "outer",
    "羽絨衣": "outer", "羽絨背心": "outer",
    "褲": "pants", "內搭褲": "leggings",
    "上衣": "top", "衫": "top", "T恤": "top", "毛衣": "top", "衛衣": "top", "針織": "top", "背心": "top",
    "帽T": "top", "大學T": "top", "短T": "top", "長T": "top", "素T": "top",
    "鞋": "footwear", "靴": "footwear",
    "包": "bag",
    "帽": "headwear",
    "圍巾": "neckwear", "絲巾": "neckwear", "領帶": "neckwear",
    "腰帶": "belt", "皮帶": "belt",
    "眼鏡": "eyewear", "墨鏡": "eyewear",
}  # fmt: skip
_LABELS = frozenset(_CHINESE.values())

_HALVES = {"上身": ("top", ("top", "outer")), "下身": ("pants", ("pants", "skirt", "leggings"))}
"""Halves of the body, each with what it is unless a title says which of the others."""


def garment_category(text: str, title: str = "") -> str:
    """A shop's category as the parser's label where it is known, else its last part as it stands.

    "Apparel & Accessories > Clothing > Dresses", "2271" and "洋裝" are "dress". "上身類" is "top", or "outer" where the
    title speaks of a coat; "下身類" is "pants", or "skirt".
    """
    leaf = text.rpartition(">")[2].strip()
    for half, (usual, labels) in _HALVES.items():
        if half in leaf:
            return _chinese(title, labels) or usual
    return _GOOGLE.get(leaf) or _TAXONOMY.get(leaf.lower()) or _chinese(leaf) or leaf


def _chinese(text: str, labels: Collection[str] = _LABELS) -> str:
    """By the last noun, which says what it is: 西裝褲 are trousers. Of words that end together, the longest counts."""
    plain = unicodedata.normalize("NFKC", text).upper()
    found = [
        (plain.rindex(word) + len(word), len(word), label)
        for word, label in _CHINESE.items()
        if label in labels and word in plain
    ]
    return max(found, default=(0, 0, ""))[2]
