"""What the services tell Prometheus."""

import asyncio
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

_Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Samples:
    """Of one moment, or of what happened between two."""

    values: Mapping[tuple[str, _Labels], float]

    def __sub__(self, before: "Samples") -> "Samples":
        return Samples({key: value - before.values.get(key, 0.0) for key, value in self.values.items()})

    def total(self, name: str, **labels: str) -> float:
        """Sum of all samples of a name that bear these labels."""
        wanted = set(labels.items())
        return sum(value for (each, has), value in self.values.items() if each == name and wanted <= has)


def parse(text: str) -> Samples:
    families = text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples]
    return Samples({(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples})


async def read(address: str) -> Samples:
    """From what ``*_METRICS_LISTEN`` says."""
    return await asyncio.to_thread(_read, address)


async def read_all(addresses: Mapping[str, str]) -> dict[str, Samples]:
    return dict(zip(addresses, await asyncio.gather(*map(read, addresses.values())), strict=True))


def _read(address: str) -> Samples:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        return parse(answer.read().decode())
