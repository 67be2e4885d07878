"""The manifests of deploy/kubernetes, each by itself and as kustomize joins them. No cluster has seen them."""

import functools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from serving.health import LIVENESS
from tests.deployment import SERVICES, is_setting, stages, stop_s
from tests.manifests import BASE, FOLDER, base, documents, of_kind, workloads

GPU = FOLDER / "overlays" / "gpu"
VERSION = "1.33"
NAME = "app.kubernetes.io/name"
OF_OTHERS = ("NVIDIA_DRIVER_CAPABILITIES",)
GIB_A_CPU = 1
"""As docs/operations.md says: what was measured with the largest pictures that are allowed."""


@functools.cache
def rendered(folder: Path) -> list[dict[str, Any]]:
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl")
    run = subprocess.run(["kubectl", "kustomize", folder], check=True, capture_output=True, text=True, timeout=60)
    return list(yaml.safe_load_all(run.stdout))


def pod(name: str) -> dict[str, Any]:
    spec: dict[str, Any] = workloads()[name]["template"]["spec"]
    return spec


def container(name: str) -> dict[str, Any]:
    (only,) = pod(name)["containers"]
    return dict(only)


def environment(name: str) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container(name).get("env", [])}


def valid(manifests: list[dict[str, Any]]) -> None:
    for manifest in manifests:
        kubernetes_validate.validate(manifest, VERSION, strict=True)


def test_every_manifest_is_valid_and_one_of_the_base() -> None:
    valid(base())
    assert set(workloads()) == set(SERVICES)
    named = {*documents(BASE / "kustomization.yaml")[0]["resources"], "kustomization.yaml"}
    assert {file.name for file in BASE.iterdir()} == named


@pytest.mark.parametrize("folder", [BASE, GPU], ids=lambda folder: folder.name)
def test_what_kustomize_makes_of_them_is_valid_and_all_in_one_namespace(folder: Path) -> None:
    manifests = rendered(folder)
    valid(manifests)
    kinds = [manifest["kind"] for manifest in manifests]
    assert sorted(kinds) == sorted(manifest["kind"] for manifest in base())
    namespaces = {manifest["metadata"].get("namespace") for manifest in manifests if manifest["kind"] != "Namespace"}
    assert namespaces == {"clothing-retrieval"}


def test_a_manifest_with_a_field_that_is_none_is_not_valid() -> None:
    with pytest.raises(kubernetes_validate.ValidationError):
        valid([of_kind("Deployment")[0] | {"specs": {}}])


def test_on_gpus_segment_and_embed_have_one_each_and_run_on_it() -> None:
    for manifest in rendered(GPU):
        name = manifest["metadata"]["name"]
        if manifest["kind"] == "Deployment" and name != "gateway":
            (only,) = manifest["spec"]["template"]["spec"]["containers"]
            assert only["resources"]["limits"]["nvidia.com/gpu"] == "1"
            assert {"name": f"{name.upper()}_DEVICE", "value": "cuda"} in only["env"]
            assert only["image"].endswith("-gpu")
            assert all(is_setting(each["name"]) or each["name"] in OF_OTHERS for each in only["env"])


