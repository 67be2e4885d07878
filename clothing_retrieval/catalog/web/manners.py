"""How shops are treated."""

from dataclasses import dataclass
from importlib import metadata
from ipaddress import IPv4Network, IPv6Network, ip_network

NAME = "clothing-retrieval"
"""As robots.txt files call this program."""
EVERYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))


@dataclass(frozen=True)
class Manners:
    """There is never more than one request at a time to a host."""

    contact: str = ""
    """An address where the shop can learn who asks; part of the user agent."""
    delay_s: float = 1.0
    """Between the beginnings of two requests to a host. A longer Crawl-delay of its robots.txt counts instead."""
    picture_delay_s: float = 0.1
    """The same for pictures, which cost a host little."""
    obey_robots: bool = True
    private_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Addresses that are not public are connected to only where they lie in one of these."""
    timeout_s: float = 20.0
    """For a connection, and for each sign of life."""
    answer_s: float = 60.0
    """From a request to the last byte of the answer, however it trickles. Long lists and feeds may take more."""
    attempts: int = 4
    """After a passing error."""
    first_wait_s: float = 1.0
    """After the first passing error; doubles with each. What the host's Retry-After says counts instead."""
    longest_wait_s: float = 120.0
    """A host that wants more patience is given up."""
    failures: int = 5
    """In a row, each after all its attempts: then the host is left alone."""
    redirects: int = 5

    @property
    def agent(self) -> str:
        version = metadata.version("clothing-retrieval")
        return f"{NAME}/{version} (+{self.contact})" if self.contact else f"{NAME}/{version}"
