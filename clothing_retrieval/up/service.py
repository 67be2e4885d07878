"""One service process that is started again when it dies, and ended when it hangs."""

import asyncio
import contextlib
import math
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.up.errors import CannotStart
from clothing_retrieval.up.liveness import LOOK_S, until_it_hangs

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 10.0
RAN_WELL_S = 30.0
"""After so long, the next wait is the first one again."""

_ATTEMPTS = 3
_LAST_LINES = 15
_LONGEST_LINE_BYTES = 2**20


@dataclass(frozen=True)
class ServiceSpec:
    """``module`` runs with ``environment`` beside this process's own, and answers health checks at ``target``."""

    name: str
    module: str
    target: str
    environment: Mapping[str, str] = field(repr=False)


class Service:
    """Keeps one process running.

    Args:
        spec: what to run.
        write_log: takes each line that it writes.
        say: takes a line about the service itself.
        look_s: seconds between two looks whether it hangs.
    """

    def __init__(
        self,
        spec: ServiceSpec,
        write_log: Callable[[str, str], None],
        say: Callable[[str], None],
        *,
        look_s: float = LOOK_S,
    ) -> None:
        self.spec = spec
        self._look_s = look_s
        self.healthy = asyncio.Event()
        """Set when it was healthy for the first time."""
        self._write_log = write_log
        self._say = say
        self._process: asyncio.subprocess.Process | None = None
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.returncode is None else None

    async def keep_running(self) -> None:
        """Returns after ``stop``.

        Raises:
            CannotStart: it died three times before it was ever healthy.
        """
        wait_s = FIRST_WAIT_S
        attempts = 0
        while True:
            began = time.monotonic()
            how = await self._run()
            if self._stopping.is_set():
                return
            attempts += 1
            if not self.healthy.is_set() and attempts >= _ATTEMPTS:
                raise CannotStart(self.spec.name, f"{how}, {attempts} times", self._last_lines)
            if time.monotonic() - began >= RAN_WELL_S:
                wait_s = FIRST_WAIT_S
            self._say(f"{self.spec.name} died ({how}): starting it again in {wait_s:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait_s)
                return
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def stop(self, grace_s: float) -> None:
        """SIGTERM, and SIGKILL where that did not end it within ``grace_s``."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), grace_s)
        except TimeoutError:
            self._say(f"{self.spec.name} did not stop within {grace_s:g} s: killing it")
            self.kill()
            await process.wait()

    def kill(self) -> None:
        self._stopping.set()
        if self._process and self._process.returncode is None:
            self._process.kill()

    async def _run(self) -> str:
        """Runs the process to its end. Returns how it ended."""
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "clothing_retrieval.up.child", self.spec.module, str(os.getpid())),
            env={**os.environ, **self.spec.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=_LONGEST_LINE_BYTES,
            start_new_session=True,  # Ctrl-C is for this process; it stops the others in order
        )
        if self._stopping.is_set():
            process.terminate()
        watch = asyncio.create_task(self._watch_health(process))
        try:
            await self._copy_log(process)
            code = await process.wait()
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
        return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"

    async def _watch_health(self, process: asyncio.subprocess.Process) -> None:
        async with AsyncClient(self.spec.target) as client:
            await client.wait_ready(math.inf)
        self.healthy.set()
        await until_it_hangs(self.spec.target, self._look_s)
        self._say(f"{self.spec.name} hangs: killing it")
        process.kill()

    async def _copy_log(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while True:
            try:
                raw = await process.stdout.readline()
            except ValueError:  # a line without end
                continue
            if not raw:
                return
            line = raw.decode(errors="replace").rstrip()
            self._last_lines.append(line)
            self._write_log(self.spec.name, line)
