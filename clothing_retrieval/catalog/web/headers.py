"""What headers of an answer say. http.client reads them as Latin-1."""

import email.utils
import time

_LONGEST_VALIDATOR = 1024


def validator(text: str) -> str:
    """What can be sent back as a header; else nothing."""
    return text if text.isascii() and text.isprintable() and len(text) <= _LONGEST_VALIDATOR else ""


def location(text: str) -> str:
    """An address ought to be ASCII; where it is not, it is mostly UTF-8."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def retry_after_s(text: str) -> float | None:
    if text.strip().isdecimal():
        return float(text)
    try:
        when = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(0.0, when.timestamp() - time.time())
