from pathlib import Path

from prometheus_client import CollectorRegistry

from search_service.metrics import IndexCollector
from tests.unit.search_service.indexes import made, opened, plan, record, unit


def test_vectors_are_counted_by_how_they_are_kept(tmp_path: Path) -> None:
    with opened(tmp_path, plan(exact_below=20, tail=5, dead_share=0.9)) as index:
        shop = made(index)
        made(index, "empty")
        registry = CollectorRegistry()
        registry.register(IndexCollector(index))

        def counts(name: str = "shop") -> list[float | None]:
            states = ("graph", "exact", "deleted")
            return [
                registry.get_sample_value("clothing_index_vectors", {"collection": name, "state": state})
                for state in states
            ]

        assert counts("empty") == [0, 0, 0]
        index.upsert(shop, [record(f"{i}", unit(i)) for i in range(30)]).result()
        assert index.settle(30)
        assert counts() == [30, 0, 0]
        index.upsert(shop, [record("tail", unit(99))]).result()
        index.delete_items(shop, ["1", "2"]).result()
        assert counts() == [30, 1, 2]
