"""The boutique's dye book: names that shoppers use, as sRGB."""

from __future__ import annotations

Color = tuple[float, float, float]  # sRGB, 0 to 1

_HEX = {
    "white": "f4f3f0",
    "cream": "f0e6d0",
    "ivory": "ece4d6",
    "beige": "d8c4a4",
    "sand": "c9b089",
    "camel": "b98a55",
    "tan": "a9764a",
    "cognac": "8f4f26",
    "brown": "5f3f2c",
    "chocolate": "3d2920",
    "black": "222226",
    "charcoal": "45474c",
    "grey": "85888d",
    "silver": "babdc2",
    "taupe": "8d7f73",
    "navy": "1f2b4d",
    "royal blue": "2648b0",
    "cobalt": "1565d0",
    "denim blue": "4a6c96",
    "sky blue": "8fc1ea",
    "ice blue": "c6dcec",
    "teal": "116b73",
    "turquoise": "27b4b8",
    "mint": "a9dcc2",
    "sage": "97a98b",
    "olive": "69693b",
    "khaki": "8d865c",
    "forest green": "1f4d36",
    "emerald": "0c8658",
    "grass green": "4c9a3b",
    "lime": "b5d33d",
    "lemon": "f4e06a",
    "mustard": "cf9d24",
    "amber": "ee9a1b",
    "orange": "e8692a",
    "rust": "a8472a",
    "coral": "f17a68",
    "peach": "f6bd9c",
    "red": "c9242f",
    "crimson": "9c1633",
    "burgundy": "5c1a2b",
    "blush": "eec7c4",
    "pink": "ec89a8",
    "fuchsia": "d02781",
    "plum": "5b2a55",
    "purple": "6f41a3",
    "lavender": "b9a5dc",
    "lilac": "d6b9dd",
}
COLORS: dict[str, Color] = {
    name: (int(code[:2], 16) / 255, int(code[2:4], 16) / 255, int(code[4:], 16) / 255) for name, code in _HEX.items()
}
NEUTRALS = ("white", "cream", "beige", "camel", "brown", "black", "charcoal", "grey", "silver", "navy")
LEATHERS = ("black", "brown", "chocolate", "tan", "cognac", "camel", "burgundy", "cream", "navy", "red", "forest green")
DENIMS = ("navy", "denim blue", "sky blue", "ice blue", "black", "charcoal", "white", "grey")


def lightness(color: Color) -> float:
    """How light it looks, 0 to 1."""
    r, g, b = color
    return 0.299 * r + 0.587 * g + 0.114 * b


def difference(a: Color, b: Color) -> float:
    """How far apart two colours look: about 0 to 1 (the "redmean" approximation of CIE distance)."""
    mean = (a[0] + b[0]) / 2
    dr, dg, db = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    return float((((2 + mean) * dr * dr + 4 * dg * dg + (3 - mean) * db * db) / 9) ** 0.5)


def mix(a: Color, b: Color, part: float) -> Color:
    return (a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part, a[2] + (b[2] - a[2]) * part)
