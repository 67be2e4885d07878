"""The CSV beside a folder's pictures: a row for each item, or for each picture of one."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clothing_retrieval.catalog.entry import CatalogueError
from clothing_retrieval.catalog.fields import BadValue, read_bool, read_gender, read_price
from clothing_retrieval.v1.types_pb2 import Item

_ALIASES: Mapping[str, str] = {
    "filename": "file",
    "picture": "file",
    "name": "title",
    "special_price": "sale_price",
    "link": "url",
    "image_link": "image_url",
    "img_url": "image_url",
    "availability": "in_stock",
}
_TEXTS = ("title", "url", "image_url", "category")


@dataclass(frozen=True)
class Row:
    line: int
    values: Mapping[str, str] = field(repr=False)
    """By column, only those that are not empty."""

    @property
    def id(self) -> str:
        return self.values.get("id", "")

    @property
    def file(self) -> str:
        return self.values.get("file", "").replace("\\", "/")

    def describe(self, item: Item) -> None:
        """Sets what the row says on an item; what the item says already stays.

        Raises:
            BadValue: a cell that is no number, no yes or no.
        """
        for name, text in self.values.items():
            if name in _TEXTS:
                setattr(item, name, getattr(item, name) or text)
            elif name in ("price", "sale_price"):
                price, currency = read_price(name, text)
                if not item.HasField(name):
                    setattr(item, name, price)
                item.currency = item.currency or currency
            elif name == "currency":
                item.currency = text.upper()
            elif name == "in_stock":
                item.in_stock = read_bool(name, text)
            elif name == "gender":
                self._describe_gender(item, text)
            elif name not in ("id", "file") and name not in item.attributes:
                item.attributes[name] = text

    @staticmethod
    def _describe_gender(item: Item, text: str) -> None:
        gender = read_gender(text)
        if gender:
            item.gender = gender
        else:
            item.attributes["gender"] = text


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
        CatalogueError: it is no CSV in UTF-8, or has neither an id nor a file column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(",;\t", key=header.count))
            columns = [_column(name) for name in next(reader, [])]
            if not {"id", "file"} & set(columns):
                raise CatalogueError(f"{path} has neither a column `id` nor a column `file`: its first line names them")
            for cells in reader:
                values = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if cell.strip()}
                if values:
                    yield Row(reader.line_num, values)
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{path} is not UTF-8 ({error.reason}): save it as UTF-8") from None
    except csv.Error as error:
        raise CatalogueError(f"{path} is no CSV: {error}") from None


def _column(name: str) -> str:
    plain = "_".join(name.strip().lower().replace("-", " ").split())
    return _ALIASES.get(plain, plain)


__all__ = ["BadValue", "Row", "find_table", "read_table"]
