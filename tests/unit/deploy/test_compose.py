from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry.sdk import environment_variables

from tests.deployment import COMPOSE, COMPOSE_GPU, SERVICES, compose, is_setting, stages, stop_s

FILES = pytest.mark.parametrize("file", [COMPOSE, COMPOSE_GPU], ids=lambda file: file.name)
OF_OTHERS = ("NVIDIA_DRIVER_CAPABILITIES",)


def services(file: Path = COMPOSE) -> dict[str, Any]:
    found: dict[str, Any] = compose(file)["services"]
    return found


def seconds(duration: str) -> float:
    return float(duration.removesuffix("s"))


@FILES
def test_it_sets_only_variables_that_a_service_reads(file: Path) -> None:
    ours = [name for name in SERVICES if name in services(file)]
    variables = [name for service in ours for name in services(file)[service].get("environment", {})]
    assert variables
    of_others = (*OF_OTHERS, *vars(environment_variables))
    assert [name for name in variables if name not in of_others and not is_setting(name)] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_told_of_the_collector_where_there_is_one(name: str) -> None:
    environment = yaml.safe_load(COMPOSE.read_text())["services"][name]["environment"]
    assert environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == "${OTEL_EXPORTER_OTLP_ENDPOINT:-}"


def test_it_builds_every_service_from_its_own_stage() -> None:
    assert {name: services()[name]["build"]["target"] for name in SERVICES} == {name: name for name in SERVICES}
    assert set(SERVICES) <= set(stages())


def test_over_it_gpus_are_reserved_for_the_services_that_run_models() -> None:
    over = services(COMPOSE_GPU)
    assert set(over) == {"segment", "embed"}
    for name, service in over.items():
        (device,) = service["deploy"]["resources"]["reservations"]["devices"]
        assert device["capabilities"] == ["gpu"]
        assert service["environment"][f"{name.upper()}_DEVICE"] == "cuda"
        assert service["build"]["args"]["EXTRA"] == "gpu"
        assert service["image"] != services()[name]["image"]


@pytest.mark.parametrize("name", [name for name, service in services().items() if "ports" in service])
def test_it_is_reached_from_this_machine_only(name: str) -> None:
    assert [port for port in services()[name]["ports"] if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_few_rights_and_time_to_finish(name: str) -> None:
    service = services()[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert seconds(service["stop_grace_period"]) >= stop_s(name, service.get("environment", {})) + 5


def test_what_a_volume_or_a_dependency_names_is_there() -> None:
    for service in services().values():
        sources = [volume.split(":")[0] for volume in service.get("volumes", [])]
        assert {source for source in sources if not source.startswith("./")} <= set(compose()["volumes"])
        assert set(service.get("depends_on", [])) <= set(services())


def test_the_gateway_asks_for_every_address_behind_a_name() -> None:
    for stage in ("segment", "embed", "search"):
        target = services()["gateway"]["environment"][f"GATEWAY_{stage.upper()}_TARGET"]
        assert target == f"dns:///{stage}:50050"
        assert stages()[stage].environment[f"{stage.upper()}_LISTEN"] == "0.0.0.0:50050"
