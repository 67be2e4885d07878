"""What Prometheus may know of the index, counted when it asks."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from search_service.index import Index


class IndexCollector(Collector):
    def __init__(self, index: Index) -> None:
        self._index = index

    def describe(self) -> Iterable[Metric]:
        """Nothing: the registry would refuse a second index in the process, as tests have it."""
        return ()

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "clothing_index_vectors",
            "Vectors in memory: in a graph, or compared exactly; and how many of both are deleted and not yet swept.",
            labels=["collection", "state"],
        )
        for name, sizes in self._index.sizes().items():
            family.add_metric([name, "graph"], sizes.graph)
            family.add_metric([name, "exact"], sizes.exact)
            family.add_metric([name, "deleted"], sizes.deleted)
        yield family
