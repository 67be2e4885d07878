"""The storefront's image, and its profile of the compose file."""

import pytest
import yaml

from storefront.line.settings import Settings as LineSettings
from storefront.settings import Settings, read
from tests.deployment import COMPOSE, compose, stages

SETTINGS = {
    *(f"STOREFRONT_{name.upper()}" for name in Settings.model_fields),
    *(f"LINE_{name.upper()}" for name in LineSettings.model_fields),
}


def test_the_image_serves_the_storefront_as_nobody_in_particular() -> None:
    image = stages()["storefront"]
    assert image.user == "10001"
    assert image.command == ("clothing-retrieval", "serve", "storefront")
    assert image.environment["STOREFRONT_LISTEN"] == "0.0.0.0:8080"
    assert "http://127.0.0.1:8080/healthz" in image.healthcheck[-1]
    assert ("COPY", "storefront storefront") in image.instructions


def test_compose_runs_it_only_where_asked_and_for_this_machine() -> None:
    service = compose()["services"]["storefront"]
    assert service["profiles"] == ["storefront"]
    assert service["build"]["target"] == "storefront"
    assert service["build"]["args"] == {"EXTRA": "line"}
    assert service["ports"] == ["127.0.0.1:8080:8080"]
    assert service["read_only"]
    assert set(service["environment"]) <= SETTINGS
    assert service["environment"]["STOREFRONT_GATEWAY"] == "gateway:50050"


def test_in_compose_it_starts_where_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in compose()["services"]["storefront"]["environment"].items():
        monkeypatch.setenv(name, value)
    assert read().proxies == ()


def test_in_compose_a_proxy_is_named_and_the_bot_searches_what_the_page_shows() -> None:
    environment = yaml.safe_load(COMPOSE.read_text())["services"]["storefront"]["environment"]
    assert environment["STOREFRONT_PROXIES"] == "${STOREFRONT_PROXIES:-}"
    assert environment["LINE_COLLECTION"] == "${LINE_COLLECTION:-${STOREFRONT_COLLECTION:-default}}"
    assert compose()["services"]["storefront"]["environment"]["LINE_COLLECTION"] == "default"
