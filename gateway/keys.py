"""API keys: a file of their digests, what each may do, and how much of it."""

import fcntl
import hashlib
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serving.files import replace

_PREFIX = "crk_"
"""So that scanners for leaked secrets know one."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class KeysError(RuntimeError):
    """The file cannot be used, or not as asked. The message says why."""


class Right(StrEnum):
    SEARCH = "search"
    MANAGE = "manage"
    """Imports, deletions and aliases; all that ``search`` allows, too."""


class Key(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=f"^{_NAME.pattern}$", description="Stands in logs in the key's place.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the key, which is stored nowhere.")
    rights: frozenset[Right] = Field(min_length=1)
    calls_per_s: float | None = Field(None, gt=0, description="On average, by each gateway. Absent: any number.")
    concurrent_calls: int | None = Field(None, ge=1, description="At a time, by each gateway. Absent: any number.")
    added: date

    def may(self, right: Right) -> bool:
        return right in self.rights or Right.MANAGE in self.rights


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: list[Key] = []


class KeyFile:
    """A JSON file that the command line writes and gateways read. Written whole or not at all, for its owner only."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Sequence[Key]:
        """Raises KeysError."""
        try:
            return _File.model_validate_json(self.path.read_bytes()).keys
        except OSError as error:
            raise KeysError(f"cannot read the keys in {self.path}: {error.strerror}") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise KeysError(f"{self.path} is no file of keys: {where}: {first['msg']}") from error

    def add(
        self,
        name: str,
        rights: frozenset[Right],
        calls_per_s: float | None = None,
        concurrent_calls: int | None = None,
    ) -> str:
        """Makes a key and returns it: it can't be read again. Raises KeysError: the name is taken, or of odd signs."""
        if not _NAME.fullmatch(name):
            raise KeysError(f"the name {name!r} cannot be used: 1 to 64 letters, digits, dots, dashes and underscores")
        key = _PREFIX + secrets.token_urlsafe(32)
        with self._changing() as keys:
            if any(other.name == name for other in keys):
                raise KeysError(f"there is a key {name!r} already: revoke it, or choose another name")
            try:
                keys.append(
                    Key(
                        name=name,
                        sha256=digest(key),
                        rights=rights,
                        calls_per_s=calls_per_s,
                        concurrent_calls=concurrent_calls,
                        added=date.today(),
                    )
                )
            except ValidationError as error:
                first = error.errors()[0]
                raise KeysError(f"{first['loc'][0]}: {first['msg']}") from error
        return key

    def revoke(self, name: str) -> None:
        """Raises KeysError: there is no such key."""
        self.read()
        with self._changing() as keys:
            left = [key for key in keys if key.name != name]
            if len(left) == len(keys):
                raise KeysError(f"there is no key {name!r} in {self.path}")
            keys[:] = left

    @contextmanager
    def _changing(self) -> Iterator[list[Key]]:
        """The keys, to be changed: one process at a time."""
        try:
            with open(f"{self.path}.lock", "a", encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                keys = list(self.read()) if self.path.exists() else []
                yield keys
                replace(self.path, f"{_File(keys=keys).model_dump_json(indent=2, exclude_none=True)}\n".encode())
        except OSError as error:
            raise KeysError(f"cannot write {self.path}: {error.strerror}") from error


def digest(key: str) -> str:
    """One round is enough: a key is 256 random bits, not a word that somebody chose."""
    return hashlib.sha256(key.encode()).hexdigest()
