"""LINE's Messaging API without LINE: a real server on a free port that takes what LINE would take, and nothing else.

Shapes and limits are those of the published reference (developers.line.biz/en/reference/messaging-api, 2026-11).
"""

import asyncio
import json
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from aiohttp import web
from linebot.v3 import messaging

TOKEN = "the-access-token"
SECRET = "the-channel-secret"
Json = dict[str, Any]


@dataclass(frozen=True)
class Sent:
    how: str
    """ "reply" or "push"."""
    to: str
    """The reply token, or the chat."""
    messages: list[Json]

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.messages if message["type"] == "text"]

    @property
    def bubbles(self) -> list[Json]:
        """Of all carousels."""
        flexes = [message for message in self.messages if message["type"] == "flex"]
        return [bubble for flex in flexes for bubble in flex["contents"]["contents"]]

    @property
    def titles(self) -> list[str]:
        return [bubble["body"]["contents"][0]["text"] for bubble in self.bubbles]

    @property
    def actions(self) -> list[Json]:
        """Of the quick replies."""
        quick_reply = self.messages[-1].get("quickReply", {"items": []})
        return [item["action"] for item in quick_reply["items"]]


class FakeLine:
    """Reply tokens are good once, and only those of `event`. ``refusals[path]`` answers the next calls there;
    while ``photos_held`` is not set, photos do not come; while ``loading_held`` is not, the animation is asked for in
    vain."""

    def __init__(self) -> None:
        self.photos: dict[str, bytes] = {}
        self.photo_requests: list[str] = []
        self.loading: list[Json] = []
        self.sent: list[Sent] = []
        self.answers: asyncio.Queue[Sent] = asyncio.Queue()
        self.refused: list[str] = []
        """Why calls were answered with 400."""
        self.refusals: dict[str, deque[web.Response]] = defaultdict(deque)
        self.after_sending: dict[str, deque[web.Response]] = defaultdict(deque)
        """Instead of 200, to calls that were done all the same."""
        self.asked_for_photo = asyncio.Event()
        self.photos_held = asyncio.Event()
        self.photos_held.set()
        self.loading_held = asyncio.Event()
        self.loading_held.set()
        self._tokens: set[str] = set()
        self._keys: set[str] = set()
        self._numbers = count(1)

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._guard])
        app.router.add_post("/v2/bot/message/reply", self._reply)
        app.router.add_post("/v2/bot/message/push", self._push)
        app.router.add_post("/v2/bot/chat/loading/start", self._loading)
        app.router.add_get("/v2/bot/message/{id}/content", self._content)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.photos_held.set()
        self.loading_held.set()
        await self._runner.cleanup()

    def event(self, type: str, *, chat: str = "user", redelivered: bool = False, **more: Any) -> Json:
        """An event as a webhook has it, with a reply token of its own."""
        number = next(self._numbers)
        token = f"token-{number}"
        self._tokens.add(token)
        return {
            "type": type,
            "mode": "active",
            "timestamp": int(time.time() * 1000),
            "source": {"type": chat, "userId": f"U{number:032x}", "groupId": "C1", "roomId": "R1"},
            "webhookEventId": f"01EVENT{number:019d}",
            "deliveryContext": {"isRedelivery": redelivered},
            "replyToken": token,
            **more,
        }

    def photo(self, content: bytes | None, **more: Any) -> Json:
        """The event of a photo that is sent; without content, one that LINE keeps no longer."""
        id = str(900_000 + next(self._numbers))
        if content is not None:
            self.photos[id] = content
        message = {"type": "image", "id": id, "quoteToken": f"q{id}", "contentProvider": {"type": "line"}}
        return self.event("message", message=message, **more)

    def text(self, text: str, **more: Any) -> Json:
        return self.event("message", message={"type": "text", "id": "1", "quoteToken": "q", "text": text}, **more)

    def tap(self, action: Json, **more: Any) -> Json:
        """The event of a quick reply that is tapped."""
        if action["type"] == "message":
            return self.text(action["text"], **more)
        return self.event("postback", postback={"data": action["data"]}, **more)

    async def answer(self) -> Sent:
        return await asyncio.wait_for(self.answers.get(), 20)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return refusal(401, "Authentication failed. Confirm that the access token is valid.")
        if self.refusals[request.path]:
            return self.refusals[request.path].popleft()
        answer: web.StreamResponse = await handler(request)
        if answer.status == 200 and self.after_sending[request.path]:
            return self.after_sending[request.path].popleft()
        return answer

    async def _reply(self, request: web.Request) -> web.Response:
        told = await request.json()
        if "X-Line-Retry-Key" in request.headers:
            return self._bad("The retry key is not supported")
        if wrong := list(violations(told.get("messages"))):
            return self._bad("; ".join(wrong))
        if told["replyToken"] not in self._tokens:
            return refusal(400, "Invalid reply token")
        self._tokens.remove(told["replyToken"])
        return self._send(Sent("reply", told["replyToken"], told["messages"]))

    async def _push(self, request: web.Request) -> web.Response:
        told = await request.json()
        key = str(uuid.UUID(request.headers["X-Line-Retry-Key"]))
        if key in self._keys:
            return refusal(409, "The retry key is already accepted")
        if wrong := list(violations(told.get("messages"))):
            return self._bad("; ".join(wrong))
        self._keys.add(key)
        return self._send(Sent("push", told["to"], told["messages"]))

    async def _loading(self, request: web.Request) -> web.Response:
        told = await request.json()
        seconds = told["loadingSeconds"]
        if not told["chatId"].startswith("U") or seconds % 5 or not 5 <= seconds <= 60:
            return self._bad("chatId or loadingSeconds")
        self.loading.append(told)
        await self.loading_held.wait()
        return web.json_response({}, status=202)

    async def _content(self, request: web.Request) -> web.Response:
        id = request.match_info["id"]
        self.photo_requests.append(id)
        self.asked_for_photo.set()
        await self.photos_held.wait()
        if id not in self.photos:
            return refusal(404, "not found")
        return web.Response(body=self.photos[id], content_type="image/jpeg")

    def _send(self, sent: Sent) -> web.Response:
        self.sent.append(sent)
        self.answers.put_nowait(sent)
        return web.json_response({"sentMessages": [{"id": "1", "quoteToken": "q"} for _ in sent.messages]})

    def _bad(self, why: str) -> web.Response:
        self.refused.append(why)
        return refusal(400, "The request body has errors", why)


