from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry

from search_service.index import Index
from search_service.metrics import IndexCollector
from tests.unit.search_service.indexes import made, opened, plan, record, unit


def registry_of(index: Index, folder: Path) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(IndexCollector(index, folder))
    return registry


def test_items_and_vectors_are_counted_each_once_by_how_they_are_kept(tmp_path: Path) -> None:
    with opened(tmp_path, plan(exact_below=20, tail=5, dead_share=0.9)) as index:
        shop = made(index)
        made(index, "empty")
        registry = registry_of(index, tmp_path)

        def counts(name: str = "shop") -> list[float | None]:
            """Items; vectors in a graph, compared exactly, deleted; the backlog."""
            label = {"collection": name}
            return [
                registry.get_sample_value("clothing_index_items", label),
                *(
                    registry.get_sample_value("clothing_index_vectors", {**label, "state": state})
                    for state in ("graph", "exact", "deleted")
                ),
                registry.get_sample_value("clothing_index_backlog_vectors", label),
            ]

        assert counts("empty") == [0, 0, 0, 0, 0]
        index.upsert(shop, [record("two views", np.vstack([unit(90), unit(91)]))]).result()
        index.upsert(shop, [record(f"{i}", unit(i)) for i in range(18)]).result()
        assert index.settle(30)
        assert counts() == [19, 0, 20, 0, 0]  # few enough to need no graph
        index.upsert(shop, [record(f"{i}", unit(i)) for i in range(18, 28)]).result()
        assert index.settle(30)
        assert counts() == [29, 30, 0, 0, 0]
        index.upsert(shop, [record("tail", unit(99))]).result()
        index.delete_items(shop, ["1", "2"]).result()
        assert counts() == [28, 28, 1, 2, 1]


def test_what_the_index_takes_of_the_disk_and_what_is_left_is_told(tmp_path: Path) -> None:
    with opened(tmp_path, plan(exact_below=20, tail=5)) as index:
        registry = registry_of(index, tmp_path)
        index.upsert(made(index), [record(f"{i}", unit(i)) for i in range(30)]).result()
        assert index.settle(30)
    parts = {
        part: registry.get_sample_value("clothing_index_disk_bytes", {"part": part})
        for part in ("database", "graphs", "vectors")
    }
    graphs = [file.stat().st_size for file in (tmp_path / "graphs").iterdir()]
    assert parts == {
        "database": sum(file.stat().st_size for file in tmp_path.glob("catalog.sqlite3*")),
        "graphs": sum(graphs),
        "vectors": 0,
    }
    assert len(graphs) == 2
    size, free = (registry.get_sample_value(f"clothing_disk_{name}_bytes") or 0.0 for name in ("size", "free"))
    assert 0 < free < size
