"""What the services tell Prometheus is what docs, rules and dashboard speak of."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from search_service.metrics import IndexCollector
from serving import telemetry
from tests.servers import REPOSITORY
from tests.unit.search_service.indexes import made, opened

MONITORING = REPOSITORY / "docs/monitoring.md"
OPERATIONS = REPOSITORY / "docs/operations.md"
RULES = yaml.safe_load((REPOSITORY / "deploy/prometheus/rules.yml").read_text())
DASHBOARD = json.loads((REPOSITORY / "deploy/grafana/dashboards/clothing-retrieval.json").read_text())
ALERTS = {rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule}
RECORDED = {rule["record"] for group in RULES["groups"] for rule in group["rules"] if "record" in rule}

Described = dict[str, tuple[str, frozenset[str]]]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Described:
    """Type and labels of every metric of ours, by name."""
    own = [each for each in vars(telemetry).values() if isinstance(each, MetricWrapperBase)]
    described: Described = {
        each._name + ("_total" if each._type == "counter" else ""): (each._type, frozenset(each._labelnames))
        for each in own
    }
    folder = tmp_path_factory.mktemp("index")
    registry = CollectorRegistry()
    with opened(folder) as index:
        made(index)
        registry.register(IndexCollector(index, folder))
        for family in registry.collect():
            described[family.name] = family.type, frozenset(family.samples[0].labels)
    return described


def sample_names(described: Described) -> set[str]:
    """As PromQL knows them."""
    parts = {"histogram": ("_bucket", "_sum", "_count")}
    names = {name + part for name, (kind, _) in described.items() for part in parts.get(kind, ("",))}
    return names | {
        sample.name for family in REGISTRY.collect() for sample in family.samples if "process" in sample.name
    }


def named(expressions: Iterable[str]) -> set[str]:
    """Metrics and recorded series that PromQL expressions name."""
    tokens = {token for each in expressions for token in re.findall(r"[A-Za-z_:][A-Za-z0-9_:]*", each)}
    return {token for token in tokens if "clothing_" in token or token.startswith("process_")}


def tables(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        if line.startswith("| `clothing_"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def test_the_docs_describe_every_metric_with_its_type_and_labels(exported: Described) -> None:
    written = {
        name.strip("`"): (kind, frozenset(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels, _ in tables(MONITORING.read_text())
    }
    assert written == exported


@pytest.mark.parametrize("file", sorted((REPOSITORY / "docs").rglob("*.md")), ids=lambda path: path.name)
def test_the_docs_name_only_metrics_that_there_are(exported: Described, file: Path) -> None:
    mentioned = set(re.findall(r"(?<![\w:])clothing_(?!retrieval)\w+", file.read_text()))
    assert mentioned <= {*exported, *sample_names(exported)}


def test_rules_name_only_metrics_that_there_are_and_what_they_record(exported: Described) -> None:
    names = named(rule["expr"] for group in RULES["groups"] for rule in group["rules"])
    assert names
    assert names <= sample_names(exported) | RECORDED


def test_the_dashboard_needs_no_recorded_rules(exported: Described) -> None:
    names = named(target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ()))
    assert names
    assert names <= sample_names(exported)


def test_every_alert_says_what_it_is_and_points_at_what_to_do() -> None:
    headings = re.findall(r"^### (Clothing\w+)$", OPERATIONS.read_text(), re.MULTILINE)
    assert headings == list(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "description", "runbook"}
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"


def test_every_alert_is_made_to_fire_by_a_test_of_its_rule() -> None:
    tests = yaml.safe_load((REPOSITORY / "deploy/prometheus/rules_test.yml").read_text())["tests"]
    fired = {each["alertname"] for test in tests for each in test.get("alert_rule_test", ()) if each["exp_alerts"]}
    assert fired == set(ALERTS)


def test_the_dashboard_draws_each_panel_in_a_place_of_its_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert all(panel["description"] for panel in DASHBOARD["panels"] if panel["type"] != "row")
