import pytest
from pydantic_settings import SettingsConfigDict

from serving.settings import SettingsError, WorkerSettings, read


class Settings(WorkerSettings):
    model_config = SettingsConfigDict(env_prefix="TAILOR_")


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILOR_QUEUE", "7")
    assert read(Settings).queue == 7


def test_every_variable_that_cannot_be_used_is_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILOR_QUEUE", "many")
    monkeypatch.setenv("TAILOR_DEVICE", "abacus")
    with pytest.raises(SettingsError, match=r"TAILOR_DEVICE=abacus: .*'cpu'.*; TAILOR_QUEUE=many: .*integer"):
        read(Settings)
