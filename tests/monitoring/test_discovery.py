"""The configuration for containers, as it is, finds every replica behind a service's name."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from benchmarks.names import Names
from tests.monitoring.prometheus import program, prometheus
from tests.servers import REPOSITORY

DNS = "127.0.0.77"
REPLICAS = {
    "gateway": ["127.0.1.1"],
    "segment": ["127.0.1.2", "127.0.1.3", "127.0.1.4"],
    "embed": ["127.0.1.5", "127.0.1.6"],
    "search": ["127.0.1.7"],
}

pytestmark = [
    pytest.mark.skipif(program() is None, reason="no Prometheus here: `make test-monitoring` unpacks one"),
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("unshare") is None,
        reason="not root, or no `unshare`: another resolv.conf needs a mount namespace",
    ),
]


class Directory(Names):
    """Addresses by name."""

    def __init__(self, addresses: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self._by_name = addresses

    def datagram_received(self, data: bytes, caller: tuple[str, int]) -> None:
        self.addresses = self._by_name.get(asked(data), ())
        super().datagram_received(data, caller)


def asked(query: bytes) -> str:
    """The name of one label."""
    length = query[12]
    return query[13 : 13 + length].decode()


@asynccontextmanager
async def resolver(folder: Path) -> AsyncIterator[Path]:
    """A resolv.conf, and the server that it names."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Directory(REPLICAS), (DNS, 53))
    file = folder / "resolv.conf"
    file.write_text(f"nameserver {DNS}\n")
    try:
        yield file
    finally:
        transport.close()


async def test_every_replica_behind_a_name_is_a_target_of_the_job_of_that_name(tmp_path: Path) -> None:
    configuration = REPOSITORY / "deploy/prometheus/prometheus.yml"
    expected = {(job, f"http://{each}:9090/metrics") for job, addresses in REPLICAS.items() for each in addresses}
    async with resolver(tmp_path) as resolv:
        isolated = ("unshare", "--mount", "sh", "-c", f'mount --bind {resolv} /etc/resolv.conf && exec "$@"', "sh")
        async with prometheus(configuration, tmp_path / "data", *isolated) as started, asyncio.timeout(20):
            while await started.targets("job") != expected:
                await asyncio.sleep(0.2)
