"""What was read from a page of a shop."""

import json
from dataclasses import dataclass, field

from clothing_retrieval.catalog.row import Row


@dataclass
class ShopPage:
    rows: list[Row] = field(default_factory=list)
    """The products that it describes."""
    links: list[str] = field(default_factory=list)
    """Where its links lead: absolute, without fragments, in order."""
    problem: str = ""
    """Why a description that is there could not be read."""

    def to_json(self) -> str:
        rows = [(row.place, dict(row.values), row.more_pictures) for row in self.rows]
        return json.dumps((rows, self.links, self.problem), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "ShopPage":
        rows, links, problem = json.loads(text)
        return cls([Row(place, values, tuple(more)) for place, values, more in rows], links, problem)
