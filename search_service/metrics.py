"""What Prometheus may know of the index and its disk, counted when it asks."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from search_service.folder import DATABASE
from search_service.index import Index
from search_service.snapshots import SNAPSHOTS


class IndexCollector(Collector):
    """``data_dir`` is the index's."""

    def __init__(self, index: Index, data_dir: Path) -> None:
        self._index = index
        self._data_dir = data_dir

    def describe(self) -> Iterable[Metric]:
        """Nothing: the registry would refuse a second index in the process, as tests have it."""
        return ()

    def collect(self) -> Iterable[Metric]:
        items = GaugeMetricFamily("clothing_index_items", "Items in the index.", labels=["collection"])
        vectors = GaugeMetricFamily(
            "clothing_index_vectors",
            "Vectors in memory: in a graph, compared exactly, or deleted and not yet swept.",
            labels=["collection", "state"],
        )
        backlog = GaugeMetricFamily(
            "clothing_index_backlog_vectors",
            "Vectors compared exactly that are to be linked into a graph.",
            labels=["collection"],
        )
        mapped_bytes = 0
        for name, sizes in self._index.sizes().items():
            items.add_metric([name], sizes.items)
            vectors.add_metric([name, "graph"], sizes.graph)
            vectors.add_metric([name, "exact"], sizes.exact)
            vectors.add_metric([name, "deleted"], sizes.deleted)
            backlog.add_metric([name], sizes.backlog)
            mapped_bytes += sizes.mapped_bytes
        disk = GaugeMetricFamily(
            "clothing_index_disk_bytes",
            "Disk that the index takes: its database, its saved graphs, and nameless files of vectors.",
            labels=["part"],
        )
        disk.add_metric(["database"], _size(self._data_dir.glob(f"{DATABASE}*")))
        disk.add_metric(["graphs"], _size((self._data_dir / SNAPSHOTS).glob("*")))
        disk.add_metric(["vectors"], mapped_bytes)
        found = os.statvfs(self._data_dir)
        size, free = (blocks * found.f_frsize for blocks in (found.f_blocks, found.f_bavail))
        return (
            *(items, vectors, backlog, disk),
            GaugeMetricFamily("clothing_disk_size_bytes", "Size of the disk that holds the data folder.", size),
            GaugeMetricFamily("clothing_disk_free_bytes", "Of it, what the service can still fill.", free),
        )


def _size(files: Iterable[Path]) -> int:
    """In bytes. A file may be removed meanwhile."""
    total = 0
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            total += file.stat().st_size
    return total
