"""`onedoor sla …`: the judged tables, folded again from the log beside the live ones."""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from events.errors import OnedoorError
from events.kafka.topics import PARTITIONS
from local.places import home
from onedoor.client import session
from onedoor.instants import until_end_of
from onedoor.verbs.parked import Yes
from onedoor.verbs.runs import ended_well, follow, tell

Source = Literal["kafka", "inbox", "segments"]

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
    case: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Look at this dossier alone; may be given again.")
    ] = None,
    cases: Annotated[
        typer.FileText | None, typer.Option(metavar="FILE", help="The same for a file of them, one a line; - is stdin.")
    ] = None,
    source: Annotated[
        Source, typer.Option("--from", help="What the facts are read from; inbox: what sla heard, Kafka may be away.")
    ] = "kafka",
    until: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="A trial of what was recorded by the end of a day, by an instant, or below "
            "offsets: topic/partition=offset,…",
        ),
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
    onedoor sla rebuild --case 000.00.22.H49-170710-0001 --accept-differences   put this one right, touch no other
    onedoor sla rebuild --until 2017-08-31     what did the tables say then? Compared with nothing, swapped in nowhere
    onedoor sla rebuild --from segments        retention cut the topics, and they were exported before
    onedoor sla rebuild --from inbox           Kafka is gone
    """
    named = [*(case or ()), *(line.strip() for line in cases or () if line.strip())]
    if accept_differences and not (yes or dry_run):
        what = "Put them right where they differ" if named else "Swap even if dossiers differ"
        typer.confirm(f"{what}, and publish each difference?", abort=True)
    asked = {
        "dry_run": dry_run, "accept_differences": accept_differences, "accept_holes": accept_holes, "workers": workers,
        "throttle": throttle, "cases": named or None, "source": source, **(_until(until) if until else {}),
    }  # fmt: skip
    _run("/rebuilds", asked, as_json)


@sla.command()
def rollback(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compare and say what differs; swap nothing.")] = False,
    yes: Yes = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object at the end, for programs.")] = False,
) -> None:
    """Go back to the tables that were replaced last, with what was heard since; what differs is published.

    They are compared with the live ones first, and swapped in like any rebuild. Nothing on the log is undone.
    Exit code 1: in a dry run dossiers differ, or the run failed.

    \b
    onedoor sla rollback --dry-run   how many dossiers would stand differently again?
    onedoor sla rollback
    """
    if not (yes or dry_run):
        typer.confirm("Go back to the tables before the last swap, and publish each difference?", abort=True)
    _run("/rollbacks", {"dry_run": dry_run, "accept_differences": True}, as_json)


@sla.command()
def prune(yes: Yes = False) -> None:
    """Drop the tables that were replaced last: they take as much room as the live ones. That you did is a fact.

    \b
    onedoor sla prune --yes
    """
    if not yes:
        typer.confirm("Drop the replaced tables? `onedoor sla rollback` has nothing to go back to then.", abort=True)
    dropped = asyncio.run(_prune())
    print(f"dropped: {', '.join(f'generation {one}' for one in dropped) or 'nothing, there was nothing to drop'}")


def _until(when: str) -> dict[str, Any]:
    """The end of a day, an instant, or offsets, as the service is asked for them. Raises OnedoorError."""
    if "=" not in when:
        return {"until": until_end_of(when).isoformat()}
    offsets = dict(one.rsplit("=", 1) for one in when.split(",") if "=" in one)
    if len(offsets) != len(when.split(",")) or not all(end.isdecimal() for end in offsets.values()):
        raise OnedoorError(f"--until: {when!r} is not topic/partition=offset,topic/partition=offset,…")
    return {"offsets": {place: int(end) for place, end in offsets.items()}}


def _run(path: str, asked: Mapping[str, Any], as_json: bool) -> None:
    how = asyncio.run(_watched(path, asked, Console(stderr=True)))
    if as_json:
        print(json.dumps(how, indent=1))
    else:
        tell(Console(), how)
    if not ended_well(how):
        sys.exit(1)


async def _watched(path: str, asked: Mapping[str, Any], console: Console) -> Mapping[str, Any]:
    async with session(home()) as client:
        run: int = (await client.post("sla", path, asked))["run"]
        return await follow(client, run, console)


async def _prune() -> list[int]:
    async with session(home()) as client:
        dropped: list[int] = (await client.post("sla", "/prunes"))["dropped"]
        return dropped
