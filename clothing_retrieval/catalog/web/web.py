"""Fetches things, one at a time from each host, and never from where it must not."""

import http.client
import io
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from http import HTTPStatus
from types import TracebackType
from typing import BinaryIO, Self, cast

from clothing_retrieval.catalog.web import body, headers
from clothing_retrieval.catalog.web.address import Address, join, parse
from clothing_retrieval.catalog.web.connection import Connection, Deadline, Resolve, resolve
from clothing_retrieval.catalog.web.errors import (
    BadAddress,
    Closed,
    Disallowed,
    GivenUp,
    Misdirected,
    Refused,
    TooLarge,
    Unreachable,
)
from clothing_retrieval.catalog.web.fetched import Fetched, Purpose, Validators
from clothing_retrieval.catalog.web.host import Host
from clothing_retrieval.catalog.web.manners import Manners
from clothing_retrieval.catalog.web.robots import Robots

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_IGNORED = "--ignore-robots, where the shop is your own"
_PASSING = frozenset((408, 425, 429, 500, 502, 503, 504))


class _Passing(Exception):
    """May be better in a moment. ``wait_s``: when, where the host said so."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class _Stale(_Passing):
    """The host hung up instead of answering."""


class Web:
    """Used from many threads. ``close`` wakes all that wait in it."""

    def __init__(
        self,
        manners: Manners | None = None,
        *,
        resolve: Resolve = resolve,
        on_wait: Callable[[str, str, float], None] = lambda host, why, wait_s: None,
    ) -> None:
        """``on_wait`` is told, in any thread, which host is left alone for now, why, and for how long."""
        self.manners = manners or Manners()
        self._resolve = resolve
        self._on_wait = on_wait
        self._hosts: dict[str, Host] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def fetch(self, text: str, purpose: Purpose, validators: Validators | None = None) -> Fetched:
        """Follows redirects; each hop is checked like the first.

        Raises WebError: why it could not be had.
        """
        address = parse(text)
        seen: list[str] = []
        while True:
            seen.append(str(address))
            answer = self._patiently(address, purpose, validators or Validators())
            if isinstance(answer, Fetched):
                return answer
            address = answer
            if str(address) in seen:
                raise Misdirected("the host redirects in a circle")
            if len(seen) > self.manners.redirects:
                raise Misdirected(f"more than {self.manners.redirects} redirects")

    def robots(self, text: str) -> Robots:
        """What the host of an address says; asked for once."""
        return self._robots(parse(text))

    def close(self) -> None:
        self._closed.set()
        with self._lock:
            hosts = list(self._hosts.values())
        for host in hosts:
            host.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _patiently(self, address: Address, purpose: Purpose, validators: Validators) -> Fetched | Address:
        host = self._host(address)
        host.check(self.manners.failures)
        delay_s = self._delay_s(address, purpose)
        for attempt in range(1, self.manners.attempts + 1):
            with host.turn(delay_s):
                host.check(self.manners.failures)  # it may have been given up while others had the turn
                try:
                    answer = self._once(host, address, purpose, validators)
                except _Passing as error:
                    wait_s = self._wait_s(host, error, attempt)
                    host.pause(wait_s)
                    why = str(error)
                except Refused:
                    host.succeeded()
                    raise
                else:
                    host.succeeded()
                    return answer
            self._on_wait(address.host, why, wait_s)
        raise Unreachable("no attempt is allowed")

    def _wait_s(self, host: Host, error: _Passing, attempt: int) -> float:
        """Until the next attempt. Raises Unreachable where there is none."""
        if error.wait_s is not None and error.wait_s > self.manners.longest_wait_s:
            why = f"{error}, and wants to be left alone for {error.wait_s:,.0f} s"
            host.give_up(why)
            raise GivenUp(why) from None
        wait_s = self.manners.first_wait_s * 2.0 ** (attempt - 1) if error.wait_s is None else error.wait_s
        if attempt == self.manners.attempts or wait_s > self.manners.longest_wait_s:
            host.failed()
            raise Unreachable(f"{error} ({attempt} attempts)") from None
        return wait_s

    def _delay_s(self, address: Address, purpose: Purpose) -> float:
        """Raises Disallowed."""
        if purpose is Purpose.ROBOTS:
            return 0.0
        delay_s = self.manners.picture_delay_s if purpose is Purpose.PICTURE else self.manners.delay_s
        if not self.manners.obey_robots:
            return delay_s
        robots = self._robots(address)
        if robots.unread:
            raise Disallowed(f"the robots.txt of {address.host} cannot be read: {robots.unread}: {_IGNORED}")
        if not robots.allows(str(address)):
            raise Disallowed(f"the robots.txt of {address.host} forbids {address.path}: {_IGNORED}")
        return max(delay_s, robots.delay_s)

    def _robots(self, address: Address) -> Robots:
        host = self._host(address)
        with host.robots_lock:
            if host.robots is None:
                host.robots = self._ask_robots(address)
            return host.robots

    def _ask_robots(self, address: Address) -> Robots:
        try:
            fetched = self.fetch(f"{address.origin}/robots.txt", Purpose.ROBOTS)
        except Refused as error:
            return Robots("", unread=str(error) if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "")
        except (BadAddress, Unreachable, Misdirected, TooLarge) as error:
            return Robots("", unread=str(error))
        return Robots(fetched.file.read().decode("utf-8", "replace"))

    def _host(self, address: Address) -> Host:
        with self._lock:
            return self._hosts.setdefault(address.origin, Host(self._closed))

    def _once(self, host: Host, address: Address, purpose: Purpose, validators: Validators) -> Fetched | Address:
        """Raises _Passing, WebError."""
        kept = host.connection is not None
        try:
            return self._exchange(host, address, purpose, validators)
        except _Stale:
            if not kept:
                raise
            # Hosts close idle connections without a word: that is no failure.
            return self._exchange(host, address, purpose, validators)

    def _exchange(self, host: Host, address: Address, purpose: Purpose, validators: Validators) -> Fetched | Address:
        connection = host.connection = host.connection or self._connection(address)
        response: http.client.HTTPResponse | None = None
        within_s = self.manners.answer_s * purpose.patience
        with Deadline(connection, within_s) as deadline:
            try:
                connection.request("GET", address.path, headers=self._headers(purpose, validators))
                response = connection.getresponse()
                answer = _read(response, address, purpose, asked=bool(validators))
                if deadline.passed:  # what was cut off may look like an answer that ends
                    raise TimeoutError
                return answer
            except (OSError, http.client.HTTPException, body.BadEncoding) as error:
                if self._closed.is_set():
                    raise Closed("given up") from None
                if deadline.passed:
                    raise _Passing(f"not all of it came within {within_s:g} s") from None
                raise _passing(error) from None
            finally:
                if response is None or not response.isclosed() or deadline.passed:
                    connection.close()
                    host.connection = None

    def _connection(self, address: Address) -> Connection:
        tls = self._tls if address.scheme == "https" else None
        return Connection(address, self.manners.timeout_s, self.manners.private_networks, self._resolve, tls)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def _headers(self, purpose: Purpose, validators: Validators) -> dict[str, str]:
        headers = {"User-Agent": self.manners.agent, "Accept": purpose.accept}
        headers["Accept-Encoding"] = "identity" if purpose is Purpose.PICTURE else "gzip"
        if validators.etag:
            headers["If-None-Match"] = validators.etag
        if validators.last_modified:
            headers["If-Modified-Since"] = validators.last_modified
        return headers


def _read(response: http.client.HTTPResponse, address: Address, purpose: Purpose, *, asked: bool) -> Fetched | Address:
    """Raises _Passing, Refused, TooLarge, BadAddress; OSError, HTTPException and BadEncoding of a broken answer."""
    if response.status == HTTPStatus.OK:
        file = _store(response, purpose)
        etag, last_modified = (headers.validator(response.headers.get(name, "")) for name in ("ETag", "Last-Modified"))
        return Fetched(str(address), file, Validators(etag, last_modified), response.headers.get_content_charset(""))
    response.read(body.PIECE_BYTES)
    location = response.headers.get("Location", "")
    if response.status in _REDIRECTS and location:
        return parse(join(str(address), headers.location(location)))
    if response.status == HTTPStatus.NOT_MODIFIED and asked:
        return Fetched(str(address), io.BytesIO(), Validators(), unchanged=True)
    if response.status in _PASSING:
        said = f"the host answered {response.status} {response.reason}".rstrip()
        raise _Passing(said, headers.retry_after_s(response.headers.get("Retry-After", "")))
    raise Refused(response.status, response.reason)


def _store(response: http.client.HTTPResponse, purpose: Purpose) -> BinaryIO:
    file = cast(BinaryIO, tempfile.TemporaryFile()) if purpose is Purpose.FEED else io.BytesIO()  # noqa: SIM115
    try:
        body.copy(_pieces(response, purpose), file, purpose.most_bytes)
    except BaseException:
        file.close()
        raise
    return file


def _pieces(response: http.client.HTTPResponse, purpose: Purpose) -> Iterator[bytes]:
    received = _received(response)
    match response.headers.get("Content-Encoding", "").strip().lower():
        case "" | "identity":
            pieces = received
        case "gzip" | "x-gzip" | "deflate":
            pieces = body.unpacked(received)
        case other:
            raise body.BadEncoding(f"packed as {other!r}, which was not asked for")
    return body.unzipped(pieces) if purpose in (Purpose.FEED, Purpose.LIST) else pieces


def _received(response: http.client.HTTPResponse) -> Iterator[bytes]:
    yield from body.pieces(response)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)


def _passing(error: Exception) -> _Passing:
    """Raises Unreachable where it will not pass."""
    match error:
        case ssl.SSLCertVerificationError():
            raise Unreachable(f"its certificate is not trusted: {error.verify_message}")
        case socket.gaierror():
            return _Passing("its name is not known")
        case TimeoutError():
            return _Passing("no sign of life in time")
        case http.client.RemoteDisconnected() | ConnectionResetError() | BrokenPipeError():
            return _Stale("the host hung up")
        case http.client.IncompleteRead():
            return _Passing("the host hung up in the middle")
        case OSError():
            return _Passing(error.strerror or str(error))
        case _:
            return _Passing(f"no HTTP that can be read: {error or type(error).__name__}")
