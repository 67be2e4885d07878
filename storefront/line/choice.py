"""Another garment of a photo, as a quick reply asks for it."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs, urlencode

_MESSAGE_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True)
class GarmentChoice:
    """The photo is not kept: it is asked of LINE again, by the id of its message. So a tap is good for as long as LINE
    keeps the photo, and whichever storefront it reaches. The gateway remembers what it found in the photo."""

    message_id: str
    rank: int
    """Among the photo's garments, the largest first, counted from 0."""
    category: str

    @property
    def data(self) -> str:
        return urlencode({"do": "garment", "photo": self.message_id, "rank": self.rank, "category": self.category})

    @classmethod
    def read(cls, data: str) -> Self | None:
        """None where it is not one of ``data``."""
        values = {name: texts[0] for name, texts in parse_qs(data).items()}
        message_id, rank, category = (values.get(name, "") for name in ("photo", "rank", "category"))
        if (
            values.get("do") != "garment"
            or not _MESSAGE_ID.fullmatch(message_id)
            or not re.fullmatch("[0-9]{1,3}", rank)
        ):
            return None
        return cls(message_id, int(rank), category)
