import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.access import ByKey, access_of
from gateway.keys import KeyFile, KeysError, Right
from gateway.settings import Settings
from serving import telemetry
from serving.errors import LimitReached, PermissionDenied, Unauthenticated
from serving.interceptor import Metadata
from tests.samples import sample

RETRIEVAL = "/clothing_retrieval.v1.RetrievalService/"
CATALOG = "/clothing_retrieval.v1.CatalogService/"
READING = [
    *(RETRIEVAL + name for name in ("Search", "SearchByItem", "GetPipeline")),
    *(CATALOG + name for name in ("ListCollections", "GetItem", "ListItems", "GetPicture")),
]
MANAGING = [
    RETRIEVAL + "ImportItems",
    *(CATALOG + name for name in ("DeleteItems", "DeleteCollection", "SetAlias", "AMethodOfALaterRelease")),
]


@pytest.fixture
def file(tmp_path: Path) -> Iterator[KeyFile]:
    yield KeyFile(tmp_path / "keys.json")
    telemetry.name_caller("")  # these tests are no tasks of their own, as calls are


def shown(key: str) -> Metadata:
    return (("x-request-id", "1"), ("x-api-key", key))


def call(access: ByKey, key: str, method: str = READING[0]) -> None:
    with access.admit(method, shown(key)):
        pass


@pytest.mark.parametrize("method", [*READING, *MANAGING])
def test_a_key_to_search_reads_and_a_key_to_manage_does_everything(file: KeyFile, method: str) -> None:
    reader, manager = file.add("web", frozenset({Right.SEARCH})), file.add("crawler", frozenset({Right.MANAGE}))
    access = ByKey(file.path)
    call(access, manager, method)
    if method in READING:
        call(access, reader, method)
    else:
        with pytest.raises(PermissionDenied, match="the key 'web' has not the right 'manage'"):
            call(access, reader, method)


def test_without_a_key_or_with_an_unknown_one_nobody_gets_in(file: KeyFile) -> None:
    key = file.add("web", frozenset({Right.SEARCH}))
    access = ByKey(file.path)
    wrong: list[tuple[Metadata, str]] = [
        ((), "NO_API_KEY"),
        (shown(""), "UNKNOWN_API_KEY"),
        (shown(key + "x"), "UNKNOWN_API_KEY"),
        ((("x-api-key", key.encode()),), "UNKNOWN_API_KEY"),
    ]
    for metadata, reason in wrong:
        with pytest.raises(Unauthenticated) as seen, access.admit(READING[0], metadata):
            pass
        assert seen.value.reason == reason
        assert key not in str(seen.value)


def test_calls_beyond_a_limit_are_counted_by_the_name_of_their_key(file: KeyFile) -> None:
    def counted() -> float:
        return sample("clothing_limited_total", method=READING[0], caller="eager")

    key = file.add("eager", frozenset({Right.SEARCH}), calls_per_s=0.01)
    access = ByKey(file.path)
    call(access, key)
    assert counted() == 0
    for _ in range(2):
        with pytest.raises(LimitReached):
            call(access, key)
    assert counted() == 2


def test_calls_at_a_time_are_limited_and_room_comes_back_also_after_an_error(file: KeyFile) -> None:
    key = file.add("web", frozenset({Right.SEARCH}), concurrent_calls=1)
    access = ByKey(file.path)
    with access.admit(READING[0], shown(key)), pytest.raises(LimitReached, match="1 calls at a time"):
        call(access, key)
    with pytest.raises(ValueError, match="a bug"), access.admit(READING[0], shown(key)):
        raise ValueError("a bug")
    call(access, key)


def test_calls_a_second_are_limited_with_bursts_of_a_seconds_worth(
    file: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("gateway.access.time.monotonic", lambda: now)
    key = file.add("web", frozenset({Right.SEARCH}), calls_per_s=4)
    access = ByKey(file.path)
    for _ in range(4):
        call(access, key)
    with pytest.raises(LimitReached, match="4 calls a second") as seen:
        call(access, key)
    assert seen.value.retry_after_s == pytest.approx(0.25)
    now += 0.25
    call(access, key)
    with pytest.raises(LimitReached):
        call(access, key)
    now += 60
    for _ in range(4):
        call(access, key)
    with pytest.raises(LimitReached):
        call(access, key)


def test_a_slow_rate_still_lets_a_call_through(file: KeyFile) -> None:
    key = file.add("web", frozenset({Right.SEARCH}), calls_per_s=0.01)
    access = ByKey(file.path)
    call(access, key)
    with pytest.raises(LimitReached):
        call(access, key)


def test_changes_of_the_file_are_noticed_and_a_key_that_stayed_keeps_its_count(file: KeyFile) -> None:
    used = file.add("web", frozenset({Right.SEARCH}), calls_per_s=0.01)
    revoked = file.add("old", frozenset({Right.SEARCH}))
    access = ByKey(file.path)
    call(access, used)
    file.revoke("old")
    added = file.add("new", frozenset({Right.SEARCH}))
    access.refresh()
    call(access, added)
    with pytest.raises(Unauthenticated):
        call(access, revoked)
    with pytest.raises(LimitReached):
        call(access, used)


@pytest.mark.parametrize("damage", ["truncate", "remove"])
def test_a_file_that_breaks_changes_nothing(file: KeyFile, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    key = file.add("web", frozenset({Right.SEARCH}))
    access = ByKey(file.path)
    if damage == "truncate":
        os.truncate(file.path, 10)
    else:
        file.path.unlink()
    access.refresh()
    call(access, key)
    assert "still using the keys from before" in caplog.text


def test_a_gateway_does_not_start_without_the_keys_it_was_told_of(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="cannot read the keys"):
        access_of(Settings(keys_file=tmp_path / "none.json"))


def test_it_must_be_said_who_may_call_from_other_machines(tmp_path: Path) -> None:
    open_to_all = {"listen": "0.0.0.0:50050", "plaintext": True}
    with pytest.raises(RuntimeError, match="GATEWAY_KEYS_FILE or GATEWAY_TLS_CLIENT_CA, or GATEWAY_ANONYMOUS=true"):
        access_of(Settings(**open_to_all))
    for said in ({"anonymous": True}, {"tls_client_ca": tmp_path / "ca.pem"}, {"listen": "127.0.0.1:50050"}):
        with access_of(Settings(**open_to_all | said)).admit(MANAGING[0], ()):
            pass
