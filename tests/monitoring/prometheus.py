"""A real Prometheus, asked by its HTTP API."""

import asyncio
import json
import math
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.servers import REPOSITORY, free_port

_LOOK_EVERY_S = 0.2
_TIMEOUT_S = 30.0


def program() -> str | None:
    """The one of ``make test-monitoring``, or one that is installed."""
    unpacked = REPOSITORY / "build/prometheus/usr/bin/prometheus"
    return str(unpacked) if unpacked.exists() else shutil.which("prometheus")


Samples = dict[frozenset[tuple[str, str]], float]
"""Values by labels."""


def labels(**values: str) -> frozenset[tuple[str, str]]:
    return frozenset(values.items())


class Prometheus:
    def __init__(self, address: str) -> None:
        self._address = address

    async def some(self, expression: str) -> Samples:
        """Waits until an expression gives samples."""
        async with asyncio.timeout(_TIMEOUT_S):
            while not (found := await self._query(expression)):
                await asyncio.sleep(_LOOK_EVERY_S)
        return found

    async def until(self, expression: str, expected: Samples, tolerance: float = 0.0) -> None:
        """Waits until an expression gives just these samples, each within ``tolerance``."""
        found: Samples = {}
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                while not _alike(found := await self._query(expression), expected, tolerance):
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            raise AssertionError(f"{expression} is {found}, not {expected}") from None

    async def targets(self, *labels: str) -> set[tuple[str, ...]]:
        """These labels and the address of all that it scrapes."""
        answer = await asyncio.to_thread(self._get, "/api/v1/targets?state=active")
        return {
            (*(each["labels"][label] for label in labels), each["scrapeUrl"])
            for each in answer["data"]["activeTargets"]
        }

    async def ready(self) -> None:
        async with asyncio.timeout(_TIMEOUT_S):
            while True:
                try:
                    await self._query("vector(1)")
                except (OSError, urllib.error.HTTPError):
                    await asyncio.sleep(_LOOK_EVERY_S)
                else:
                    return

    async def _query(self, expression: str) -> Samples:
        """An instant vector, without the names of its metrics, and without what is no number."""
        answer = await asyncio.to_thread(self._get, "/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        assert answer["data"]["resultType"] == "vector", expression
        samples: Samples = {}
        for each in answer["data"]["result"]:
            each["metric"].pop("__name__", None)
            value = float(each["value"][1])
            if not math.isnan(value):
                samples[labels(**each["metric"])] = value
        return samples

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://{self._address}{path}", timeout=10) as response:
            return json.load(response)


@asynccontextmanager
async def prometheus(configuration: Path, data: Path, *under: str) -> AsyncIterator[Prometheus]:
    """``under``: a command that starts it, after its own arguments."""
    address = f"127.0.0.1:{free_port()}"
    found = program()
    assert found
    process = await asyncio.create_subprocess_exec(
        *under,
        found,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={data}",
        f"--web.listen-address={address}",
        "--log.level=warn",
    )
    try:
        started = Prometheus(address)
        await started.ready()
        yield started
    finally:
        process.terminate()
        await process.wait()


def _alike(found: Samples, expected: Samples, tolerance: float) -> bool:
    return found.keys() == expected.keys() and all(
        abs(value - expected[key]) <= tolerance for key, value in found.items()
    )
