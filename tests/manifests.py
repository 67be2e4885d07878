"""What the manifests of deploy/kubernetes say."""

import functools
from pathlib import Path
from typing import Any

import yaml

from tests.servers import REPOSITORY

FOLDER = REPOSITORY / "deploy" / "kubernetes"
BASE = FOLDER / "base"


def documents(file: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(file.read_text()))


@functools.cache
def base() -> list[dict[str, Any]]:
    return [
        document
        for name in documents(BASE / "kustomization.yaml")[0]["resources"]
        for document in documents(BASE / name)
    ]


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    return [document for document in base() if document["kind"] in kinds]


def workloads() -> dict[str, dict[str, Any]]:
    """Deployments and StatefulSets, by name."""
    return {workload["metadata"]["name"]: workload["spec"] for workload in of_kind("Deployment", "StatefulSet")}
