"""What keeps the services from running together."""

from collections.abc import Sequence


class UpError(Exception):
    """The message says what to do."""


class CannotStart(UpError):
    """A service died again and again before it was ever healthy. ``last_lines`` is what it wrote at the end."""

    def __init__(self, service: str, how: str, last_lines: Sequence[str]) -> None:
        tail = "".join(f"\n  {line}" for line in last_lines)
        super().__init__(f"{service} cannot start ({how}). Its last lines:{tail or ' none'}")
        self.service = service
        self.last_lines = tuple(last_lines)
