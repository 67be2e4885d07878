"""The storefront's image, and its profile of the compose file."""

from storefront.line.settings import Settings as LineSettings
from storefront.settings import Settings
from tests.deployment import compose, stages

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
