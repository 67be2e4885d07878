from pathlib import Path

import pytest

from storefront.settings import Settings, SettingsError, read

DOCS = Path(__file__).parents[3] / "docs/storefront.md"


def test_every_setting_is_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREFRONT_LISTEN", "[::1]:0")
    monkeypatch.setenv("STOREFRONT_PROXIES", "10.0.0.0/8, 192.0.2.1")
    monkeypatch.setenv("STOREFRONT_CORS_ORIGINS", "")
    monkeypatch.setenv("STOREFRONT_COMPATIBLE_FOLDER", "")
    settings = read()
    assert settings.address == ("::1", 0)
    assert settings.proxies == ("10.0.0.0/8", "192.0.2.1")
    assert settings.cors_origins == ()
    assert settings.compatible_folder is None  # not the folder that it runs in


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("STOREFRONT_TOP_K", "none", "STOREFRONT_TOP_K=none"),
        ("STOREFRONT_LISTEN", "8080", 'STOREFRONT_LISTEN=8080: must be "host:port"'),
        ("STOREFRONT_LISTEN", "127.0.0.1:99999", "STOREFRONT_LISTEN=127.0.0.1:99999: must be"),
        ("STOREFRONT_CORS_ORIGINS", "https://shop.example/", "'https://shop.example/' must be like"),
        ("STOREFRONT_CORS_ORIGINS", "*, shop.example", "'shop.example' must be like"),
        ("STOREFRONT_CORS_ORIGINS", "https://Shop.example", "'https://Shop.example' must be like"),
        ("STOREFRONT_COMPATIBLE_FOLDER", "/nonexistent", "STOREFRONT_COMPATIBLE_FOLDER=/nonexistent: Path does not"),
        ("STOREFRONT_PROXIES", "my-proxy", "'my-proxy' does not appear to be an IPv4 or IPv6 network"),
        (
            "STOREFRONT_GATEWAY_TLS_KEY",
            "key.pem",
            "STOREFRONT_GATEWAY_TLS_CERTIFICATE and STOREFRONT_GATEWAY_TLS_KEY belong",
        ),
    ],
)
def test_a_value_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        read()
    assert said in str(caught.value)


@pytest.mark.parametrize("origin", ["*", "https://shop.example", "http://localhost:5173", "http://[::1]:80"])
def test_an_origin_is_what_browsers_send(origin: str) -> None:
    assert Settings(cors_origins=(origin,)).cors_origins == (origin,)


def test_a_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREFRONT_API_KEY", "a secret")
    assert "a secret" not in repr(read())


def test_the_docs_name_every_setting() -> None:
    table = DOCS.read_text().partition("## Configuration")[2].partition("\n## ")[0]
    rows = [row.split("|")[1].strip() for row in table.splitlines() if row.startswith("| `STOREFRONT_")]
    assert rows == [f"`STOREFRONT_{name.upper()}`" for name in Settings.model_fields]
