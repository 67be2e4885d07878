"""A shop on loopback: a real HTTP server that answers as it is told, and remembers what it was asked."""

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self, TypeAlias
from urllib.parse import urlsplit


@dataclass
class Reply:
    """``etag``, ``last_modified``: whoever has it is answered 304."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""
    last_modified: str = ""

    def is_known(self, headers: Message) -> bool:
        """By the etag alone, where one is asked for (RFC 9110)."""
        if tag := headers.get("If-None-Match"):
            return tag == self.etag
        return bool(self.last_modified) and headers.get("If-Modified-Since") == self.last_modified


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    at: float


Answer: TypeAlias = Reply | Callable[["Handler"], Reply | None]
"""A function may write to the socket itself, and returns None then."""


class ShopServer:
    """Answers by path, with or without the query; 404 for any other. ``address`` has no slash at its end."""

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[Request] = []
        self.most_at_once = 0
        self.at_once = 0
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer((host, 0), Handler)
        self._server.daemon_threads = True
        self._server.shop = self  # type: ignore[attr-defined]
        self.port = self._server.server_port
        self.address = f"http://{host}:{self.port}"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
            self.address = f"https://localhost:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def asked(self, path: str) -> int:
        return sum(request.path == path for request in self.requests)

    def asked_below(self, prefix: str) -> int:
        return sum(request.path.startswith(prefix) for request in self.requests)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        shop: ShopServer = self.server.shop  # type: ignore[attr-defined]
        with shop.lock:
            shop.requests.append(Request(self.path, dict(self.headers.items()), time.monotonic()))
            shop.at_once += 1
            shop.most_at_once = max(shop.most_at_once, shop.at_once)
        answer = shop.answers.get(self.path) or shop.answers.get(urlsplit(self.path).path) or Reply(status=404)
        try:
            reply = answer if isinstance(answer, Reply) else answer(self)
        finally:
            with shop.lock:
                shop.at_once -= 1
        if reply is not None:
            self.reply(reply)

    def reply(self, reply: Reply) -> None:
        unchanged = reply.is_known(self.headers)
        self.send_response(304 if unchanged else reply.status)
        if reply.etag:
            self.send_header("ETag", reply.etag)
        if reply.last_modified:
            self.send_header("Last-Modified", reply.last_modified)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if not unchanged and "Content-Length" not in reply.headers:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if not unchanged:
            self.wfile.write(reply.body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Tests look at ``requests`` instead."""
