"""Networks of a test's own: namespaces joined by cables that can be cut, slowed and made to lose packets.

A cable is two TUN devices and a thread that carries packets from one to the other, which needs no module of the kernel
beside TUN: ``tc netem`` is missing in some.
"""

import contextlib
import fcntl
import heapq
import os
import random
import select
import shutil
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_TUNSETIFF = 0x400454CA
_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000
_MTU = 1500


@dataclass(frozen=True)
class Weather:
    """What befalls each packet, in both directions."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0


FINE = Weather()
CUT = Weather(loss=1.0)
"""No packet arrives any more, and nobody is told."""


class Cable:
    """From the hub's namespace to that of a worker."""

    def __init__(self, number: int, hub: str, namespace: str) -> None:
        self.namespace = namespace
        self.hub = hub
        self.address = f"10.231.{number}.2"
        """Of the worker's end."""
        self.weather = FINE
        self.lost = 0
        """Packets."""
        self._ends = [os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK) for _ in range(2)]
        self._unplugged, self._unplug = os.pipe()
        self._chance = random.Random(number)
        self._thread = threading.Thread(target=self._carry, daemon=True)
        places = ((hub, f"10.231.{number}.1"), (namespace, self.address))
        for end, (place, address), side in zip(self._ends, places, "hw", strict=True):
            device = f"tun{number}{side}{os.getpid() % 100_000}"
            fcntl.ioctl(end, _TUNSETIFF, struct.pack("16sH", device.encode(), _IFF_TUN | _IFF_NO_PI))
            _run("ip", "link", "set", device, "netns", place)
            _run("ip", "-n", place, "address", "add", f"{address}/24", "dev", device)
            _run("ip", "-n", place, "link", "set", device, "mtu", str(_MTU), "up")
        self._thread.start()

    def close(self) -> None:
        os.close(self._unplug)
        self._thread.join()
        for end in (*self._ends, self._unplugged):
            os.close(end)

    def _carry(self) -> None:
        waiting: list[tuple[float, int, int, bytes]] = []  # due, number, where to, packet
        count = 0
        while True:
            patience = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
            readable, _, _ = select.select([*self._ends, self._unplugged], [], [], patience)
            if self._unplugged in readable:
                return
            for end in readable:
                packet, weather = os.read(end, _MTU + 100), self.weather
                if self._chance.random() < weather.loss:
                    self.lost += 1
                    continue
                count += 1
                due = time.monotonic() + weather.delay_s + weather.jitter_s * self._chance.uniform(-1, 1)
                heapq.heappush(waiting, (due, count, self._ends[1 - self._ends.index(end)], packet))
            while waiting and waiting[0][0] <= time.monotonic():
                _, _, end, packet = heapq.heappop(waiting)
                with contextlib.suppress(OSError):  # a full device loses a packet, as networks do
                    os.write(end, packet)


@contextmanager
def star(count: int) -> Iterator[list[Cable]]:
    """A namespace in the middle and ``count`` around it. Skips the test where they cannot be made."""
    if os.geteuid() != 0 or not shutil.which("ip") or not Path("/dev/net/tun").exists():
        pytest.skip("needs root, ip (iproute2) and /dev/net/tun")
    hub = f"faults-{os.getpid()}"
    namespaces = [hub, *(f"{hub}-{number}" for number in range(count))]
    with contextlib.ExitStack() as stack:
        for namespace in namespaces:
            _run("ip", "netns", "add", namespace)
            stack.callback(_run, "ip", "netns", "del", namespace)
            _run("ip", "-n", namespace, "link", "set", "lo", "up")
        cables = [Cable(number, hub, namespace) for number, namespace in enumerate(namespaces[1:])]
        for cable in cables:
            stack.callback(cable.close)
        yield cables


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode and "Operation not permitted" in done.stderr:
        pytest.skip(f"{' '.join(command)}: {done.stderr.strip()}")
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
