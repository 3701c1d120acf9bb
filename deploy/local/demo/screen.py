"""What the demo shows: one bar while it plays, then tables. Off a terminal, one plain line now and then."""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

EVERY = 10.0  # seconds between lines off a terminal

FIGURES = (
    ("received", "received"), ("carried over", "carried over"), ("ahead", "ahead"), ("on time", "on time"),
    ("overdue", "overdue"), ("with apology", "apologised"), ("without result", "no result"), ("open", "open"),
    ("open overdue", "open late"), ("undetermined", "undetermined"), ("incomplete", "incomplete"),
)  # fmt: skip


class _Rate(ProgressColumn):
    """Actions in a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:,.0f}/s", style="dim")


class Bar:
    """How far something has come: done, of how many, how fast, how long it will still take."""

    def __init__(self, console: Console, what: str, total: int) -> None:
        self._console, self._what, self._total = console, what, total
        self._began = self._said = time.monotonic()
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=32), MofNCompleteColumn(), _Rate(),
            TimeRemainingColumn(), console=console, transient=True,
        )  # fmt: skip
        self._task = self._progress.add_task(what, total=total)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._progress.stop()

    def tell(self, where: str, done: int, total: int | None = None) -> None:
        self._total = total or self._total
        if self._console.is_terminal:
            self._progress.update(self._task, completed=done, total=self._total, description=f"{self._what} {where}")
            return
        now = time.monotonic()
        if now - self._said >= EVERY and done:
            self._said, spent = now, now - self._began
            left = spent / done * (self._total - done)
            self._console.print(
                f"{self._what} {where}  {done:,} of {self._total:,}  {done / spent:,.0f}/s  {left:,.0f} s left",
                highlight=False,
            )


def table(title: str, first: str, lines: Sequence[tuple[str, Mapping[str, Any]]]) -> Table:
    """Lines of the record; columns that are empty everywhere are left out, but for those that matter when empty."""
    always = {"received", "ahead", "on time", "overdue", "open", "undetermined"}
    columns = [(key, head) for key, head in FIGURES if key in always or any(one["figures"][key] for _, one in lines)]
    shown = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    shown.add_column(first, no_wrap=True, overflow="ellipsis")
    for _, head in columns:
        shown.add_column(head, justify="right", min_width=5)
    shown.add_column("in time", justify="right", no_wrap=True)
    for name, one in lines:
        figures = one["figures"]
        share = one["on_time_share"]
        cells = [_cell(key, figures[key]) for key, _ in columns]
        shown.add_row(name, *cells, "n/a" if share is None else f"{share:.2%}")
    return shown


def _cell(key: str, value: int) -> str:
    if not value:
        return "[dim]0[/]"
    return f"[red]{value:,}[/]" if key in ("overdue", "open late") else f"{value:,}"
