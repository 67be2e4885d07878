"""The one way a command ends with an exit code that tells of a failure."""

FAILED = 1
NOT_ALL = 3


class Stop(Exception):
    """Something that was to be expected went wrong. The message says what to do next; empty: it was said already."""

    def __init__(self, message: str = "", code: int = FAILED) -> None:
        """``code``: FAILED, or NOT_ALL where the work was done except for some of it."""
        super().__init__(message)
        self.code = code
