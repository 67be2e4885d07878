"""How large and how slow a request's body may be, whichever route it is for."""

import asyncio
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from storefront.problems import Refusal, answer


class BodyLimit:
    """ASGI middleware. A body that says that it is too large is refused before it is read, any other while it is."""

    def __init__(self, app: ASGIApp, *, max_bytes: int, timeout_s: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            refusal = self._too_large()
            await answer(refusal.problem, dict(refusal.headers or {}))(scope, receive, send)
            return
        await self._app(scope, self._bounded(receive), send)

    def _bounded(self, receive: Receive) -> Receive:
        read, complete = 0, False
        until = asyncio.get_running_loop().time() + self._timeout_s

        async def bounded() -> Message:
            nonlocal read, complete
            if complete:  # what is still received tells that the client left
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                raise self._too_slow() from None
            read += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if read > self._max_bytes:
                raise self._too_large()
            return message

        return bounded

    def _too_large(self) -> Refusal:
        return Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "BODY_TOO_LARGE",
            f"The photo is too large: at most {self._max_bytes / 2**20:.0f} MiB.",
            field="photo",
            close=True,
        )

    def _too_slow(self) -> Refusal:
        return Refusal(
            HTTPStatus.REQUEST_TIMEOUT,
            "BODY_TOO_SLOW",
            f"The photo did not arrive within {self._timeout_s:g} s.",
            field="photo",
            close=True,
        )
