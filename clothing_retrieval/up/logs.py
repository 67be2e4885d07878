"""Where the lines of the services go: to the terminal, each with its service's name, or to files."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.text import Text

from clothing_retrieval.up.errors import UpError
from clothing_retrieval.up.stack import SERVICES

_COLOURS = dict(zip(SERVICES, ("magenta", "cyan", "green", "blue"), strict=True))
_WIDTH = max(map(len, SERVICES))


class WriteLog(Protocol):
    def __call__(self, service: str, line: str, /) -> None: ...


def to_terminal(console: Console) -> WriteLog:
    def write(service: str, line: str, /) -> None:
        prefix = Text(f"{service:{_WIDTH}} │ ", style=_COLOURS[service])
        console.print(prefix + Text(line), soft_wrap=True)

    return write


@contextmanager
def to_files(folder: Path) -> Iterator[WriteLog]:
    """Appends to ``folder``/<service>.log. Raises UpError where that cannot be written."""
    with ExitStack() as open_files:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            files = {
                name: open_files.enter_context((folder / f"{name}.log").open("a", encoding="utf-8", buffering=1))
                for name in SERVICES
            }
        except OSError as error:
            raise UpError(f"cannot write logs to {folder} ({error.strerror}): choose another --log-dir") from error

        def write(service: str, line: str, /) -> None:
            files[service].write(line + "\n")

        yield write
