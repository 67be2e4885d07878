"""One event after another, from what the shopper did to the answer that is sent."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from linebot.v3 import messaging as line

from storefront.line import wording
from storefront.line.choice import GarmentChoice
from storefront.line.conversation import Conversation, Messages, Unanswerable, apology
from storefront.line.delivery import Delivery
from storefront.line.events import Event, Photo
from storefront.line.settings import Settings

log = logging.getLogger(__name__)

_TO_SEND_S = 2.0
"""Kept of the reply token's time for the reply itself."""


class Desk:
    def __init__(self, conversation: Conversation, delivery: Delivery, settings: Settings) -> None:
        self._conversation = conversation
        self._delivery = delivery
        self._settings = settings

    async def serve(self, event: Event) -> None:
        """Every shopper who can still be answered is answered, if only with an apology."""
        timeout_s = self._timeout_s(event)
        if timeout_s <= -_TO_SEND_S:
            log.error("an event waited until its reply token was too old")
            return
        async with self._loading(event):
            messages = await self._answer(event, timeout_s)
        if messages:
            await self._delivery.send(event, messages)

    @contextlib.asynccontextmanager
    async def _loading(self, event: Event) -> AsyncIterator[None]:
        """The animation starts beside what takes long. An answer does not wait for it."""
        starting = None
        if isinstance(event.deed, Photo | GarmentChoice):
            starting = asyncio.create_task(self._delivery.show_loading(event.chat))
        try:
            yield
        finally:
            if starting:
                starting.cancel()

    def _timeout_s(self, event: Event) -> float:
        if self._settings.push:
            return self._settings.answer_s
        return min(self._settings.answer_s, self._delivery.left_s(event) - _TO_SEND_S)

    async def _answer(self, event: Event, timeout_s: float) -> Messages:
        """Where no time is left, what takes none is answered still."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._conversation.answer(event.deed, event.chat, timeout_s)
        except Exception as error:  # noqa: BLE001 - whatever it is, the shopper waits for a word
            told = wording.BUSY if timeout_s <= 0 and isinstance(error, TimeoutError) else apology(error)
            if not isinstance(error, Unanswerable):
                log.warning("no answer found: %s: %s", type(error).__name__, error)
            return [line.TextMessage(text=told)]
