"""How progress and addresses look: a live table on a terminal, one line per step elsewhere."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, ProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from local.stack import Step

WHAT = {
    "kafka": "Apache Kafka, the log",
    "postgres": "PostgreSQL, the services' stores",
    "issuer": "who is who (dev tokens)",
    "zalo": "Zalo (simulator)",
    "intake": "the door: counters and Zalo",
    "routing": "from hand to hand",
    "field": "work orders and visits",
    "sla": "the verdict on every promise",
}
VIETNAM = timezone(timedelta(hours=7))
WIDTH = 160  # characters of a line where there is no terminal
_UNDER_WAY = ("fetching", "starting", "stopping")
_SAID: Mapping[str, str] = {
    "fetching": "fetching its jars, once (44 MB)",
    "ended": "ended by itself; starting it again",
}
_STYLE = {"ready": "green", "given": "green", "failed": "bold red", "ended": "bold red", "stopped": "dim"}


def wide() -> Console:
    """A console as wide as the terminal; where there is none, wide enough for a table."""
    return Console(width=None if sys.stdout.isatty() else WIDTH)


def local_time(instant: str | None) -> str:
    """An instant of an answer as a clock in Quang Ninh shows it; a dash for none."""
    return f"{datetime.fromisoformat(instant).astimezone(VIETNAM):%d/%m/%Y %H:%M}" if instant else "–"


class Tell(Protocol):
    """To be told how many are done, and what is waited for, if anything."""

    def __call__(self, done: int, waits: str = "", /) -> object: ...


@contextmanager
def progress(unit: str, total: int) -> Iterator[Tell]:
    """A bar on a terminal's stderr."""
    columns: tuple[ProgressColumn, ...] = (
        TextColumn(unit), BarColumn(), TextColumn("{task.completed:,.0f}/{task.total:,.0f}"), TimeElapsedColumn(),
        TimeRemainingColumn(), TextColumn("{task.description}"),
    )  # fmt: skip
    with Bar(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task("", total=max(total, 1))
        yield lambda done, waits="", /: bar.update(task, completed=done, description=waits)


class Progress:
    """Shows each part as it gets ready, with its time. Give `tell` to a Stack."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps: dict[str, tuple[Step, float]] = {}
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(self._table(), console=self._console, refresh_per_second=10).__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.__exit__(kind, error, trace)
            self._live = None

    def tell(self, part: str, step: Step, seconds: float) -> None:
        self._steps[part] = step, seconds
        if self._live:
            self._live.update(self._table())
        else:  # no terminal, or a part that ended and came back while everything was up
            took = f" after {seconds:.1f} s" if seconds else ""
            self._console.print(f"{part:9} {_SAID.get(step, step)}{took}", highlight=False)

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for part, (step, seconds) in self._steps.items():
            mark = (
                Spinner("dots")
                if step in ("starting", "stopping")
                else Text("✓" if step in ("ready", "given") else "✗")
            )
            shown = Text(f"{step} {seconds:.1f} s" if seconds else _SAID.get(step, step), style=_STYLE.get(step, ""))
            table.add_row(mark, Text(part, style="bold"), Text(WHAT.get(part, ""), style="dim"), shown)
        return table


def show_addresses(console: Console, about: Mapping[str, Any]) -> None:
    """Where everything is, for a person who wants to look."""
    table = Table.grid(padding=(0, 2))
    for name, url in about["urls"].items():
        table.add_row(Text(name, style="bold"), url, Text(WHAT.get(name, ""), style="dim"))
    table.add_row(Text("kafka", style="bold"), about["kafka"], Text(f"topics {about['topic_prefix']}*", style="dim"))
    table.add_row(Text("postgres", style="bold"), about["database"], "")
    if about["dev_secret"]:
        hint = "of every client <role>.<unit>: receptionist.PAC-193, officer.DL-193, operator.onedoor …"
        table.add_row(Text("secret", style="bold"), about["dev_secret"], Text(hint, style="dim"))
    console.print(table, soft_wrap=True)
