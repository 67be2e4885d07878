"""The configuration for Kubernetes makes the right targets of the manifests' pods. Debian's Prometheus is built without
Kubernetes, so it is told of them by a file."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests import BASE, documents, workloads
from tests.monitoring.prometheus import program, prometheus
from tests.servers import REPOSITORY

pytestmark = pytest.mark.skipif(program() is None, reason="no Prometheus here: `make test-monitoring` unpacks one")

NAMESPACE = "shop"
ADDRESSES = {"segment": "127.0.2.1", "embed": "127.0.2.2", "search": "127.0.2.3", "gateway": "127.0.2.4"}


def found(service: str, pod: str, address: str, phase: str = "Running", **labels: str) -> Iterator[dict[str, Any]]:
    """What Prometheus finds of a pod: a target for each port, of which it knows this."""
    template = workloads()[service]["template"]
    (common,) = documents(BASE / "kustomization.yaml")[0]["labels"]
    assert common["includeTemplates"]
    known = {
        "namespace": NAMESPACE,
        "pod_name": pod,
        "pod_phase": phase,
        **prefixed("pod_label_", template["metadata"]["labels"] | common["pairs"] | labels),
        **prefixed("pod_annotation_", template["metadata"]["annotations"]),
    }
    for container in template["spec"]["containers"]:
        for port in container["ports"]:
            number = str(port["containerPort"])
            told = prefixed("__meta_kubernetes_", known | {"pod_container_port_number": number})
            yield {"targets": [f"{address}:{number}"], "labels": told}


def prefixed(prefix: str, labels: Mapping[str, str]) -> dict[str, str]:
    return {prefix + re.sub(r"\W", "_", name): value for name, value in labels.items()}


def configuration(folder: Path, *groups: dict[str, Any]) -> Path:
    """The one that is shipped, with these for what it finds."""
    shipped = yaml.safe_load((REPOSITORY / "deploy/prometheus/kubernetes.yml").read_text())
    (job,) = shipped["scrape_configs"]
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
    (folder / "pods.json").write_text(json.dumps(groups))
    job["file_sd_configs"] = [{"files": ["pods.json"]}]
    shipped["rule_files"] = []
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(shipped))
    return file


async def test_a_pod_is_one_target_with_the_labels_of_rules_and_autoscalers(tmp_path: Path) -> None:
    file = configuration(
        tmp_path,
        *(group for service, address in ADDRESSES.items() for group in found(service, f"{service}-a", address)),
        *found("embed", "embed-b", "127.0.2.5"),
        *found("embed", "embed-gone", "127.0.2.6", phase="Succeeded"),
        *found("gateway", "parcels", "127.0.2.7", **{"app.kubernetes.io/part-of": "another system"}),
    )
    expected = {
        *((name, NAMESPACE, f"{name}-a", f"http://{address}:9090/metrics") for name, address in ADDRESSES.items()),
        ("embed", NAMESPACE, "embed-b", "http://127.0.2.5:9090/metrics"),
    }
    async with prometheus(file, tmp_path / "data") as started, asyncio.timeout(20):
        while await started.targets("job", "namespace", "pod") != expected:
            await asyncio.sleep(0.2)
