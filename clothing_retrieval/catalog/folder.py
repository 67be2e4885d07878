"""A folder of pictures as a catalogue: a sub-folder is a category, a CSV adds the details."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from clothing_retrieval.catalog.entry import BadEntry, CatalogueError, Entry
from clothing_retrieval.catalog.fields import BadValue, humanised, is_code, short_id
from clothing_retrieval.catalog.row import Row
from clothing_retrieval.catalog.table import find_table, read_table
from clothing_retrieval.v1.types_pb2 import Item

PICTURE_ENDINGS = frozenset((".jpg", ".jpeg", ".png", ".webp"))


class FolderSource:
    kind = "folder"
    missing = ""

    def __init__(self, folder: Path) -> None:
        """Raises CatalogueError."""
        self._entries = read_folder(folder)

    @property
    def expected(self) -> int:
        return len(self._entries)

    def entries(self) -> Iterator[Entry | BadEntry]:
        return iter(self._entries)


@dataclass
class _Draft:
    """What the rows and the pictures of one id have said so far."""

    item: Item
    pictures: list[Path] = field(default_factory=list)
    source: str = ""
    problems: list[str] = field(default_factory=list)


def read_folder(folder: Path) -> list[Entry | BadEntry]:
    """All items of a folder, in the order of the table and then of the paths. No picture is opened.

    A picture's category is the sub-folder of ``folder`` that it lies in. Rows that bear the same id, and pictures whose
    names differ only in their endings, are one item. A picture that no row names is an item by itself: its id is its
    path below ``folder`` without the ending.

    Raises:
        CatalogueError: the folder cannot be read, holds no pictures, or its table cannot be read.
    """
    if not folder.is_dir():
        raise CatalogueError(f"{folder} is no folder: name the folder that holds the pictures")
    pictures = list(find_pictures(folder))
    if not pictures:
        raise CatalogueError(f"{folder} holds no pictures (JPEG, PNG or WebP), nor do the folders in it")
    drafts: dict[str, _Draft] = {}
    table = find_table(folder)
    named = _take_rows(drafts, folder, table, pictures) if table else set()
    for path in pictures:
        if path not in named:
            _draft(drafts, _id(folder, path)).pictures.append(path)
    return [_finish(folder, id, draft) for id, draft in drafts.items()]


def find_pictures(folder: Path) -> Iterator[Path]:
    """Every picture below a folder, in order. Hidden files and folders are passed over.

    Raises:
        CatalogueError: a folder cannot be read.
    """
    for name, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(inner for inner in folders if not inner.startswith("."))
        for file in sorted(files):
            path = Path(name, file)
            if path.suffix.lower() in PICTURE_ENDINGS and not file.startswith("."):
                yield path


def _refuse(error: OSError) -> NoReturn:
    """What cannot be read is not empty: its items would be taken for gone."""
    raise CatalogueError(f"the folder {error.filename} cannot be read: {error.strerror}") from None


def _take_rows(drafts: dict[str, _Draft], folder: Path, table: Path, pictures: list[Path]) -> set[Path]:
    """Drafts an item for each id of the table. Returns the pictures that belong to them."""
    known = set(pictures)
    by_name: dict[str, list[Path]] = {}
    for path in pictures:
        for name in {path.stem, _id(folder, path)}:
            by_name.setdefault(name, []).append(path)
    named: set[Path] = set()
    for row in read_table(table):
        own = [folder / os.path.relpath(folder / row.file, folder)] if row.file else by_name.get(row.own_id, [])
        draft = _draft(drafts, row.own_id or (_id(folder, own[0]) if row.file else row.id))
        draft.source = draft.source or row.place
        _describe(draft, row)
        draft.problems += filter(None, (_objection(folder, path) for path in own if path not in known))
        draft.pictures += [path for path in own if path not in draft.pictures]
        named.update(own)
    return named


def _objection(folder: Path, path: Path) -> str:
    """Empty where the picture may be taken."""
    if ".." in path.relative_to(folder).parts:
        return f"the picture {path} does not lie in {folder}"
    return "" if os.path.isfile(path) else f"there is no picture {path}"


def _describe(draft: _Draft, row: Row) -> None:
    try:
        row.describe(draft.item)
    except BadValue as error:
        draft.problems.append(str(error))


def _draft(drafts: dict[str, _Draft], id: str) -> _Draft:
    return drafts.setdefault(id, _Draft(Item(id=id)))


def _finish(folder: Path, id: str, draft: _Draft) -> Entry | BadEntry:
    odd = [path for path in draft.pictures if _in_utf8(path) != path.as_posix()]
    draft.problems += [f"the name of {_in_utf8(path)} is not UTF-8: rename it" for path in odd]
    if not draft.pictures:
        draft.problems.append("no picture: the column `file` names it, or a picture bears the id as its name")
    if draft.problems:
        return BadEntry(id, draft.source, "; ".join(draft.problems))
    first = draft.pictures[0]
    item = draft.item
    item.category = item.category or _category(folder, first)
    item.title = item.title or _title(item.category, first)
    return Entry(item, tuple(draft.pictures))


def _id(folder: Path, path: Path) -> str:
    return short_id(os.path.splitext(_in_utf8(path.relative_to(folder)))[0])


def _in_utf8(path: Path) -> str:
    """With escapes for the bytes that are none."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _category(folder: Path, path: Path) -> str:
    try:
        below = path.relative_to(folder).parts
    except ValueError:
        return ""
    return below[0] if len(below) > 1 else ""


def _title(category: str, path: Path) -> str:
    if not is_code(path.stem):
        return humanised(path.stem)
    return f"{category[:1].upper()}{category[1:]} {humanised(path.stem[:8])}".strip()
