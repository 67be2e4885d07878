"""A table of items, as CSV or as tabs: a row for each item, or for each picture of one."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from clothing_retrieval.catalog.entry import CatalogueError
from clothing_retrieval.catalog.row import Row, column

LARGEST_ROW = 2**20
"""In characters, with its line breaks."""
_SAYS_WHICH = frozenset(("id", "file", "url", "image_url"))


def find_table(folder: Path) -> Path | None:
    """items.csv, or the one CSV there is.

    Raises:
        CatalogueError: there are several.
    """
    tables = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".csv" and path.is_file())
    named = [path for path in tables if path.name.lower() == "items.csv"]
    if named or len(tables) <= 1:
        return next(iter(named or tables), None)
    names = ", ".join(path.name for path in tables)
    raise CatalogueError(f"{folder} has several CSV files ({names}): name the one that describes the items items.csv")


def read_table(path: Path) -> Iterator[Row]:
    """The rows in order.

    Raises:
        CatalogueError: it cannot be read, is no CSV in UTF-8, or has no column that tells its items apart.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from read_rows(path.name, file)
    except OSError as error:
        raise CatalogueError(f"{path} cannot be read: {error.strerror or error}") from None


def read_rows(name: str, file: TextIO) -> Iterator[Row]:
    """The rows of an open table, in order. ``file`` can seek and was opened with newline="". Raises CatalogueError.

    Quotes are those of CSV with tabs too, as Google reads them: https://support.google.com/merchants/answer/14998273.
    """
    csv.field_size_limit(LARGEST_ROW)
    line = 1
    left = LARGEST_ROW

    def lines() -> Iterator[str]:
        nonlocal left
        while text := file.readline(left + 1):
            left -= len(text)
            if left < 0:
                raise csv.Error(f"it has more than {LARGEST_ROW:,} characters")
            yield text

    try:
        header = file.readline(LARGEST_ROW)
        file.seek(0)
        delimiter = max(",;\t", key=header.count)
        # Else a quote that is never closed takes in all rows below it.
        reader = csv.reader(lines(), delimiter=delimiter, strict=True)
        columns = [column(name) for name in next(reader, [])]
        if not _SAYS_WHICH & set(columns):
            raise CatalogueError(
                f"{name} has no column `id`, `file`, `url` or `image_url`: its first line names the columns"
            )
        line, left = reader.line_num + 1, LARGEST_ROW
        for cells in reader:
            values = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if cell.strip()}
            if values:
                more = values.get("additional_image_url", "")
                yield Row(
                    f"{name}, line {reader.line_num}", values, tuple(filter(None, map(str.strip, more.split(","))))
                )
            line, left = reader.line_num + 1, LARGEST_ROW
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{name} is not UTF-8 ({error.reason}): save it as UTF-8") from None
    except csv.Error as error:
        raise CatalogueError(
            f"{name} is no CSV at the row that begins in line {line} ({error}): close the quote that begins a cell, "
            "and write a quote inside of it twice"
        ) from None
