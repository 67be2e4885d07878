"""Answers on their way to the shopper: by reply, which is free, or by push where that is allowed."""

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Sequence
from enum import Enum, auto
from typing import Any

from linebot.v3 import messaging as line

from storefront.line import wording
from storefront.line.api import Api, LineError
from storefront.line.events import Chat, Event
from storefront.line.settings import Settings

log = logging.getLogger(__name__)

MOST_MESSAGES = 5
_PAUSES_S = (0.3, 1.0)
"""Before each further attempt, where a call may succeed if it is made again."""


class Outcome(Enum):
    SENT = auto()
    TOO_LATE = auto()
    """The reply token is spent or too old: nothing was sent."""
    REFUSED = auto()
    """LINE does not take these messages."""
    FAILED = auto()


class Delivery:
    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._settings = settings

    def left_s(self, event: Event) -> float:
        """How long the event's reply token is still good, in seconds."""
        return event.received_at + self._settings.reply_s - time.monotonic()

    async def send(self, event: Event, messages: Sequence[Any]) -> Outcome:
        """Messages that LINE does not take are replaced by a sentence: silence would be worse."""
        outcome = await self._reply(event, list(messages[:MOST_MESSAGES]))
        if outcome is Outcome.REFUSED:
            outcome = await self._reply(event, [line.TextMessage(text=wording.TROUBLE)])
        # The token of an event that came twice was most likely used for the first: a push would answer again.
        if outcome is Outcome.TOO_LATE and self._settings.push and not event.redelivered:
            outcome = await self._push(event.chat, list(messages[:MOST_MESSAGES]))
        if outcome is not Outcome.SENT:
            log.error("a shopper got no answer: %s", outcome.name)
        return outcome

    async def show_loading(self, chat: Chat) -> None:
        """Only a shopper alone with the bot can be shown it. It is an ornament: nothing else waits for it or fails."""
        if chat.private:
            with contextlib.suppress(LineError):
                await self._api.show_loading(chat.id, seconds=60)

    async def _reply(self, event: Event, messages: list[Any]) -> Outcome:
        """A token works once, so that a reply that is sent again after a failure cannot come twice."""
        in_doubt = False
        for pause_s in (*_PAUSES_S, None):
            if self.left_s(event) <= 0:
                return Outcome.FAILED if in_doubt else Outcome.TOO_LATE
            try:
                await self._api.reply(event.reply_token, messages)
            except LineError as error:
                if error.status == 400 and "reply token" in error.message.lower():
                    return Outcome.SENT if in_doubt else Outcome.TOO_LATE
                if error.status != 429 and not error.in_doubt:
                    return Outcome.REFUSED if error.status == 400 else Outcome.FAILED
                in_doubt |= error.in_doubt
            else:
                return Outcome.SENT
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        return Outcome.FAILED

    async def _push(self, chat: Chat, messages: list[Any]) -> Outcome:
        """The key makes sure that it comes once. 429 may be the month's quota: it is not tried again."""
        key = str(uuid.uuid4())
        for pause_s in (*_PAUSES_S, None):
            try:
                await self._api.push(chat.id, messages, key)
            except LineError as error:
                if error.status == 409:  # an earlier attempt was accepted
                    return Outcome.SENT
                if not error.in_doubt:
                    return Outcome.FAILED
            else:
                return Outcome.SENT
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        return Outcome.FAILED
