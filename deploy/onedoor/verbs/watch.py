"""Watching a run of a service until it has ended: a bar with rate and remaining time on a terminal."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

LOOK = 0.3  # seconds between looks at a run


class At(NamedTuple):
    """How far a run is: so many of so many, at a rate, and what it is doing."""

    completed: float
    total: float
    per_second: float | None
    seconds_left: float | None
    doing: str = ""


async def watch(
    name: str,
    unit: str,
    ask: Callable[[], Awaitable[Mapping[str, Any]]],
    at: Callable[[Mapping[str, Any]], At],
    console: Console,
) -> Mapping[str, Any]:
    """Ask until the run's `state` is no longer "running"; what was answered last."""
    bar = Progress(
        TextColumn(name), BarColumn(), TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TextColumn("{task.fields[left]}"),
        TextColumn("{task.fields[doing]}"), console=console, disable=not sys.stderr.isatty(), transient=True,
    )  # fmt: skip
    with bar:
        task = bar.add_task("", total=1, rate="", left="", doing="")
        while True:
            run = await ask()
            far = at(run)
            bar.update(
                task, completed=far.completed, total=max(far.total, 1), doing=far.doing,
                rate=f"{far.per_second:,.0f} {unit}/s" if far.per_second else "",
                left=f"{far.seconds_left:.0f} s left" if far.seconds_left is not None else "",
            )  # fmt: skip
            if run["state"] != "running":
                return run
            await asyncio.sleep(LOOK)
