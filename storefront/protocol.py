"""HTTP as uvicorn speaks it, but a connection that asks for nothing does not keep its place."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol


def patient_for(head_timeout_s: float) -> type[H11Protocol]:
    """A protocol that closes connections where a request's head is not there after ``head_timeout_s``.

    uvicorn waits for a first request without end, and for the rest of each that has begun.
    """

    class Patient(_Patient):
        patience_s = head_timeout_s

    return Patient


class _Patient(H11Protocol):
    patience_s: float
    _end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """What comes meanwhile wins no time: a head could come byte by byte for ever."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._unwatch()
        elif self._end is None:
            self._end = self.loop.call_later(self.patience_s, self.transport.close)

    def _unwatch(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None
