"""Connections that lead where they may."""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from clothing_retrieval.catalog.web.address import Address, is_public
from clothing_retrieval.catalog.web.errors import PrivateAddress

Resolve = Callable[[str, int], Sequence[Any]]
"""As socket.getaddrinfo answers for a host and a port, streams only."""


def resolve(host: str, port: int) -> Sequence[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class Connection(http.client.HTTPConnection):
    """To one host. Each time it connects, the name is resolved once, and the very addresses that were checked are used:
    a name that means something else a moment later gains nothing by it. No proxy is used."""

    def __init__(
        self,
        address: Address,
        timeout_s: float,
        private_networks: Sequence[IPv4Network | IPv6Network],
        resolve: Resolve,
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(address.host, address.port, timeout=timeout_s)
        self._timeout_s = timeout_s
        self._private_networks = private_networks
        self._resolve = resolve
        self._tls = tls
        self._wire: socket.socket | None = None
        self._is_cut = False
        if self._tls:
            self.default_port = 443  # left out of the Host header

    def connect(self) -> None:
        """Raises PrivateAddress, OSError."""
        connected = self._connect()
        try:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                connected = self._tls.wrap_socket(connected, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock = self._wire = connected
            self._heed_cut()
            if isinstance(connected, ssl.SSLSocket):
                connected.do_handshake()  # only now, so that it can be cut off
        except BaseException:
            connected.close()
            raise

    def cut(self) -> None:
        """Wakes whoever waits for it; it is of no use any more. From any thread."""
        self._is_cut = True
        # Not self.sock: that is None as soon as an answer with "Connection: close" has begun.
        if wire := self._wire:
            try:
                wire.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it is closed already

    def _connect(self) -> socket.socket:
        allowed = [
            (family, sockaddr)
            for family, _, _, _, sockaddr in self._resolve(self.host, self.port)
            if self._may(ip_address(sockaddr[0].partition("%")[0]))
        ]
        if not allowed:
            raise PrivateAddress(f"{self.host} lies in a private network: --allow-private, where that is meant")
        failure: OSError | None = None
        for family, sockaddr in allowed:
            self._heed_cut()
            candidate = socket.socket(family, socket.SOCK_STREAM)
            candidate.settimeout(self._timeout_s)
            try:
                candidate.connect(sockaddr)
            except OSError as error:
                candidate.close()
                failure = error
            else:
                return candidate
        raise failure or OSError(f"{self.host} has no address")

    def _heed_cut(self) -> None:
        """Raises TimeoutError where it was cut off before there was a socket."""
        if self._is_cut:
            raise TimeoutError

    def _may(self, ip: IPv4Address | IPv6Address) -> bool:
        return is_public(ip) or any(ip in network for network in self._private_networks)


class Deadline:
    """Cuts a connection off when its time is over, however it trickles."""

    def __init__(self, connection: Connection, within_s: float) -> None:
        self.passed = False
        self._connection = connection
        self._timer = threading.Timer(within_s, self._cut)
        self._timer.daemon = True

    def _cut(self) -> None:
        self.passed = True
        self._connection.cut()

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
