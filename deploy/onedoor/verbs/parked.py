"""`onedoor parked …`: what the services have set aside; looked at, tried again, or dismissed."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from events.text_safety import printable
from local.places import home
from onedoor.client import Service, session
from onedoor.screen import local_time, wide

Id = Annotated[int, typer.Argument(min=1, help="Its number in that service, as `onedoor parked list` shows it.")]
Of = Annotated[Service, typer.Option("--service", help="The service that parked it.")]
OneOrAll = Annotated[Service | None, typer.Option("--service", help="Only this service; all four if not given.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Why = Annotated[
    str,
    typer.Option(help="A code, as in sent-by-mistake. It goes into the log for good: no sentence, nobody's name."),
]

parked = typer.Typer(
    help="What could not be read or applied, and was set aside.", no_args_is_help=True, rich_markup_mode=None
)


@parked.command("list")
def every(
    service: OneOrAll = None,
    everything: Annotated[bool, typer.Option("--all", help="What is settled too, and how.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what is parked and why; its cases are incomplete until it is settled.

    \b
    onedoor parked list
    onedoor parked list --service sla --all
    onedoor parked list --json | jq '.sla[].reason'
    """
    query = {"all": "true"} if everything else {}
    found = asyncio.run(_get_all(service, query))
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        wide().print(_table(found))


@parked.command()
def show(id: Id, service: Of, as_json: AsJson = False) -> None:
    """Show one: where it came from, why it is parked, its bytes, and how it was settled.

    \b
    onedoor parked show 17 --service sla
    """
    _tell(asyncio.run(_get(service, id)), service, as_json)


@parked.command()
def retry(
    id: Annotated[
        int | None, typer.Argument(min=1, help="Its number in that service; all that is parked if not given.")
    ] = None,
    service: OneOrAll = None,
    as_json: AsJson = False,
) -> None:
    """Try again, after what was wrong is mended; exit 1 when the one that is named stays parked.

    \b
    onedoor parked retry                       everything, in all services
    onedoor parked retry --service sla         everything that sla has parked
    onedoor parked retry 17 --service sla      one
    """
    if id is None:
        settled = asyncio.run(_retry_all(service))
        print(
            json.dumps(settled, indent=1)
            if as_json
            else "\n".join(f"{name}: {n} settled" for name, n in settled.items())
        )
    elif service is None:
        raise typer.BadParameter("numbers are a service's own: give --service", param_hint="--service")
    else:
        _tell(asyncio.run(_post(service, f"/parked/{id}/retry")), service, as_json)


@parked.command()
def dismiss(id: Id, service: Of, why: Why, yes: Yes = False, as_json: AsJson = False) -> None:
    """Go on without it: its case is complete without it, and it is never tried again. That you did is a fact.

    \b
    onedoor parked dismiss 17 --service sla --why test-record
    onedoor parked dismiss 17 --service sla --why sent-by-mistake --yes
    """
    if not yes:
        typer.confirm(
            f"Dismiss {id} of {service}? What it says will never count, and that cannot be undone.", abort=True
        )
    _tell(asyncio.run(_post(service, f"/parked/{id}/dismiss", {"why": why})), service, as_json)


async def _get_all(service: str | None, query: Mapping[str, str]) -> dict[str, Any]:
    async with session(home()) as client:
        names = client.services(service)
        answers = await asyncio.gather(*(client.get(name, "/parked", **query) for name in names))
    return dict(zip(names, answers, strict=True))


async def _get(service: str, id: int) -> Any:
    async with session(home()) as client:
        return await client.get(service, f"/parked/{id}")


async def _retry_all(service: str | None) -> dict[str, int]:
    async with session(home()) as client:
        names = client.services(service)
        return {name: (await client.post(name, "/parked/retry"))["settled"] for name in names}


async def _post(service: str, path: str, body: object = None) -> Any:
    async with session(home()) as client:
        return await client.post(service, path, body)


def _tell(one: Mapping[str, Any], service: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps(one, indent=1))
        return
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"{service} {one['id']}: {one['place']}, parked by {one['follower']} {local_time(one['parked_at'])}")
    console.print(f"  of {one['subject']}; tried {one['attempts']} times")
    console.print(f"  {printable(one['reason'])}")
    if one["settled"]:
        console.print(f"  {_how(one)}")
    for line in one["body"].splitlines():  # anybody may have written it
        console.print(printable(line))


def _how(one: Mapping[str, Any]) -> str:
    """How it ended: by whom, when, why."""
    if not one["settled"]:
        return ""
    why = f": {one['settled_why']}" if one["settled_why"] else ""
    return f"{one['settled']} by {one['settled_by'] or 'the service'} {local_time(one['settled_at'])}{why}"


def _table(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> Table:
    table = Table("service", "id", "of", "parked by", "since", "tried", "reason", "settled", box=None, pad_edge=False)
    for service, own in found.items():
        for one in own:
            table.add_row(
                service, str(one["id"]), escape(one["subject"] or ""), one["follower"], local_time(one["parked_at"]),
                str(one["attempts"]), escape(printable(one["reason"])), _how(one),
            )  # fmt: skip
    return table
