"""`onedoor runs …`: rebuilds that were begun here or elsewhere; looked at, watched, called off."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from local.places import home
from onedoor.client import Client, session
from onedoor.screen import local_time, wide
from onedoor.verbs.watch import At, watch

Run = Annotated[int, typer.Argument(min=1, help="The run's number, as `onedoor runs list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]

runs = typer.Typer(help="Rebuilds: who began which, and how it went.", no_args_is_help=True, rich_markup_mode=None)


@runs.command("list")
def every(as_json: AsJson = False) -> None:
    """List every run: who began it, when, and how it ended.

    \b
    onedoor runs list
    onedoor runs list --json | jq '.[-1]'
    """
    found = asyncio.run(_get("/rebuilds"))
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        wide().print(_table(found))


@runs.command()
def show(run: Run, as_json: AsJson = False) -> None:
    """Show one run: its phase, what it folded, what differed.

    \b
    onedoor runs show 4
    """
    found = asyncio.run(_get(f"/rebuilds/{run}"))
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        tell(wide(), found)


@runs.command()
def certificate(
    run: Run,
    output: Annotated[
        Path | None, typer.Option("-o", metavar="FILE", help="Write it as signed JSON, not text.")
    ] = None,
) -> None:
    """Show what a run vouches for: records, code, rules, rows, holes, and every dossier that differs.

    \b
    onedoor runs certificate 4
    onedoor runs certificate 4 -o run-4.json     for `onedoor verify`, today or in five years
    """
    path = f"/rebuilds/{run}/certificate"
    if output is None:
        print(asyncio.run(_get(f"{path}/text")), end="")
    else:
        whole = asyncio.run(_get(path)) | {"differences": asyncio.run(_get(f"/rebuilds/{run}/differences"))}
        output.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")


@runs.command("watch")
def look(run: Run) -> None:
    """Watch a run until it has ended, from any terminal; exit 1 when it did not end well.

    \b
    onedoor runs watch 4
    """
    how = asyncio.run(_watch(run, Console(stderr=True)))
    tell(wide(), how)
    if not ended_well(how):
        sys.exit(1)


@runs.command()
def cancel(run: Run, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Call a run off: the live tables stay, and nothing of it is left but its record; exit 1 when it ended before.

    \b
    onedoor runs cancel 4 --yes
    """
    if not yes:
        typer.confirm(f"Call off run {run}? What it has folded so far is dropped.", abort=True)
    how = asyncio.run(_cancel(run, Console(stderr=True)))
    tell(wide(), how)
    if how["state"] != "cancelled":
        sys.exit(1)


async def _get(path: str) -> Any:
    async with session(home()) as client:
        return await client.get("sla", path)


async def _watch(run: int, console: Console) -> Mapping[str, Any]:
    async with session(home()) as client:
        return await follow(client, run, console)


async def _cancel(run: int, console: Console) -> Mapping[str, Any]:
    async with session(home()) as client:
        await client.delete("sla", f"/rebuilds/{run}")
        return await follow(client, run, console)


async def follow(client: Client, run: int, console: Console) -> Mapping[str, Any]:
    """How a run ended, watched until then."""

    def at(how: Mapping[str, Any]) -> At:
        return At(how["events"], how["expected"], how["events_per_second"], how["seconds_left"], how["phase"])

    return await watch(f"rebuild {run}", "events", lambda: client.get("sla", f"/rebuilds/{run}"), at, console)


def ended_well(how: Mapping[str, Any]) -> bool:
    """Whether it swapped, or put right what was named, or was a trial in which nothing differed."""
    left = how["stuck"] or (how["differences"] and not how["put_right"])
    return bool(how["state"] == "done" and (how["swapped"] or not left))


def tell(console: Console, how: Mapping[str, Any]) -> None:
    """A run for a person."""
    rate = f", {how['events_per_second']:,.0f} events/s" if how["events_per_second"] else ""
    console.print(f"run {how['run']}{' (dry run)' if how['dry_run'] else ''}: {how['phase']}", highlight=False)
    console.print(
        f"  begun {local_time(how['started_at'])} by {how['actor'] or 'nobody known'}; "
        f"ended {local_time(how['finished_at'])}", highlight=False,
    )  # fmt: skip
    console.print(
        f"  {how['events']:,} of {how['expected']:,} events, {how['cases']:,} dossiers in {how['seconds'] or 0:.2f} s"
        f"{rate}; {how['undecodable']:,} could not be read", highlight=False,
    )  # fmt: skip
    if how["rows"] is not None:
        console.print(
            f"  {how['rows']:,} rows, hash {how['hash']}; {how['differences']:,} dossiers differ from the live ones",
            highlight=False,
        )
    for case_id, why in how["stuck"].items():
        console.print(f"  set aside: {case_id}: {why}", highlight=False, markup=False)
    if how["error"]:
        console.print(f"  {how['error']}", style="red", highlight=False, markup=False)


def _table(found: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(
        "run", "state", "begun", "by", "ended", "events", "dossiers", "rows", "hash", box=None, pad_edge=False
    )
    for one in found:
        state = one["phase"] if one["phase"] == "put right" else one["state"]
        if one["dry_run"]:
            state += " (dry run)"
        table.add_row(
            str(one["id"]), state, local_time(one["started_at"]), one["actor"] or "–", local_time(one["finished_at"]),
            f"{one['events']:,}", f"{one['cases']:,}", "–" if one["rows"] is None else f"{one['rows']:,}",
            one["hash"] or "–",
        )  # fmt: skip
    return table
