import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.keys import KeyFile, KeysError, Right, digest

SEARCH = frozenset({Right.SEARCH})


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


def test_a_key_is_stored_as_its_digest_alone(file: KeyFile) -> None:
    key = file.add("web", SEARCH, calls_per_s=20, concurrent_calls=4)
    (stored,) = file.read()
    assert (stored.name, stored.rights, stored.calls_per_s, stored.concurrent_calls) == ("web", SEARCH, 20, 4)
    assert stored.sha256 == digest(key)
    assert key not in file.path.read_text()
    assert len(key) > 40


def test_only_its_owner_reads_a_new_file_and_who_may_read_an_old_one_still_may(file: KeyFile) -> None:
    file.add("web", SEARCH)
    assert file.path.stat().st_mode & 0o777 == 0o600
    file.path.chmod(0o640)
    file.add("app", SEARCH)
    assert file.path.stat().st_mode & 0o777 == 0o640


def test_a_revoked_key_is_gone_and_the_others_stay(file: KeyFile) -> None:
    file.add("web", SEARCH)
    file.add("crawler", frozenset({Right.MANAGE}))
    file.revoke("web")
    assert [key.name for key in file.read()] == ["crawler"]


def test_a_name_stands_for_one_key(file: KeyFile) -> None:
    file.add("web", SEARCH)
    with pytest.raises(KeysError, match="there is a key 'web' already"):
        file.add("web", SEARCH)
    with pytest.raises(KeysError, match="there is no key 'app'"):
        file.revoke("app")
    assert len(file.read()) == 1


@pytest.mark.parametrize("name", ["", "a b", "né", "x" * 65, "-", "a\nb"])
def test_a_name_that_could_break_a_log_line_is_refused(file: KeyFile, name: str) -> None:
    with pytest.raises(KeysError, match="cannot be used"):
        file.add(name, SEARCH)
    assert not file.path.exists()


@pytest.mark.parametrize("limits", [{"calls_per_s": 0}, {"calls_per_s": -1}, {"concurrent_calls": 0}])
def test_a_limit_that_lets_nothing_through_is_refused(file: KeyFile, limits: dict[str, int]) -> None:
    with pytest.raises(KeysError, match=next(iter(limits))):
        file.add("web", SEARCH, **limits)


def test_keys_made_at_once_are_all_there(file: KeyFile) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: file.add(f"key{number}", SEARCH), range(24)))
    assert {key.name for key in file.read()} == {f"key{number}" for number in range(24)}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "the file"),
        ("[]", "the file"),
        (json.dumps({"keys": [{"name": "web"}]}), "keys.0.sha256"),
        (json.dumps({"keys": [], "extra": 1}), "extra"),
    ],
)
def test_a_file_of_something_else_is_refused(file: KeyFile, text: str, where: str) -> None:
    file.path.write_text(text)
    with pytest.raises(KeysError, match=where):
        file.read()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "none" / "keys.json")
    with pytest.raises(KeysError, match="cannot read"):
        file.read()
    with pytest.raises(KeysError, match="cannot write"):
        file.add("web", SEARCH)


def test_a_write_that_fails_leaves_the_keys_as_they_were(file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    file.add("web", SEARCH)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeysError, match="No space left"):
        file.add("app", SEARCH)
    assert [key.name for key in file.read()] == ["web"]
    assert {path.name for path in file.path.parent.iterdir()} == {"keys.json", "keys.json.lock"}