@pytest.mark.parametrize("name", SERVICES)
def test_a_pod_may_do_nothing_that_it_needs_not(name: str) -> None:
    spec, own = pod(name), container(name)
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["runAsUser"] == int(stages()[name].user)
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert own["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(own["resources"]) == {"requests", "limits"}


@pytest.mark.parametrize("name", ["segment", "embed"])
def test_a_worker_has_memory_for_the_largest_pictures_on_all_its_cpus(name: str) -> None:
    limits = container(name)["resources"]["limits"]
    assert float(limits["memory"].removesuffix("Gi")) >= GIB_A_CPU * float(limits["cpu"])


@pytest.mark.parametrize("name", SERVICES)
def test_liveness_is_not_readiness(name: str) -> None:
    own = container(name)
    assert own["livenessProbe"]["grpc"]["service"] == LIVENESS
    assert "service" not in own["readinessProbe"]["grpc"]
    ports = {port["name"]: port["containerPort"] for port in own["ports"]}
    assert {own[f"{kind}Probe"]["grpc"]["port"] for kind in ("startup", "readiness", "liveness")} == {ports["grpc"]}
    listening = stages()[name].environment
    assert listening[f"{name.upper()}_LISTEN"] == f"0.0.0.0:{ports['grpc']}"
    assert listening[f"{name.upper()}_METRICS_LISTEN"] == f"0.0.0.0:{ports['metrics']}"


@pytest.mark.parametrize("name", SERVICES)
def test_a_pod_has_time_to_finish_what_is_in_flight(name: str) -> None:
    assert pod(name)["terminationGracePeriodSeconds"] >= stop_s(name, environment(name)) + 5


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_is_a_folder_that_follows_changes(name: str) -> None:
    assert not [mount for mount in container(name)["volumeMounts"] if "subPath" in mount or "subPathExpr" in mount]


@pytest.mark.parametrize("name", SERVICES)
def test_it_sets_only_variables_that_a_service_reads(name: str) -> None:
    assert [variable for variable in environment(name) if not is_setting(variable)] == []


@pytest.mark.parametrize("name", ["segment", "embed", "search"])
def test_the_gateway_finds_every_replica_of_a_worker(name: str) -> None:
    (service,) = [each for each in of_kind("Service") if each["metadata"]["name"] == name]
    assert service["spec"]["clusterIP"] == "None"
    assert environment("gateway")[f"GATEWAY_{name.upper()}_TARGET"] == f"dns:///{name}:50050"


def test_what_selects_pods_selects_those_of_its_name() -> None:
    for kind in ("Service", "PodDisruptionBudget", "Deployment", "StatefulSet"):
        for manifest in of_kind(kind):
            selector = manifest["spec"]["selector"]
            assert selector.get("matchLabels", selector) == {NAME: manifest["metadata"]["name"]}
    for name, spec in workloads().items():
        assert spec["template"]["metadata"]["labels"] == {NAME: name}
    for scaler in of_kind("HorizontalPodAutoscaler"):
        assert scaler["spec"]["scaleTargetRef"]["name"] == scaler["metadata"]["name"]
        assert "replicas" not in workloads()[scaler["metadata"]["name"]]


def test_only_the_gateway_reaches_workers_and_only_prometheus_the_metrics() -> None:
    reaching = {name: set(_reaching(name)) for name in SERVICES}
    workers = {("grpc", "gateway"), ("metrics", "prometheus")}
    assert reaching == {
        "segment": workers,
        "embed": workers,
        "search": workers,
        "gateway": {("grpc", "anything in a caller's namespace"), ("metrics", "prometheus")},
    }


def _reaching(name: str) -> Iterator[tuple[str, str]]:
    """The ports of a service's pods that are open, and to whom."""
    for policy in of_kind("NetworkPolicy"):
        spec = policy["spec"]
        if _selects(spec["podSelector"], name):
            for rule in spec.get("ingress", []):
                for port in rule["ports"]:
                    for peer in rule["from"]:
                        labels = peer.get("podSelector", {}).get("matchLabels", {})
                        yield port["port"], labels.get(NAME, "anything in a caller's namespace")


def test_a_pod_calls_only_whom_its_service_needs() -> None:
    called = {name: set(_called(name)) for name in SERVICES}
    resolvers = ("kube-system", "169.254.20.10/32")
    every = {("any namespace", "TCP", 4317), *((who, protocol, 53) for who in resolvers for protocol in ("UDP", "TCP"))}
    assert called == {
        "segment": every,
        "embed": every,
        "search": every | {("any namespace", "TCP", 19530)},
        "gateway": every | {(worker, "TCP", 50050) for worker in ("segment", "embed", "search")},
    }


def _called(name: str) -> Iterator[tuple[str, str, int]]:
    """Whom a service's pods may call, by which protocol, at which port."""
    for policy in of_kind("NetworkPolicy"):
        spec = policy["spec"]
        assert {kind for kind in ("Ingress", "Egress") if kind.lower() in spec} <= set(spec["policyTypes"])
        if _selects(spec["podSelector"], name):
            for rule in spec.get("egress", []):
                for port in rule["ports"]:
                    for peer in rule["to"]:
                        for who in _named(peer):
                            yield who, port.get("protocol", "TCP"), port["port"]


def _named(peer: dict[str, Any]) -> list[str]:
    match peer:
        case {"ipBlock": {"cidr": addresses}}:
            return [addresses]
        case {
            "podSelector": {"matchExpressions": [{"key": "app.kubernetes.io/name", "operator": "In", "values": names}]}
        }:
            return list(names)
        case {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}:
            return [namespace]
    assert peer == {"namespaceSelector": {}}
    return ["any namespace"]


def _selects(selector: dict[str, Any], name: str) -> bool:
    expressions = selector.get("matchExpressions", [])
    return selector.get("matchLabels", {NAME: name}) == {NAME: name} and all(
        name in each["values"] for each in expressions
    )


def test_all_that_no_policy_allows_is_denied() -> None:
    (nothing,) = [each for each in of_kind("NetworkPolicy") if each["metadata"]["name"] == "nothing-else"]
    assert nothing["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_the_metric_of_the_autoscalers_is_the_one_that_the_adapter_makes() -> None:
    (rule,) = documents(FOLDER / "prometheus-adapter.yaml")[0]["rules"]["custom"]
    asked = [
        metric["pods"]["metric"]["name"]
        for scaler in of_kind("HorizontalPodAutoscaler")
        for metric in scaler["spec"]["metrics"]
        if metric["type"] == "Pods"
    ]
    assert asked == [rule["name"]["as"]] * 2
