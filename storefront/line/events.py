"""What a shopper did, as LINE's webhooks tell it."""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from linebot.v3 import webhooks as line

from storefront.line.choice import GarmentChoice

log = logging.getLogger(__name__)


class InvalidWebhook(Exception):
    """Signed, and yet not what LINE sends. The message says why."""


@dataclass(frozen=True)
class Chat:
    id: str
    """Of the shopper, the group or the room."""
    private: bool
    """Nobody but one shopper and the bot."""


@dataclass(frozen=True)
class Photo:
    message_id: str
    quote_token: str = ""
    elsewhere: bool = False
    """The photo is not kept by LINE."""


@dataclass(frozen=True)
class Words:
    text: str


@dataclass(frozen=True)
class Arrival:
    """The shopper became a friend, or the bot was let into a group."""


@dataclass(frozen=True)
class Something:
    """A message that the bot can do nothing with: a sticker, a video, a place."""


Deed = Photo | Words | GarmentChoice | Arrival | Something


@dataclass(frozen=True)
class Event:
    id: str
    chat: Chat
    deed: Deed
    reply_token: str = field(repr=False)
    redelivered: bool
    received_at: float = field(default_factory=time.monotonic)
    """On the monotonic clock, in seconds."""


def read_events(body: bytes) -> list[Event]:
    """The events of a webhook that can be answered.

    Raises:
        InvalidWebhook: the body is no webhook.
    """
    try:
        webhook = json.loads(body)
    except ValueError as error:  # UnicodeDecodeError is one
        raise InvalidWebhook(f"no JSON: {error}") from None
    given = webhook.get("events") if isinstance(webhook, dict) else None
    if not isinstance(given, list):
        raise InvalidWebhook("no list of events")
    return [event for described in given for event in _read(described)]


def _read(described: Any) -> Iterator[Event]:
    """One, or none where there is nothing to answer: LINE adds kinds of events as it likes."""
    try:
        event = line.Event.from_dict(described)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.info("an event that cannot be read was passed over: %s", type(error).__name__)
        return
    token, chat, deed = getattr(event, "reply_token", None), _chat(event.source), _deed(event)
    # "standby": another application of the channel answers this chat
    if token and chat and deed and event.mode == line.EventMode.ACTIVE:
        yield Event(event.webhook_event_id, chat, deed, token, event.delivery_context.is_redelivery)


def _chat(source: Any) -> Chat | None:
    if isinstance(source, line.UserSource) and source.user_id:
        return Chat(source.user_id, private=True)
    if isinstance(source, line.GroupSource):
        return Chat(source.group_id, private=False)
    return Chat(source.room_id, private=False) if isinstance(source, line.RoomSource) else None


def _deed(event: Any) -> Deed | None:
    if isinstance(event, line.FollowEvent | line.JoinEvent):
        return Arrival()
    if isinstance(event, line.PostbackEvent):
        return GarmentChoice.read(event.postback.data)
    if not isinstance(event, line.MessageEvent):
        return None
    message = event.message
    if isinstance(message, line.ImageMessageContent):
        return Photo(message.id, message.quote_token, elsewhere=message.content_provider.type != "line")
    return Words(message.text) if isinstance(message, line.TextMessageContent) else Something()
