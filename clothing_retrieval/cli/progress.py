"""How far a long piece of work is: a bar on a terminal, a line now and then elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

_LINE_EVERY_S = 10.0


class Progress:
    """``total``: None while it is not known how much there is to do."""

    def __init__(self, title: str, total: int | None, console: Console | None = None) -> None:
        self._title = title
        self._total = total
        self._console = console or Console(stderr=True)
        self._began = self._last_line = time.monotonic()
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            TextColumn("[red]{task.fields[problems]}"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(title, total=total, problems="")

    def advance(self, done: int, total: int | None, failed: int = 0) -> None:
        """For work that learns on the way how much it is."""
        self._total = total
        self._bar.update(self._task, total=total)
        self.advance_to(done, failed)

    def advance_to(self, done: int, failed: int = 0) -> None:
        self._bar.update(self._task, completed=done, problems=f"{failed} failed" if failed else "")
        now = time.monotonic()
        if not self._console.is_terminal and now - self._last_line >= _LINE_EVERY_S:
            self._last_line = now
            self._write_line(done, failed, now - self._began)

    def _write_line(self, done: int, failed: int, took_s: float) -> None:
        rate = done / took_s
        left = f", {(self._total - done) / rate:.0f} s left" if rate and self._total else ""
        of = "" if self._total is None else f" of {self._total:,}"
        problems = f", {failed:,} failed" if failed else ""
        line = f"{self._title}: {done:,}{of}, {rate:.1f} a second{left}{problems}"
        self.say(line)

    def say(self, line: str) -> None:
        """A line above the bar."""
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.0f}/s", style="cyan")
