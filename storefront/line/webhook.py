"""Where LINE tells what shoppers did."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request, Response

from clothing_retrieval import AsyncClient
from storefront.line.api import Api
from storefront.line.backlog import Backlog
from storefront.line.conversation import Conversation
from storefront.line.delivery import Delivery
from storefront.line.desk import Desk
from storefront.line.events import Event, InvalidWebhook, read_events
from storefront.line.remembered import Remembered
from storefront.line.settings import Settings
from storefront.line.signature import is_signed

log = logging.getLogger(__name__)

PATH = "/line/webhook"


class Webhook:
    """Takes what is signed and not too large, each event once, and answers LINE before the shopper."""

    def __init__(self, settings: Settings, client: AsyncClient) -> None:
        self._settings = settings
        self._client = client
        self._remembered = Remembered(settings.remembered_events)
        self._backlog: Backlog | None = None

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """As the app stops, events that were taken are still answered. ``client`` must be open until then."""
        settings = self._settings
        async with Api(settings) as api:
            desk = Desk(Conversation(self._client, api, settings), Delivery(api, settings), settings)
            self._backlog = Backlog(desk.serve, at_a_time=settings.at_a_time, most=settings.most_events)
            try:
                yield
            finally:
                await self._backlog.close(settings.grace_s)

    async def receive(self, request: Request) -> Response:
        """200: taken. 503: some events were not, and LINE may send the webhook again, where it is set to."""
        body = await self._body(request)
        if body is None:
            return Response(status_code=413)
        secret = self._settings.channel_secret.get_secret_value()
        if not is_signed(body, request.headers.get("x-line-signature", ""), secret):
            log.warning("a webhook without LINE's signature was refused")
            return Response(status_code=401)
        try:
            events = read_events(body)
        except InvalidWebhook as error:
            log.warning("a webhook could not be read: %s", error)
            return Response(status_code=400)
        taken = [self._take(event) for event in events]
        if not all(taken):
            log.warning("%d of %d events found no room", taken.count(False), len(events))
        return Response(status_code=200 if all(taken) else 503)

    async def _body(self, request: Request) -> bytes | None:
        """None where it is too large: it is read no further than that."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._settings.max_body_bytes:
                return None
        return bytes(body)

    def _take(self, event: Event) -> bool:
        if event.id in self._remembered:
            return True
        if self._backlog is None or not self._backlog.take(event):
            return False
        self._remembered.add(event.id)
        return True


def router(settings: Settings, client: AsyncClient) -> APIRouter:
    """The bot, for an app that includes it; the app's lifespan is the bot's. ``client`` stays the caller's."""
    webhook = Webhook(settings, client)
    routes = APIRouter(lifespan=webhook.lifespan)
    routes.add_api_route(PATH, webhook.receive, methods=["POST"], include_in_schema=False)
    return routes
