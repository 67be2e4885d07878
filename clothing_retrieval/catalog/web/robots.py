"""What a host's robots.txt says to this program (RFC 9309)."""

from protego import Protego

from clothing_retrieval.catalog.web.manners import NAME

_LONGEST_DELAY_S = 60.0


class Robots:
    def __init__(self, text: str, unread: str = "") -> None:
        """``unread``: why the host could not say. Nothing is allowed then."""
        self._rules = Protego.parse(text)
        self.unread = unread

    def allows(self, address: str) -> bool:
        return not self.unread and bool(self._rules.can_fetch(address, NAME))

    @property
    def delay_s(self) -> float:
        """At most a minute is borne."""
        return min(float(self._rules.crawl_delay(NAME) or 0.0), _LONGEST_DELAY_S)

    @property
    def sitemaps(self) -> list[str]:
        return list(self._rules.sitemaps)