def refusal(status: int, message: str, detail: str = "") -> web.Response:
    details = [{"message": detail, "property": "messages"}] if detail else []
    body = {"message": message, "details": details} if details else {"message": message}
    return web.json_response(body, status=status, headers={"x-line-request-id": "request-1"})


def violations(messages: Any) -> Iterator[str]:
    """What LINE would not take about messages."""
    if not isinstance(messages, list) or not 1 <= len(messages) <= 5:
        yield "1 to 5 messages"
        return
    for message in messages:
        try:
            messaging.Message.from_dict(message)
        except (ValueError, TypeError) as error:
            yield f"not as the models have it: {error}"
        if message["type"] == "text":
            yield from _longer("text", message["text"], 5000)
        else:
            yield from _flex(message)
        for item in message.get("quickReply", {}).get("items", ()):
            yield from _action(item["action"], label=20)
        if len(message.get("quickReply", {}).get("items", ())) > 13:
            yield "more than 13 quick replies"


def _flex(message: Json) -> Iterator[str]:
    yield from _longer("altText", message["altText"], 1500)
    carousel = message["contents"]
    bubbles = carousel["contents"]
    if carousel["type"] != "carousel" or not 1 <= len(bubbles) <= 12:
        yield "1 to 12 bubbles"
    if len({bubble.get("size", "mega") for bubble in bubbles}) > 1:
        yield "bubbles of different widths"
    if len(json.dumps(carousel).encode()) > 50_000:
        yield "a carousel of more than 50 KB"
    for bubble in bubbles:
        if len(json.dumps(bubble).encode()) > 30_000:
            yield "a bubble of more than 30 KB"
        for part in _parts(bubble):
            yield from _component(part)


def _parts(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parts(inner)


def _component(part: Json) -> Iterator[str]:
    if part.get("type") == "text" and not part.get("text"):
        yield "an empty text"
    elif part.get("type") == "image":
        yield from _address("url", part["url"], ("https",), 2000)
    elif part.get("type") == "box" and part["layout"] == "baseline":
        if not {inner["type"] for inner in part["contents"]} <= {"icon", "text", "filler"}:
            yield "a baseline box holds only icons and texts"
    elif part.get("type") == "button":
        yield from _action(part["action"], label=40)


def _action(action: Json, label: int) -> Iterator[str]:
    yield from _longer("label", action["label"], label)
    if action["type"] == "uri":
        yield from _address("uri", action["uri"], ("http", "https", "line", "tel"), 1000)
    elif action["type"] == "postback":
        yield from _longer("data", action["data"], 300)
        yield from _longer("displayText", action.get("displayText", "-"), 300)
    elif action["type"] == "message":
        yield from _longer("text", action["text"], 300)
    else:
        yield f"an action {action['type']}"


def _address(name: str, url: str, schemes: tuple[str, ...], most: int) -> Iterator[str]:
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.netloc or not url.isascii() or " " in url:
        yield f"{name} {url!r}"
    yield from _longer(name, url, most)


def _longer(name: str, text: str, most: int) -> Iterator[str]:
    if not 1 <= len(text.encode("utf-16-le")) // 2 <= most:
        yield f"{name} must have 1 to {most} letters"
