"""How often one client may ask: a bucket of turns for each address, filled as time goes by."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from storefront.problems import Refusal, answer

_MOST_CLIENTS = 20_000
_WITH_PHOTO = ("/v1/search", "/get_rec_product")


@dataclass
class _Bucket:
    turns: float
    filled_at: float


class Turns:
    """So many a minute for each client, of which a quarter may be taken at once."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_minute / 60
        self._most = max(1.0, per_minute / 4)
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, client: str) -> float:
        """Takes a turn: 0. Where there is none: the seconds until there will be."""
        now = self._clock()
        bucket = self._buckets.pop(client, None) or _Bucket(self._most, now)
        bucket.turns = min(self._most, bucket.turns + (now - bucket.filled_at) * self._per_s)
        bucket.filled_at = now
        self._buckets[client] = bucket  # at the end: the first is who was away longest
        if len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        if bucket.turns < 1:
            return (1 - bucket.turns) / self._per_s
        bucket.turns -= 1
        return 0.0


class RateLimit:
    """ASGI middleware. 0 a minute: no limit."""

    def __init__(self, app: ASGIApp, *, searches_per_minute: int, requests_per_minute: int) -> None:
        self._app = app
        self._searches = Turns(searches_per_minute) if searches_per_minute else None
        self._requests = Turns(requests_per_minute) if requests_per_minute else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wait_s = self._wait(scope) if scope["type"] == "http" and scope["method"] != "OPTIONS" else 0.0
        if not wait_s:
            await self._app(scope, receive, send)
            return
        refusal = Refusal(
            HTTPStatus.TOO_MANY_REQUESTS,
            "TOO_MANY_REQUESTS",
            f"Too many requests from this address: come again in {wait_s:.0f} s.",
            retry_after_s=round(wait_s, 1),
            close=True,
        )
        await answer(refusal.problem, dict(refusal.headers or {}))(scope, receive, send)

    def _wait(self, scope: Scope) -> float:
        path = scope["path"]
        client = network(scope["client"][0] if scope.get("client") else "")
        if self._searches and path in _WITH_PHOTO and (wait_s := self._searches.take(client)):
            return wait_s
        if self._requests and path.startswith(("/v1/", "/get_rec_product")):
            return self._requests.take(client)
        return 0.0


def network(address: str) -> str:
    """Who counts as one client: an IPv4 address, or the /64 that an IPv6 subscriber has to himself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
