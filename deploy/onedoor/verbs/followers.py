"""`onedoor followers …`: who reads a log and how far; paused, resumed, replayed, rewound."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from events.errors import OnedoorError
from local.places import home
from onedoor.client import Client, session
from onedoor.instants import instant
from onedoor.screen import wide
from onedoor.verbs.parked import AsJson, OneOrAll, Why, Yes
from onedoor.verbs.status import trouble

Name = Annotated[str, typer.Argument(help="The follower, as `onedoor followers list` shows it.")]

followers = typer.Typer(
    help="Who reads a log and remembers how far: projections, policies, the judge, the relay.",
    no_args_is_help=True, rich_markup_mode=None,
)  # fmt: skip


@followers.command("list")
def every(service: OneOrAll = None, as_json: AsJson = False) -> None:
    """List the followers, how far each is behind, and what keeps it.

    \b
    onedoor followers list
    onedoor followers list --service sla --json | jq '.sla[].name'
    """
    found = asyncio.run(_list(service))
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        wide().print(_table(found))


@followers.command()
def pause(name: Name, why: Why, service: OneOrAll = None, as_json: AsJson = False) -> None:
    """Let a follower apply nothing until it is resumed, whatever restarts. That you did is a fact.

    It is shown as behind; a rebuild waits for a paused judge, and warnings for a paused relay.

    \b
    onedoor followers pause field.workorders --why under-repair
    onedoor followers pause relay --service intake --why broker-moves
    """
    _tell(asyncio.run(_order(service, name, "pause", {"why": why})), as_json)


@followers.command()
def resume(name: Name, service: OneOrAll = None, as_json: AsJson = False) -> None:
    """Let a paused follower go on where it stood.

    \b
    onedoor followers resume field.workorders
    """
    _tell(asyncio.run(_order(service, name, "resume", None)), as_json)


@followers.command()
def replay(name: Name, why: Why, service: OneOrAll = None, yes: Yes = False, as_json: AsJson = False) -> None:
    """Let a follower forget all that it made and read its log from the start; its table fills again meanwhile.

    Only one whose whole effect is a table of its own: field.workorders, routing.dossiers.

    \b
    onedoor followers replay field.workorders --why mended-fault
    """
    if not yes:
        typer.confirm(f"Empty what {name} made, and fill it again from the log?", abort=True)
    _tell(asyncio.run(_order(service, name, "replay", {"why": why})), as_json)


@followers.command()
def rewind(
    name: Name,
    to: Annotated[str, typer.Option(metavar="WHEN", help="A day (its beginning), or an instant.")],
    why: Why,
    service: OneOrAll = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Let a follower read its log again from what was recorded at an instant on; nothing that is right changes.

    Only one whose effect is a function of all facts of a dossier: sla.judge, which judges those dossiers again.

    \b
    onedoor followers rewind sla.judge --to 2017-07-20 --why mended-fault
    """
    since = instant(to, "--to")
    if not yes:
        typer.confirm(f"Have {name} read again what was recorded since {since.isoformat()}?", abort=True)
    _tell(asyncio.run(_order(service, name, "rewind", {"why": why, "to": since.isoformat()})), as_json)


async def _list(service: str | None) -> dict[str, Any]:
    async with session(home()) as client:
        return await _followers(client, service)


async def _followers(client: Client, service: str | None) -> dict[str, Any]:
    names = client.services(service)
    answers = await asyncio.gather(*(client.get(name, "/followers") for name in names))
    return {name: answer["followers"] for name, answer in zip(names, answers, strict=True)}


async def _order(service: str | None, name: str, verb: str, body: object) -> Mapping[str, Any]:
    """Give an order to the one service that has this follower; where several have, `--service` must say which."""
    async with session(home()) as client:
        if service is None:
            found = await _followers(client, None)
            having = [one for one, own in found.items() if any(follower["name"] == name for follower in own)]
            if not having:
                raise OnedoorError(f"no service has a follower {name}; `onedoor followers list` shows them")
            if len(having) > 1:
                raise OnedoorError(f"{', '.join(having)} each have a follower {name}: say which by --service")
            (service,) = having
        told: Mapping[str, Any] = await client.post(service, f"/followers/{name}/{verb}", body)
        return {"service": service, **told}


def _tell(told: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(told, indent=1))
    else:
        print(f"{told['service']} {told['name']}: {trouble({'trouble': None, **told}) or 'at work'}")


def _table(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> Table:
    table = Table("service", "follower", "shard", "log", "behind", "trouble", box=None, pad_edge=False)
    for service, own in found.items():
        for one in own:
            table.add_row(
                service, one["name"], str(one["shard"]), one["log"], f"{one['behind_events']:,}", escape(trouble(one))
            )
    return table
