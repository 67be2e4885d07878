"""The five kinds of clothing that a shopper can ask for without a photo."""

from collections.abc import Sequence
from dataclasses import dataclass

from clothing_retrieval.v1.types_pb2 import Condition, Filter, Values
from storefront.line.settings import Settings

ASK = "幫我找"
_FOR_MEN, _FOR_WOMEN = ("male", "unisex"), ("female", "unisex")


@dataclass(frozen=True)
class Kind:
    label: str
    part: str
    """Which of the settings names its categories: "upper", "lower" or "dress"."""
    genders: Sequence[str] = ()
    """Whom it is made for; empty: anybody."""

    def filter(self, settings: Settings) -> Filter:
        categories: Sequence[str] = getattr(settings, f"{self.part}_categories")
        conditions = [Condition(field="category", any_of=Values(values=categories))]
        if self.genders:
            conditions.append(Condition(field="gender", any_of=Values(values=self.genders)))
        return Filter(all_of=conditions)


KINDS = (
    Kind("男生上身", "upper", _FOR_MEN),
    Kind("女生上身", "upper", _FOR_WOMEN),
    Kind("男生下身", "lower", _FOR_MEN),
    Kind("女生下身", "lower", _FOR_WOMEN),
    Kind("洋裝/連身裙", "dress"),
)
_BY_WORD = {word: kind for kind in KINDS for word in (kind.label, *kind.label.split("/"))}


def asks_for_kinds(text: str) -> bool:
    return text.strip() == ASK


def kind_named(text: str) -> Kind | None:
    """ "男生上身" and "幫我找男生上身" name the same."""
    return _BY_WORD.get(text.strip().removeprefix(ASK).strip())
