"""What the bot answers to what."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from linebot.v3 import messaging as line

from clothing_retrieval import AsyncClient, errors
from clothing_retrieval.v1.retrieval_service_pb2 import GarmentMatches
from clothing_retrieval.v1.types_pb2 import Item
from storefront.line import cards, quick_replies, wording
from storefront.line.api import Api, LineError, PhotoGone
from storefront.line.assortment import Assortment
from storefront.line.choice import GarmentChoice
from storefront.line.events import Arrival, Chat, Deed, Photo, Words
from storefront.line.kinds import Kind, asks_for_kinds, kind_named
from storefront.line.pictures import Pictures
from storefront.line.settings import Settings

Messages = Sequence[Any]
"""Of LINE's kinds of messages; none: the bot says nothing."""


class Unanswerable(Exception):
    """There is no answer, and what the shopper is told instead."""

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told = told


class Conversation:
    def __init__(self, client: AsyncClient, api: Api, settings: Settings) -> None:
        self._client = client
        self._api = api
        self._settings = settings
        self._assortment = Assortment(client, settings)
        self._pictures = Pictures(client, settings)

    async def answer(self, deed: Deed, chat: Chat, timeout_s: float) -> Messages:
        """Raises Unanswerable, or RetrievalError or LineError where the gateway or LINE is at fault."""
        if isinstance(deed, Arrival):
            return [_text(wording.HELLO, quick_replies.ask())]
        if isinstance(deed, Photo):
            return await self._photo(deed, timeout_s)
        if isinstance(deed, GarmentChoice):
            return await self._another_garment(deed, timeout_s)
        if isinstance(deed, Words) and asks_for_kinds(deed.text):
            return [_text(wording.WHICH_KIND, quick_replies.kinds())]
        if isinstance(deed, Words) and (kind := kind_named(deed.text)):
            return await self._kind(kind)
        return [_text(wording.HELP, quick_replies.ask())] if chat.private else []  # a group talks of other things

    async def _photo(self, photo: Photo, timeout_s: float) -> Messages:
        if photo.elsewhere:
            raise Unanswerable(wording.GONE)
        results = await self._search(photo.message_id, timeout_s)
        return await self._matches(results, 0, photo.message_id, photo.quote_token)

    async def _another_garment(self, choice: GarmentChoice, timeout_s: float) -> Messages:
        results = await self._search(choice.message_id, timeout_s)
        ranks = [rank for rank, found in enumerate(results) if found.garment.category == choice.category]
        if not ranks:  # other models see other garments
            raise Unanswerable(wording.NOTHING)
        return await self._matches(results, choice.rank if choice.rank in ranks else ranks[0], choice.message_id)

    async def _search(self, message_id: str, timeout_s: float) -> Sequence[GarmentMatches]:
        until = time.monotonic() + timeout_s
        photo = await self._api.photo(message_id)
        if len(photo) > self._settings.max_photo_bytes:
            raise Unanswerable(wording.TOO_LARGE)
        response = await self._client.search(
            photo,
            collection=self._settings.collection,
            top_k=self._settings.items,
            max_distance=self._settings.max_distance,
            timeout_s=max(0.001, until - time.monotonic()),
        )
        return response.results

    async def _matches(
        self, results: Sequence[GarmentMatches], rank: int, message_id: str, quote_token: str = ""
    ) -> Messages:
        """For the garment of that rank, and buttons for those others that something was found for."""
        others = quick_replies.garments(
            [
                GarmentChoice(message_id, other, found.garment.category)
                for other, found in enumerate(results)
                if other != rank and found.matches
            ]
        )
        if not results or not results[rank].matches:
            return [_text(wording.NOTHING, others, quote_token)]
        heading = _text(wording.found(results[rank].garment), quote_token=quote_token)
        return [heading, await self._cards([match.item for match in results[rank].matches], others)]

    async def _kind(self, kind: Kind) -> Messages:
        items = await self._assortment.some(kind)
        if not items:
            return [_text(wording.NOTHING, quick_replies.kinds())]
        return [_text(wording.of_kind(kind.label)), await self._cards(items, quick_replies.kinds())]

    async def _cards(self, items: Sequence[Item], quick_reply: Any) -> Any:
        pictures = await asyncio.gather(*map(self._pictures.address, items))
        message = cards.carousel(items, pictures)
        message.quick_reply = quick_reply
        return message


def apology(error: Exception) -> str:
    """What a shopper is told of it: the truth, and what helps."""
    if isinstance(error, Unanswerable):
        return error.told
    if isinstance(error, PhotoGone):
        return wording.GONE
    if isinstance(error, errors.InvalidArgument) and error.reason == "INVALID_IMAGE":
        return wording.UNREADABLE
    if isinstance(error, errors.ResourceExhausted):
        return wording.BUSY
    if isinstance(error, errors.TransientError | LineError | TimeoutError):
        return wording.AWAY
    return wording.TROUBLE


def _text(text: str, quick_reply: Any = None, quote_token: str = "") -> Any:
    return line.TextMessage(text=text, quick_reply=quick_reply, quote_token=quote_token or None)
