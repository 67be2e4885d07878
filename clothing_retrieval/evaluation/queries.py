"""Photos and what should be found for them: items of a category, or certain items."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clothing_retrieval.catalog.entry import CatalogueError
from clothing_retrieval.catalog.folder import find_pictures

if TYPE_CHECKING:
    import _csv

_PHOTO_COLUMNS = ("photo", "file")
_ITEM_COLUMNS = ("item", "id")


@dataclass(frozen=True)
class Query:
    photo: Path
    category: str = ""
    """Of a labelled photo."""
    items: tuple[str, ...] = ()
    """The ids that are sought, each once; none where the photo is labelled."""


def read_queries(source: Path) -> list[Query]:
    """The queries of a folder of labelled photos, or of a file of pairs.

    Raises:
        CatalogueError: there are none, or a line cannot be used.
    """
    return read_pairs(source) if source.suffix.lower() == ".csv" and not source.is_dir() else labelled_photos(source)


def labelled_photos(folder: Path) -> list[Query]:
    """The photos in the sub-folders of ``folder``.

    Raises:
        CatalogueError: there are none, or a folder cannot be read.
    """
    paths = [(path, path.relative_to(folder).parts) for path in find_pictures(folder)] if folder.is_dir() else []
    photos = [Query(path, category=parts[0]) for path, parts in paths if len(parts) > 1]
    if not photos:
        raise CatalogueError(
            f"{folder} has no sub-folders with pictures: a sub-folder is the category of its photos. "
            "To look for certain items, name a CSV file of pairs instead"
        )
    return photos


def read_pairs(path: Path) -> list[Query]:
    """The photos of a CSV with the columns ``photo`` (or ``file``) and ``item`` (or ``id``), in order.

    A photo's path is relative to the file. Several rows with the same photo are several items sought in it.

    Raises:
        CatalogueError: a line cannot be used: which, why, and what to do.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            sought = _sought(path, reader)
    except OSError as error:
        raise CatalogueError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{path} is not UTF-8 ({error.reason}): save it as UTF-8") from None
    except csv.Error as error:
        raise CatalogueError(f"{path}, line {reader.line_num}: no CSV ({error}): mend the quotes") from None
    if not sought:
        raise CatalogueError(f"{path} has no pairs: write a line `photo,item` for each below the first")
    return [Query(photo, items=tuple(items)) for photo, items in sought.items()]


def _sought(path: Path, reader: "_csv.Reader") -> dict[Path, dict[str, None]]:
    """The items of each photo, in order and each once."""
    header = [name.strip().lower() for name in next(reader, [])]
    photo_column, item_column = (_column(path, header, names) for names in (_PHOTO_COLUMNS, _ITEM_COLUMNS))
    sought: dict[Path, dict[str, None]] = {}
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        place = f"{path}, line {reader.line_num}"
        if len(cells) != len(header):
            raise CatalogueError(
                f"{place}: {len(cells)} cells where the first line names {len(header)}: put cells with commas in quotes"
            )
        name, item = cells[photo_column].strip(), cells[item_column].strip()
        if not name or not item:
            raise CatalogueError(f"{place}: no {'item' if name else 'photo'}: fill it in, or delete the line")
        photo = path.parent / name.replace("\\", "/")
        if not photo.is_file():
            raise CatalogueError(f"{place}: there is no photo {photo}: paths are relative to the CSV file")
        sought.setdefault(photo, {})[item] = None
    return sought


def _column(path: Path, header: list[str], names: tuple[str, ...]) -> int:
    for name in names:
        if name in header:
            return header.index(name)
    raise CatalogueError(
        f"{path}, line 1: no column `{names[0]}` among {', '.join(header) or 'none'}: "
        "let the first line be `photo,item`"
    )
