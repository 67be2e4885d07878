"""The labels that are garments: those of the shipped parser, and of a foreign one that calls them by these words."""

GARMENTS = (
    "top", "outer", "dress", "pants", "skirt", "leggings", "footwear", "bag", "headwear", "eyewear", "neckwear", "belt",
)  # fmt: skip
