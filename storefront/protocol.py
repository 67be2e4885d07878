"""HTTP as uvicorn speaks it, but a connection that asks for nothing, or takes no answer, does not keep its place."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol


def patient_for(head_timeout_s: float, download_timeout_s: float) -> type[H11Protocol]:
    """A protocol that closes connections where a request's head is not there after ``head_timeout_s``, or what was
    written is not taken after ``download_timeout_s``.

    uvicorn waits for a first request without end, for the rest of each that has begun, and for what is not taken.
    """

    class Patient(_Patient):
        patience_s = head_timeout_s
        taking_s = download_timeout_s

    return Patient


class _Patient(H11Protocol):
    patience_s: float
    taking_s: float
    _end: asyncio.TimerHandle | None = None
    _untaken: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(0)  # writing pauses whenever something is left, and resumes when all is taken
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._untaken = self.loop.call_later(self.taking_s, self.transport.abort)  # close() would wait, too

    def resume_writing(self) -> None:
        super().resume_writing()
        self._taken()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        self._taken()
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

    def _taken(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None
