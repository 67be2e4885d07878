"""Who may call what, and how often: API keys, their rights and their limits."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gateway.keys import Key, KeyFile, KeysError, Right, digest
from gateway.settings import Settings
from serving import telemetry
from serving.errors import LimitReached, PermissionDenied, Unauthenticated
from serving.files import stamp
from serving.interceptor import Admit, Metadata, anyone
from serving.listening import is_exposed

log = logging.getLogger(__name__)

API_KEY = "x-api-key"

_RETRIEVAL = "/clothing_retrieval.v1.RetrievalService/"
_CATALOG = "/clothing_retrieval.v1.CatalogService/"
_READING = frozenset(
    {
        *(_RETRIEVAL + method for method in ("Search", "SearchByItem", "GetPipeline")),
        *(_CATALOG + method for method in ("ListCollections", "GetItem", "ListItems", "GetPicture")),
    }
)
"""All that the right to search allows. What is not named here needs the right to manage."""

_BUSY_RETRY_S = 0.5


@dataclass
class _Use:
    """What was made of a key: a bucket that fills with calls at its rate, up to a second's worth, and the calls now."""

    key: Key
    left: float = field(init=False)
    filled_at: float = field(init=False)
    calls: int = 0

    def __post_init__(self) -> None:
        self.left = self._most
        self.filled_at = time.monotonic()

    @property
    def _most(self) -> float:
        return max(1.0, self.key.calls_per_s or 1.0)

    def begin(self) -> None:
        """Raises LimitReached."""
        if self.key.concurrent_calls and self.calls >= self.key.concurrent_calls:
            raise LimitReached(self.key.name, f"{self.key.concurrent_calls} calls at a time", _BUSY_RETRY_S)
        if rate := self.key.calls_per_s:
            now = time.monotonic()
            self.left = min(self._most, self.left + rate * (now - self.filled_at))
            self.filled_at = now
            if self.left < 1:
                raise LimitReached(self.key.name, f"{rate:g} calls a second", (1 - self.left) / rate)
            self.left -= 1
        self.calls += 1

    def end(self) -> None:
        self.calls -= 1


class Access(Protocol):
    @property
    def admit(self) -> Admit:
        """Raises Unauthenticated, PermissionDenied or LimitReached."""

    def refresh(self) -> None:
        """Takes notice of what has changed."""


def access_of(settings: Settings) -> Access:
    """Raises RuntimeError: the keys cannot be used, or it is not said who may call from other machines."""
    if settings.keys_file:
        return ByKey(settings.keys_file)
    if is_exposed(settings.listen) and not settings.tls_client_ca and not settings.anonymous:
        raise RuntimeError(
            f"GATEWAY_LISTEN={settings.listen} is reached from other machines, and it is not said who may call: set "
            "GATEWAY_KEYS_FILE or GATEWAY_TLS_CLIENT_CA, or GATEWAY_ANONYMOUS=true where everybody may do everything"
        )
    return _Open()


class _Open:
    """For all who get here: from this machine, or with a client certificate."""

    admit = staticmethod(anyone)

    def refresh(self) -> None:
        pass


class ByKey:
    """Asks every call for a key of a file."""

    def __init__(self, path: Path) -> None:
        """Raises KeysError: the file cannot be used."""
        self._file = KeyFile(path)
        self._stamp = stamp(path)
        self._uses = {key.sha256: _Use(key) for key in self._file.read()}

    def refresh(self) -> None:
        """Reads the file again where it has changed. A key that stays as it was keeps its count.

        A file that cannot be used changes nothing.
        """
        if (now := stamp(self._file.path)) == self._stamp:
            return
        self._stamp = now
        try:
            keys = self._file.read()
        except KeysError as problem:
            log.error("still using the keys from before: %s", problem)
            return
        known = {use.key: use for use in self._uses.values()}
        self._uses = {key.sha256: known.get(key) or _Use(key) for key in keys}
        log.info("%d keys", len(keys))

    @contextmanager
    def admit(self, method: str, metadata: Metadata) -> Iterator[None]:
        given = next((value for name, value in metadata if name == API_KEY), None)
        if given is None:
            raise Unauthenticated("NO_API_KEY", f"this gateway wants an API key in the metadata {API_KEY!r}")
        use = self._uses.get(digest(given)) if isinstance(given, str) else None
        if use is None:
            raise Unauthenticated("UNKNOWN_API_KEY", "the API key is not known here, or was revoked")
        telemetry.name_caller(use.key.name)
        right = Right.SEARCH if method in _READING else Right.MANAGE
        if not use.key.may(right):
            raise PermissionDenied(use.key.name, right.value)
        try:
            use.begin()
        except LimitReached:
            telemetry.LIMITED.labels(method, use.key.name).inc()
            raise
        try:
            yield
        finally:
            use.end()
