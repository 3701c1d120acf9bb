"""`onedoor status`: which services are ready, how far each follower is behind, which watermark stands, which generation
is live."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from events.errors import OnedoorError
from local.places import home
from onedoor.client import Client, Said, session
from onedoor.screen import local_time, wide

STUCK = 60.0  # seconds that a follower may be behind before it is shown as stuck


def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Show each service, its followers and how far they are behind; exit 1 when a service is not ready, or a watermark
    stands: nothing is warned of meanwhile.

    \b
    onedoor status
    onedoor status --json | jq .intake.followers
    """
    standing = asyncio.run(_ask())
    if as_json:
        print(json.dumps(standing, indent=1))
    else:
        show(wide(), standing)
    if not is_well(standing):
        sys.exit(1)


async def _ask() -> dict[str, dict[str, Any]]:
    async with session(home()) as client:
        names = client.services()
        answers = await asyncio.gather(*(_standing(client, name) for name in names))
    return dict(zip(names, answers, strict=True))


async def _standing(client: Client, service: str) -> dict[str, Any]:
    """Readiness and followers of one service. One that is not ready says why, and how far it is if it answers."""
    ready: dict[str, Any] = {"ready": True}
    try:
        ready["parts"] = await client.get(service, "/health/ready")
    except Said as no:
        ready = {"ready": False, "why": str(no)}
    except OnedoorError as away:
        return {"ready": False, "why": str(away)}
    try:
        standing: dict[str, Any] = ready | await client.get(service, "/followers")
        if service == "sla":
            standing["generations"] = await client.get("sla", "/rebuilds")
            standing["seals"] = (await client.get("sla", "/record/seals"))["seals"]
        return standing
    except OnedoorError as away:
        return {"ready": False, "why": str(away)} | ready


def trouble(follower: Mapping[str, Any]) -> str:
    """Why a follower does not go on; empty when it does."""
    if not follower["paused_at"]:
        return follower["trouble"] or ""
    return f"paused by {follower['paused_by']} {local_time(follower['paused_at'])}: {follower['paused_why']}"


def is_well(standing: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether every service is ready and no watermark stands."""
    return all(one["ready"] and not stands(one) for one in standing.values())


def stands(service: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The watermarks that a service waits for and that do not move."""
    return [one for one in service.get("watermarks", ()) if one["stands"]]


def show(console: Console, standing: Mapping[str, Mapping[str, Any]]) -> None:
    table = Table("service", "follower", "behind", "waiting for", "trouble", box=None, pad_edge=False)
    for service, one in standing.items():
        shown = f"[green]{service}[/]" if one["ready"] else f"[red]{service}[/]"
        if not one["ready"]:
            table.add_row(shown, "not ready", "", "", one["why"])
            shown = ""
        for follower in one.get("followers", ()):
            name = follower["name"] + (f" {follower['shard']}" if follower["shard"] else "")
            behind = f"{follower['behind_events']:,}" if follower["behind_events"] else "–"
            seconds = f"{follower['behind_seconds']:.1f} s" if follower["behind_events"] else ""
            late = follower["behind_events"] and follower["behind_seconds"] > STUCK
            stuck = "stuck, and says no trouble: is its process alive?" if late else ""
            table.add_row(shown, name, behind, seconds, escape(trouble(follower) or stuck))
            shown = ""
        for topic in one.get("missing", ()):
            table.add_row("", f"[red]{topic}[/]", "", "", "the topic is missing: onedoor republish its service")
        if one.get("parked"):
            table.add_row("", "[yellow]parked[/]", f"{one['parked']:,}", "", "")
    console.print(table)
    for one in standing.values():
        for watermark in stands(one):
            console.print(f"[red]{_held(watermark)}[/]", highlight=False)
    _tell_tables(console, standing.get("sla", {}))
    horizon = max((one.get("horizon_seconds") or 0 for one in standing.values()), default=0)
    if horizon > 1:
        console.print(f"[yellow]an open transaction has held every follower back for {horizon:.1f} s[/]")


def _held(watermark: Mapping[str, Any]) -> str:
    """What a watermark that stands holds back."""
    source, since = watermark["source"], watermark["watermark"]
    if source == "settled":
        what = f"since {local_time(since)}" if since else "so far"
        return f"nothing is warned of, nothing is final and no day is sealed of what was said {what}"
    how = f"stands since {local_time(since)}" if since else "was never heard"
    return f"the watermark of {source} {how}: is it up, does its relay send, is a transaction open?"


def _tell_tables(console: Console, sla: Mapping[str, Any]) -> None:
    for run in sla.get("generations", ()):
        if run["state"] in ("live", "building"):
            since = local_time(run["finished_at"] or run["started_at"])
            words = "the judged tables are generation" if run["state"] == "live" else "a rebuild is on its way: run"
            console.print(f"{words} {run['id']}, {run['phase']}, since {since}", highlight=False)
    if seals := sla.get("seals"):
        last = max(seals, key=lambda seal: seal["sealed_at"])
        console.print(f"sealed last: {last['id']}, on {local_time(last['sealed_at'])}", highlight=False)
