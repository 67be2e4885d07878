"""What merchants call their categories, in the words of the garment parser."""

_SYNONYMS: dict[str, tuple[str, ...]] = {
    "top": (
        "tops", "t-shirt", "tshirt", "tee", "shirt", "blouse", "longsleeve", "long-sleeve", "polo", "sweater", "jumper",
        "sweatshirt", "hoodie", "pullover", "knitwear", "tank-top", "vest", "bodysuit", "undershirt",
    ),
    "outer": ("outerwear", "outwear", "jacket", "coat", "blazer", "cardigan", "parka", "cape", "suit"),
    "dress": ("dresses", "gown", "jumpsuit", "romper"),
    "pants": ("trousers", "jeans", "shorts", "chinos", "joggers", "slacks"),
    "skirt": ("skirts",),
    "leggings": ("tights", "stockings", "socks"),
    "footwear": (
        "shoes", "shoe", "sneakers", "boots", "sandals", "heels", "pumps", "loafers", "flats", "slippers", "trainers",
    ),
    "bag": ("bags", "handbag", "purse", "backpack", "wallet", "clutch", "tote"),
    "headwear": ("hat", "hats", "cap", "beanie", "caps"),
    "eyewear": ("glasses", "sunglasses"),
    "neckwear": ("scarf", "scarves", "tie", "ties", "necktie"),
    "belt": ("belts",),
}  # fmt: skip
_LABEL_OF = {word: label for label, words in _SYNONYMS.items() for word in (label, *words)}


def parser_label(category: str) -> str | None:
    """The parser's label for a merchant's category; None where it is not known."""
    word = "-".join(category.lower().replace("_", " ").split())
    return _LABEL_OF.get(word) or _LABEL_OF.get(word.removesuffix("s"))
