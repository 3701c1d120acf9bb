"""`onedoor sla …`: the judged tables, folded again from the log beside the live ones."""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

from events.topics import PARTITIONS
from local.places import home
from onedoor.client import session
from onedoor.runs import ended_well, follow, tell

sla = typer.Typer(help="The SLA service's judged tables.", no_args_is_help=True, rich_markup_mode=None)


@sla.command()
def rebuild(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compare and say what differs; swap nothing.")] = False,
    accept_differences: Annotated[
        bool,
        typer.Option("--accept-differences", help="Swap even if dossiers differ; each difference is published once."),
    ] = False,
    accept_holes: Annotated[
        str | None,
        typer.Option(metavar="WHY", help="Go over records that cannot be read and were not dismissed; why, as a code."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=PARTITIONS, help="Processes that fold; one a core.")] = None,
    throttle: Annotated[
        int,
        typer.Option(min=1, max=100, metavar="PERCENT", help="Work only so much of the time, for the others' sake."),
    ] = 100,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before differences are accepted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object at the end, for programs.")] = False,
) -> None:
    """Fold the whole log again, compare with the live tables at one cut, and swap when they are equal.

    The live tables answer meanwhile, and readers see the one or the other, never a mixture. Ctrl-C stops
    watching, not the run: `onedoor runs watch` looks at it again, `onedoor runs cancel` calls it off.
    `onedoor runs certificate` shows what a run vouches for.
    Exit code 1: dossiers differ or records cannot be read and nobody accepted it, or the run failed.

    \b
    onedoor sla rebuild --dry-run              is what the tables say what the log says?
    onedoor sla rebuild                        swap in what the log says, if nothing differs
    onedoor sla rebuild --throttle 30          in office hours: slower, and nobody notices
    onedoor sla rebuild --accept-differences   after a mended fault: publish what is different now
    """
    if accept_differences and not (yes or dry_run):
        typer.confirm("Swap even if dossiers differ, and publish each difference?", abort=True)
    asked = {
        "dry_run": dry_run, "accept_differences": accept_differences, "accept_holes": accept_holes, "workers": workers,
        "throttle": throttle,
    }  # fmt: skip
    how = asyncio.run(_rebuild(asked, Console(stderr=True)))
    if as_json:
        print(json.dumps(how, indent=1))
    else:
        tell(Console(), how)
    if not ended_well(how):
        sys.exit(1)


async def _rebuild(asked: Mapping[str, Any], console: Console) -> Mapping[str, Any]:
    async with session(home()) as client:
        run: int = (await client.post("sla", "/rebuilds", asked))["run"]
        return await follow(client, run, console)
