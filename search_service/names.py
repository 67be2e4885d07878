"""Names of collections, and which collection each name and alias stands for."""

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

from serving.errors import InvalidField, ModelMismatch, NotFound

DEFAULT = "default"
_RULE = re.compile(r"[a-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Collection:
    """One collection as it was made; all of this stays as it is for as long as the collection lives."""

    key: int
    name: str
    model_digest: str
    dimension: int
    create_time_us: int

    def confirm(self, model_digest: str, dimension: int) -> None:
        """Raises ModelMismatch, InvalidField where it was made for other vectors."""
        if self.model_digest != model_digest:
            raise ModelMismatch(self.name, self.model_digest, model_digest)
        if self.dimension != dimension:
            raise InvalidField("dimension", f"{dimension}, but collection {self.name!r} has {self.dimension}")


@dataclass(frozen=True)
class Names:
    """Which collection each name means, at one moment."""

    collections: Mapping[str, Collection] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)

    def find(self, name: str) -> Collection | None:
        """``name`` is a collection's own or an alias, already checked."""
        return self.collections.get(self.aliases.get(name, name))

    def resolve(self, name: str, field: str = "collection") -> Collection:
        """Raises InvalidField for what cannot be a name, NotFound where there is none."""
        name = checked_name(name, field)
        collection = self.find(name)
        if collection is None:
            raise NotFound("collection", name)
        return collection

    def deletable(self, name: str) -> Collection:
        """``name`` must be the collection's own: what an alias points at today is no safe thing to delete.

        Raises InvalidField, NotFound.
        """
        if name in self.aliases:
            raise InvalidField(
                "name", f"{name!r} is an alias of {self.aliases[name]!r}: delete the collection by its own name"
            )
        return self.resolve(name, "name")

    def check_alias(self, alias: str) -> None:
        """Raises InvalidField where it cannot be one."""
        if alias in self.collections:
            raise InvalidField("alias", f"{alias!r} is the name of a collection, so it cannot be an alias")

    def aliases_of(self, name: str) -> list[str]:
        return sorted(alias for alias, target in self.aliases.items() if target == name)


def checked_name(name: str, field: str) -> str:
    """The name meant; empty means "default"."""
    name = name or DEFAULT
    if not _RULE.fullmatch(name):
        raise InvalidField(field, f'{name!r} is no name: 1 to 64 of a-z, 0-9, "-" and "_"')
    return name


def load_names(db: sqlite3.Connection) -> Names:
    rows = db.execute("SELECT key, name, model_digest, dimension, create_time FROM collections").fetchall()
    collections = {row[1]: Collection(*row) for row in rows}
    aliases = db.execute("SELECT a.alias, c.name FROM aliases a JOIN collections c ON c.key = a.collection")
    return Names(collections, dict(aliases.fetchall()))
