"""What shops call a kind of clothing, in the words that the garment parser knows."""

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

_CHINESE = (
    ("洋裝", "dress"), ("連身", "dress"), ("洋装", "dress"),
    ("裙", "skirt"),
    ("外套", "outer"), ("夾克", "outer"), ("大衣", "outer"), ("西裝", "outer"), ("風衣", "outer"), ("背心外", "outer"),
    ("內搭褲", "leggings"), ("褲", "pants"),
    ("上衣", "top"), ("襯衫", "top"), ("T恤", "top"), ("毛衣", "top"), ("針織", "top"), ("帽T", "top"),
    ("鞋", "footwear"), ("靴", "footwear"),
    ("包", "bag"),
    ("帽", "headwear"),
    ("圍巾", "neckwear"), ("領帶", "neckwear"),
    ("腰帶", "belt"), ("皮帶", "belt"),
    ("眼鏡", "eyewear"),
)  # fmt: skip
"""The first that is in the text counts."""

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
            told = _chinese(title)
            return told if told in labels else usual
    return _GOOGLE.get(leaf) or _TAXONOMY.get(leaf.lower()) or _chinese(leaf) or leaf


def _chinese(text: str) -> str:
    return next((label for word, label in _CHINESE if word in text), "")
