"""LINE's Messaging API, as far as the bot calls it."""

import json
import logging
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

import aiohttp
from linebot.v3 import messaging as line
from linebot.v3.messaging.exceptions import ApiException

from storefront.line.settings import Settings

log = logging.getLogger(__name__)

_GONE = (404, 410)


class LineError(Exception):
    """A call to LINE failed. ``status`` is that of its answer; 0 where none came, and it may have been done or not."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(f"{status} {message}".strip() if status else "no answer")
        self.status = status
        self.message = message

    @property
    def in_doubt(self) -> bool:
        """It may have been done all the same."""
        return self.status == 0 or self.status >= 500


class PhotoGone(LineError):
    """LINE keeps the photo no longer, or the shopper took it back."""


class Api:
    """Use it as a context. What goes wrong is logged here; neither tokens nor what shoppers write is."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._timeout = aiohttp.ClientTimeout(total=settings.api_timeout_s)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for_messages = await self._open.enter_async_context(self._client(self._settings.api_url))
        for_photos = await self._open.enter_async_context(self._client(self._settings.blob_url))
        self._messages = line.AsyncMessagingApi(for_messages)
        self._photos = line.AsyncMessagingApiBlob(for_photos)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    def _client(self, url: str) -> Any:
        token = self._settings.channel_access_token.get_secret_value()
        return line.AsyncApiClient(line.Configuration(host=url.rstrip("/"), access_token=token))

    async def reply(self, token: str, messages: list[Any]) -> None:
        """Raises LineError."""
        await self._call(
            "reply", self._messages.reply_message, line.ReplyMessageRequest(reply_token=token, messages=messages)
        )

    async def push(self, chat: str, messages: list[Any], key: str) -> None:
        """Once, however often it is called with the same ``key``, a UUID. Raises LineError."""
        request = line.PushMessageRequest(to=chat, messages=messages)
        await self._call("push", self._messages.push_message, request, x_line_retry_key=key)

    async def show_loading(self, shopper: str, seconds: int) -> None:
        """Until the next message, or for ``seconds``: 5 to 60, in fives. Raises LineError."""
        request = line.ShowLoadingAnimationRequest(chat_id=shopper, loading_seconds=seconds)
        await self._call("loading", self._messages.show_loading_animation, request)

    async def photo(self, message_id: str) -> bytes:
        """Raises LineError, or PhotoGone."""
        try:
            content = await self._call("content", self._photos.get_message_content, message_id)
        except LineError as error:
            raise PhotoGone(error.status, error.message) if error.status in _GONE else error from None
        if content is None:  # 202: LINE is not done with it
            raise LineError(202, "not ready")
        return bytes(content)

    async def _call(self, what: str, method: Any, *arguments: Any, **more: Any) -> Any:
        try:
            return await method(*arguments, **more, _request_timeout=self._timeout)
        except ApiException as error:
            failure = LineError(int(error.status or 0), _message(error.body))
            request_id = (error.headers or {}).get("x-line-request-id", "unknown")
            log.warning("LINE answered %s to %s (its request %s)", failure, what, request_id)
            raise failure from None
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("LINE did not answer to %s: %s", what, type(error).__name__)
            raise LineError(0) from None


def _message(body: Any) -> str:
    """What LINE says of an error, and of which parts of the request."""
    try:
        told = json.loads(body or "")
        details = [f"{detail.get('property')}: {detail.get('message')}" for detail in told.get("details") or ()]
        return "; ".join([str(told.get("message", "")), *details])[:500]
    except (ValueError, AttributeError, TypeError):
        return ""
