"""`onedoor verify`: fold again what a certificate vouches for, and compare."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from events.errors import OnedoorError
from events.signing import digest
from local.places import home
from onedoor.client import session
from onedoor.screen import wide
from onedoor.verbs.runs import follow


def verify(
    certificate: Annotated[Path, typer.Argument(help="A file that `onedoor runs certificate -o` wrote.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Fold the records of a certificate again, up to its offsets and under its rules, and compare the rows.

    Nothing is swapped. Exit code 1: it or the list of differences in the file was changed, another system signed it,
    the log has lost what it vouches for, or other rows came of it.

    \b
    onedoor runs certificate 4 -o run-4.json
    onedoor verify run-4.json
    """
    try:
        signed = json.loads(certificate.read_text())
    except (OSError, ValueError) as unreadable:
        raise OnedoorError(f"{certificate}: {unreadable}") from unreadable
    _check_list(certificate, signed)
    how, again = asyncio.run(_again(signed, Console(stderr=True)))
    was, now = (one["document"]["folded"] if one else None for one in (signed, again))
    equal = was == now
    if as_json:
        print(json.dumps({"equal": equal, "certified": was, "now": now, "run": how["run"]}, indent=1))
    else:
        _tell(wide(), signed["document"], again["document"] if again else None, how)
    if not equal:
        sys.exit(1)


def _check_list(certificate: Path, signed: object) -> None:
    """Take the list of differences out, whose digest is signed. Raises OnedoorError when it is another list."""
    beside = signed.pop("differences", None) if isinstance(signed, dict) else None
    try:
        said = signed["document"]["differences"]["digest"]  # type: ignore[index]
    except (KeyError, TypeError):
        return  # the service says what is wrong with it
    if beside is not None and digest(beside) != said:
        raise OnedoorError(f"{certificate}: the list of differences was changed after its digest was signed")


async def _again(signed: object, console: Console) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    """How the run went, and the certificate of it where it came to its end."""
    async with session(home()) as client:
        run: int = (await client.post("sla", "/certificates", signed))["run"]
        how = await follow(client, run, console)
        return how, await client.get("sla", f"/rebuilds/{run}/certificate") if how["state"] == "done" else None


def _tell(console: Console, was: Mapping[str, Any], now: Mapping[str, Any] | None, how: Mapping[str, Any]) -> None:
    console.print(f"signed by this system; {was['records']:,} records, made {was['made_at']}", highlight=False)
    if now is None:
        console.print(f"not folded again: {how['error']}", style="red", highlight=False, markup=False)
        return
    if was["code"] != now["code"]:
        console.print("[yellow]another version of the code made it[/]", highlight=False)
    if changed := [id for id, terms in was["rules"].items() if now["rules"].get(id) != terms]:
        console.print(f"[yellow]other terms now: {', '.join(changed)}[/]", highlight=False)
    before, after = (f"{one['folded']['rows']:,} rows, hash {one['folded']['hash']}" for one in (was, now))
    if was["folded"] == now["folded"]:
        console.print(f"[green]the same[/]: {after}", highlight=False)
    else:
        console.print(f"[red]not the same[/]: certified {before}; now {after}", highlight=False)
