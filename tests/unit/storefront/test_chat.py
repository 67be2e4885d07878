import pytest

from clothing_retrieval import AsyncClient
from storefront import chat
from storefront.line.webhook import PATH
from storefront.settings import SettingsError


async def routes() -> list[str]:
    async with AsyncClient() as client:
        return [route.path for router in chat.routers(client) for route in router.routes]  # type: ignore[attr-defined]


async def test_there_is_no_bot_where_no_channel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LINE_CHANNEL_SECRET", raising=False)
    monkeypatch.setenv("LINE_CHANNEL_ACCESS_TOKEN", "")
    assert await routes() == []


async def test_there_is_one_where_a_channel_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINE_CHANNEL_SECRET", "a secret")
    monkeypatch.setenv("LINE_CHANNEL_ACCESS_TOKEN", "a token")
    assert await routes() == [PATH]


async def test_a_setting_that_is_missing_or_wrong_is_named_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINE_CHANNEL_SECRET", "a secret")
    monkeypatch.delenv("LINE_CHANNEL_ACCESS_TOKEN", raising=False)
    monkeypatch.setenv("LINE_ITEMS", "13")
    with pytest.raises(SettingsError, match=r"LINE_CHANNEL_ACCESS_TOKEN: .*LINE_ITEMS: ") as seen:
        await routes()
    assert "a secret" not in str(seen.value)


@pytest.mark.parametrize("value", ["top,outer", '"top"', "[1]", ""])
async def test_a_list_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("LINE_CHANNEL_SECRET", "a secret")
    monkeypatch.setenv("LINE_CHANNEL_ACCESS_TOKEN", "a token")
    monkeypatch.setenv("LINE_UPPER_CATEGORIES", value)
    with pytest.raises(SettingsError, match=r"^LINE_UPPER_CATEGORIES: must be a JSON list"):
        await routes()
