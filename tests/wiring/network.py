"""Hosts of their own on one wire, inside the network namespace of this process, which holds nothing else.

``make test-wiring`` gives this process namespaces of its own for network, mounts and processes: what is made here is
gone when it ends, however it ends.
"""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.servers import REPOSITORY
from tests.wiring.names import Names

OWN_ADDRESS = "10.77.0.1"
_BRIDGE = "wire"
_NAMED = Path("/run/netns")
_RESOLVED = Path("/etc/netns")


class Network:
    """A bridge with one address for this process and one for each host."""

    def __init__(self) -> None:
        self.names = Names()
        self._hosts = 0

    async def add_host(self, name: str) -> str:
        """A network namespace on the wire, whose names are resolved here. Returns its address."""
        self._hosts += 1
        address, wire = f"10.77.0.{self._hosts + 1}", f"host{self._hosts}"
        (_RESOLVED / name).mkdir()
        (_RESOLVED / name / "resolv.conf").write_text(f"nameserver {OWN_ADDRESS}\noptions ndots:0\n")
        await run("ip", "netns", "add", name)
        await run("ip", "link", "add", wire, "type", "veth", "peer", "name", "eth0", "netns", name)
        await run("ip", "link", "set", wire, "master", _BRIDGE, "up")
        await run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            await run("ip", "-n", name, "link", "set", device, "up")
        return address

    async def execute(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], output: IO[bytes]
    ) -> asyncio.subprocess.Process:
        """A process on a host, with no other environment than this."""
        return await asyncio.create_subprocess_exec(
            *("ip", "netns", "exec", name, *command), cwd=REPOSITORY, env=environment, stdout=output, stderr=output
        )


@asynccontextmanager
async def network() -> AsyncIterator[Network]:
    """Skips the test where this process shares its network with others."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("needs root and iproute2")
    if [name for _, name in socket.if_nameindex()] != ["lo"]:
        pytest.skip("not in a network namespace of its own: make test-wiring")
    with _hidden(_NAMED), _hidden(_RESOLVED):
        await run("ip", "link", "set", "lo", "up")
        await run("ip", "link", "add", _BRIDGE, "type", "bridge")
        await run("ip", "address", "add", f"{OWN_ADDRESS}/24", "dev", _BRIDGE)
        await run("ip", "link", "set", _BRIDGE, "up")
        made = Network()
        await made.names.listen(OWN_ADDRESS)
        try:
            yield made
        finally:
            made.names.close()
            await run("ip", "link", "delete", _BRIDGE)


@contextlib.contextmanager
def _hidden(folder: Path) -> Iterator[None]:
    """In its place an empty folder that only this process and its children see."""
    made = not folder.exists()
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        if made:
            folder.rmdir()


async def run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {said.decode()}")
