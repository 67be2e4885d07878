"""Parameters that several routes take."""

from typing import Annotated

from fastapi import Path, Query

CollectionName = Annotated[
    str, Query(pattern=r"^[a-z0-9_-]{1,64}$", description="Name or alias of a collection.", examples=["boutique"])
]
TopK = Annotated[int, Query(ge=1, le=100, description="Matches for each garment.")]
Distance = Annotated[
    float | None, Query(ge=0, le=2, allow_inf_nan=False, description="Items farther than this are left out.")
]
ItemId = Annotated[
    str, Path(min_length=1, max_length=128, description="The merchant's own identifier.", examples=["dress-0002"])
]
