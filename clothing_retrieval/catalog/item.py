"""One thing the boutique sells."""

from __future__ import annotations

from dataclasses import dataclass

CURRENCY = "TWD"


@dataclass(frozen=True)
class Item:
    """What an item is, and so what it looks like in every picture of it.

    colors: names of palette.COLORS, the ground first. pattern_scale: fine | medium | bold. print: a motif or a word,
    or "". seed: where its scattered motifs fall.
    """

    number: int
    category: str
    cut: str
    finish: str
    pattern: str
    pattern_scale: str
    colors: tuple[str, ...]
    print: str
    contrast: bool  # trim, sleeves or soles take the second colour
    gender: str
    price: int
    sale_price: int | None
    in_stock: bool
    seed: int

    @property
    def id(self) -> str:
        return f"{self.category}-{self.number:04d}"

    @property
    def file(self) -> str:
        """Relative to the catalogue's folder."""
        return f"{self.category}/{self.id}.jpg"

    @property
    def url(self) -> str:
        return f"https://boutique.example/items/{self.id}"

    @property
    def color_words(self) -> str:
        *first, last = self.colors
        return f"{', '.join(first)} and {last}" if first else last

    @property
    def pattern_words(self) -> str:
        return self.pattern if self.pattern_scale == "medium" else f"{self.pattern_scale} {self.pattern}"

    @property
    def title(self) -> str:
        words = [] if self.pattern == "plain" else [_adjective(self.pattern_words)]
        words += [word for word in _MATERIALS.get(self.finish, "").split() if word not in self.cut]
        words.append(self.cut)
        name = " ".join(words)
        if self.print:
            name += (
                f" with “{self.print}”"
                if self.print.isupper() or self.print[0].isdigit()
                else f" with {self.print} print"
            )
        elif self.contrast:
            name += ", two-tone"
        return f"{name[0].upper()}{name[1:]}, {self.color_words}"

    @property
    def row(self) -> dict[str, str]:
        """As `items.csv` has it."""
        return {
            "id": self.id,
            "file": self.file,
            "title": self.title,
            "category": self.category,
            "price": str(self.price),
            "sale_price": "" if self.sale_price is None else str(self.sale_price),
            "currency": CURRENCY,
            "gender": self.gender,
            "color": ", ".join(self.colors),
            "pattern": self.pattern_words,
            "in_stock": "true" if self.in_stock else "false",
            "url": self.url,
        }


_MATERIALS = {
    "linen": "linen",
    "wool": "wool",
    "knit": "knitted",
    "denim": "denim",
    "cord": "corduroy",
    "canvas": "canvas",
    "leather": "leather",
    "satin": "satin",
    "straw": "straw",
    "patent": "patent leather",
    "heather": "heathered",
}
_ADJECTIVES = {"floral": "floral", "gingham": "gingham", "ombre": "ombré", "marble": "tie-dyed", "washed": "washed"}


def _adjective(pattern: str) -> str:
    scale, _, name = pattern.partition(" ") if pattern.startswith(("fine ", "bold ")) else ("", "", pattern)
    word = _ADJECTIVES.get(name)
    if word is None:
        word = f"{name}-print" if name in _SCATTERED else f"{name[:-6]}striped" if name.endswith("stripe") else name
    return f"{scale} {word}".strip().replace("breton striped", "Breton-striped")


_SCATTERED = frozenset(
    (
        "star",
        "heart",
        "daisy",
        "leaf",
        "triangle",
        "diamond",
        "cross",
        "moon",
        "cat",
        "fish",
        "bolt",
        "sun",
        "leopard",
        "zebra",
    )
)
