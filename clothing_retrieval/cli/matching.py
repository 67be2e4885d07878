"""``--category-matching``, wherever a photo is searched with."""

from enum import StrEnum
from typing import Annotated

import typer

from clothing_retrieval.v1 import retrieval_service_pb2 as retrieval


class Matching(StrEnum):
    STRICT = "strict"
    PREFER = "prefer"
    IGNORE = "ignore"


_MESSAGES = {
    None: retrieval.CATEGORY_MATCHING_UNSPECIFIED,
    Matching.STRICT: retrieval.CATEGORY_MATCHING_STRICT,
    Matching.PREFER: retrieval.CATEGORY_MATCHING_PREFER,
    Matching.IGNORE: retrieval.CATEGORY_MATCHING_IGNORE,
}

CategoryMatching = Annotated[
    Matching | None,
    typer.Option(
        help="Items of a garment's own category only, first, or all alike.", show_default="the gateway's default"
    ),
]


def message(matching: Matching | None) -> retrieval.CategoryMatching:
    return _MESSAGES[matching]
