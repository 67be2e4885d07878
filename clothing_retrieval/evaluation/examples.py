"""Queries to look at: those that went worst, and those that went best."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from clothing_retrieval import errors
from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.evaluation.evaluation import Evaluation
from clothing_retrieval.evaluation.judging import telling_garment
from clothing_retrieval.evaluation.searching import Answer, Way
from clothing_retrieval.v1.types_pb2 import Garment, Item

SHOWN_ITEMS = 5
"""How many of the items found are shown."""
_AT_ONCE = 4


@dataclass(frozen=True)
class Example:
    answer: Answer
    score: float
    """The figure that ranks it among others."""
    photo: bytes = field(repr=False)
    """The file; empty where it cannot be read."""
    garment: Garment | None
    """The garment that tells, with its mask and cutout; None where there is no answer."""
    items: Mapping[str, Item] = field(repr=False)
    """Those that are sought, by id."""
    pictures: Mapping[str, bytes] = field(repr=False)
    """The stored JPEGs of the items to show, by id; those that have one."""
    whole_image: bool = False
    """The photo was to be taken as a whole."""


def choose(evaluation: Evaluation, count: int) -> tuple[list[Answer], list[Answer]]:
    """The worst answers, worst first, and the best, best first: at most ``count`` of each, and none in both.

    Photos of a category that the collection lacks are in neither.
    """
    scored = [(evaluation.score(answer), answer) for answer in evaluation.answers]
    ranked = [answer for score, answer in sorted(scored, key=lambda pair: pair[0]) if not math.isnan(score)]
    worst = ranked[: min(count, (len(ranked) + 1) // 2)]
    best = ranked[::-1][: min(count, len(ranked) - len(worst))]
    return worst, best


async def illustrate(client: AsyncClient, evaluation: Evaluation, answers: Sequence[Answer], way: Way) -> list[Example]:
    """Searches once more with each photo for what the page shows beside the answer, and gets the items' pictures.

    What cannot be had any more is left out: the figures do not depend on it.
    """
    turns = asyncio.Semaphore(_AT_ONCE)

    async def example(answer: Answer) -> Example:
        async with turns:
            garment, photo = await _garment(client, answer, way)
            items = {id: await _item(client, id, way.collection) for id in answer.query.items}
            shown = [*_shown_ids(answer), *answer.query.items]
            pictures = {id: jpeg for id in shown if (jpeg := await _picture(client, id, way.collection))}
        return Example(answer, evaluation.score(answer), photo, garment, items, pictures, way.whole_image)

    return list(await asyncio.gather(*(example(answer) for answer in answers)))


async def _garment(client: AsyncClient, answer: Answer, way: Way) -> tuple[Garment | None, bytes]:
    try:
        photo = await asyncio.to_thread(answer.query.photo.read_bytes)
    except OSError:
        return None, b""
    if answer.problem:
        return None, photo
    try:
        response = await client.search(
            photo,
            collection=way.collection,
            top_k=1,
            whole_image=way.whole_image,
            category_matching=way.category_matching,
            include_alternatives=way.alternatives,
            include_cutouts=True,
            include_masks=True,
        )
    except errors.RetrievalError:
        return None, photo
    number = telling_garment(answer)
    return (response.results[number].garment if number < len(response.results) else None), photo


def _shown_ids(answer: Answer) -> list[str]:
    if not answer.garments:
        return []
    return [hit.id for hit in answer.garments[telling_garment(answer)].hits[:SHOWN_ITEMS]]


async def _item(client: AsyncClient, id: str, collection: str) -> Item:
    try:
        return await client.get_item(id, collection=collection)
    except errors.RetrievalError:
        return Item(id=id)


async def _picture(client: AsyncClient, id: str, collection: str) -> bytes:
    """Empty where there is none."""
    try:
        return await client.get_picture(id, collection=collection)
    except errors.RetrievalError:
        return b""
