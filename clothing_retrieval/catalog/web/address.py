"""Addresses of things, and which of them are fit to be asked for."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from urllib.parse import quote, urljoin, urlsplit

from clothing_retrieval.catalog.web.errors import BadAddress

_PORTS = {"http": 80, "https": 443}
_UNICAST = IPv6Network("2000::/3")
"""All that is handed out of IPv6; elsewhere lie old and local ways to wrap IPv4, which Python takes for public."""
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_SHOWN = 200
_NAME = re.compile(r"[a-z0-9._-]+")
_AS_THEY_ARE = "%/:=&?~+!$,;'@()*[]"


@dataclass(frozen=True)
class Address:
    scheme: str
    host: str
    """In ASCII, as names are asked for."""
    port: int
    path: str
    """With the query, percent-encoded."""

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")

    def __str__(self) -> str:
        return self.origin + self.path


def join(base: str, reference: str) -> str:
    """Where a reference on a page leads. Raises BadAddress."""
    try:
        return urljoin(base, reference.strip())
    except ValueError as error:
        raise BadAddress(f"{reference[:_SHOWN]!r} is no address: {error}") from None


def parse(text: str) -> Address:
    """Raises BadAddress where the text is no http or https address that can be asked for."""
    shown = text[:_SHOWN]
    try:
        parts = urlsplit(text.strip())
        if parts.scheme not in _PORTS or not parts.hostname:
            raise BadAddress(f"{shown!r} is no http or https address")
        if parts.username is not None:
            raise BadAddress(f"an address of {parts.hostname} holds a name or a password")
        host = _host(parts.hostname)
        path = quote(parts.path or "/", safe=_AS_THEY_ARE) + (
            f"?{quote(parts.query, safe=_AS_THEY_ARE)}" if parts.query else ""
        )
        return Address(parts.scheme, host, parts.port or _PORTS[parts.scheme], path)
    except ValueError as error:  # of the port, the brackets, the name
        raise BadAddress(f"{shown!r} is no http or https address: {error}") from None


def _host(name: str) -> str:
    """Raises ValueError where it can be no name of a host."""
    if ":" in name:
        return str(IPv6Address(name))
    host = name.encode("idna").decode()
    if not _NAME.fullmatch(host):
        raise ValueError("its host has characters that no host has")
    return host


def is_public(ip: IPv4Address | IPv6Address) -> bool:
    """Whether anybody may connect to it; what an IPv6 address wraps counts too."""
    if isinstance(ip, IPv6Address):
        if ip in _MAPPED or ip in _NAT64:
            return is_public(IPv4Address(int(ip) & 0xFFFFFFFF))
        wrapped = [inner for inner in (ip.sixtofour, *(ip.teredo or ())) if inner is not None]
        if ip not in _UNICAST or not all(map(is_public, wrapped)):
            return False
    return ip.is_global and not ip.is_multicast
