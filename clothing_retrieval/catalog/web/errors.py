"""Why something could not be fetched.

WebError
├── BadAddress        it is no http or https address
├── PrivateAddress    it leads into a network that is nobody's business
├── Disallowed        the host's robots.txt forbids it
├── Refused           the host answered with a status that says no
├── Misdirected       redirects in a circle, or too many
├── TooLarge          more bytes than are taken for such a thing
├── Unreachable       no answer, a broken one, or a busy host, after all attempts
│   └── GivenUp       so often that the host is not asked any more
└── Closed            fetching was given up on this side
"""


class WebError(Exception):
    """Base of all. ``reason`` is a fixed word for tables and scripts."""

    reason = "WEB"


class BadAddress(WebError):
    reason = "BAD_ADDRESS"


class PrivateAddress(WebError):
    reason = "PRIVATE_ADDRESS"


class Disallowed(WebError):
    reason = "ROBOTS"


class Refused(WebError):
    def __init__(self, status: int, phrase: str) -> None:
        super().__init__(f"the host answered {status} {phrase}".rstrip())
        self.status = status
        self.reason = f"HTTP_{status}"


class Misdirected(WebError):
    reason = "REDIRECTS"


class TooLarge(WebError):
    reason = "TOO_LARGE"


class Unreachable(WebError):
    reason = "UNREACHABLE"


class GivenUp(Unreachable):
    reason = "HOST_GIVEN_UP"


class Closed(WebError):
    reason = "CLOSED"
