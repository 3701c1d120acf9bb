"""What stands at the end of the demo: the record, the rebuild beside it, the messages, and the independent check."""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from local.demo import facts
from local.demo import proportions as share
from local.demo.doors import OPERATOR, Doors
from local.demo.screen import Bar, table
from local.errors import LocalError
from local.places import CHECKOUT

# Each period ends before its second day. What is open in October is open on the 10th at 24:00.
END = share.LAST_DAY + timedelta(days=1)
MONTHS = {
    "July, from the 10th": (date(2017, 7, 1), date(2017, 8, 1)),
    "August": (date(2017, 8, 1), date(2017, 9, 1)),
    "September": (date(2017, 9, 1), date(2017, 10, 1)),
    "October, to the 10th": (date(2017, 10, 1), END),
    "the whole period": (date(2017, 7, 1), END),
}
SOLVED_BY = (date(2017, 7, 1), date(2017, 10, 1))
ARTICLE = "the article of 2017 on the one door of Quang Ninh PC"
KINDS = ("organisation", "counter", "department", "team", "agency")
CHECK = CHECKOUT / "tests" / "check" / "check.py"


async def record(doors: Doors, console: Console) -> bool:
    """The record by month and by unit; whether its identities hold."""
    months = {name: await _read(doors, *period) for name, period in MONTHS.items()}
    company = [
        (name, line) for name, month in months.items() for line in month["lines"] if line["kind"] == "organisation"
    ]
    console.print(table("The record of the power company, rebuilt from the log", "month", company))
    whole = months["the whole period"]
    for kind in KINDS[1:]:
        lines = [(f"{line['unit']:9} {line['name']['en']}", line) for line in whole["lines"] if line["kind"] == kind]
        what = {"counter": "dossiers", "agency": "questions"}.get(kind, "stays, judged by the step's own limit")
        if lines:
            console.print(table(f"\nBy {kind}: {what}", kind, lines))
    await _medium_voltage(doors, console)
    broken = [sentence for one in months.values() for sentence in one["broken"]]
    for sentence in broken:
        console.print(f"[red]{sentence}[/]")
    if not broken:
        console.print("In every line received + carried over = solved + open, and solved and open add up.", style="dim")
    return not broken


async def _read(doors: Doors, since: date, until: date) -> Mapping[str, Any]:
    found: Mapping[str, Any] = await doors.get("sla", f"/record?from={since}&to={until}")
    return found


async def _medium_voltage(doors: Doors, console: Console) -> None:
    lines = (await _read(doors, *SOLVED_BY))["lines"]
    found = next((line["mv"] for line in lines if line["kind"] == "organisation"), None)
    console.print("\n[bold]Medium voltage, finished July to September[/]")
    if found is None:
        console.print("  no dossier was finished")
    else:
        console.print(
            f"  {found['utility_days']:.2f} working days of the utility on average, over {found['cases']:,} dossiers: "
            f"computed from the log; made so by the generator, after the article's {share.MV_DAYS}"
        )
        console.print(
            f"  beside them {found['customer_days']:.1f} of the customer and {found['agency_days']:.1f} of agencies; "
            f"{found['elapsed_days']:.1f} calendar days from receipt to release"
        )
    console.print(f"  5.8 days on average in the first nine months of 2017: quoted from {ARTICLE}, not computed")


async def rebuild(doors: Doors, console: Console) -> bool:
    """Fold the whole log again beside the live tables, compare, swap; whether the two were equal."""
    run = (await doors.post("sla", "/rebuilds", {}, who=OPERATOR))["run"]
    with Bar(console, "rebuild", 1) as bar:
        while (how := await doors.get("sla", f"/rebuilds/{run}"))["state"] == "running":
            bar.tell(str(how.get("phase") or ""), how["events"], how.get("expected") or None)
            await asyncio.sleep(0.05)
    if how["state"] != "done":
        console.print(f"[red]the rebuild failed: {how.get('error')}[/]")
        return False
    rate = how["events"] / how["seconds"] if how["seconds"] else 0
    console.print(
        f"\n[bold]Rebuild from Kafka[/]\n  {how['events']:,} events, {how['cases']:,} dossiers judged in "
        f"{how['seconds']:.2f} s ({rate:,.0f} events/s); {how['differences']:,} differ from the live tables; "
        f"{'swapped' if how['swapped'] else 'not swapped'}"
    )
    return how["differences"] == 0 and bool(how["swapped"])


async def messages(doors: Doors, console: Console, bootstrap: str, prefix: str) -> None:
    """What is on the log, and what became of the messages."""
    counted = await facts.count(bootstrap, prefix)
    sent = await doors.get("zalo", "/simulator/messages?since=1000000000", who=None)
    said = {name: counted[f"Message{name}"] for name in ("Prepared", "Delivered", "Failed", "InDoubt")}
    console.print(
        f"\n[bold]Messages over Zalo[/]\n  {said['Prepared']:,} prepared, {said['Delivered']:,} delivered, "
        f"{said['Failed']:,} failed, {said['InDoubt']:,} in doubt; {counted['StaffReplied']:,} replies of units; "
        f"the simulator took {sent.get('accepted', '?'):,}"
    )
    console.print(f"  {sum(counted.values()):,} facts on the log in all")


async def check(console: Console, bootstrap: str, prefix: str, sla: str, token: str) -> tuple[bool, str]:
    """The independent program in a process of its own: whether all agree, and its last line."""
    if not CHECK.exists():
        raise LocalError(f"the independent check is not here ({CHECK}): run the demo from a checkout")
    arguments = [sys.executable, str(CHECK), "--bootstrap", bootstrap, "--prefix", prefix, "--sla", sla]
    process = await asyncio.create_subprocess_exec(
        *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "ONEDOOR_TOKEN": token},
    )  # fmt: skip
    said, _ = await process.communicate()
    *others, last = said.decode().strip().splitlines() or ["the check said nothing"]
    console.print(f"\n[bold]Independent check[/] ({CHECK.relative_to(CHECKOUT)}: no code shared, no due date read)")
    for line in others[:40]:
        console.print(f"  {line}", highlight=False, markup=False)
    return process.returncode == 0, last


def where_to_look(console: Console, about: Mapping[str, Any], folder: Path) -> None:
    """Addresses and three commands, for as long as the system stays up."""
    urls = about["urls"]
    example = ("2017-08-01", "2017-09-01")
    console.print(f"\n[bold]Where to look next[/]{'' if console.is_terminal else ' (on a terminal it stays up)'}")
    for line in _lines(urls, folder, example):
        console.print(f"  {line}", soft_wrap=True, highlight=False)


def _lines(urls: Mapping[str, str], folder: Path, example: tuple[str, str]) -> Sequence[str]:
    since, until = example
    return (
        f"{urls['sla']}/  the live page; {urls['sla']}/docs, {urls['intake']}/docs, {urls['routing']}/docs, "
        f"{urls['field']}/docs  every route",
        f"ONEDOOR_HOME={folder} {_onedoor()} status",
        f"curl '{urls['sla']}/public/record?from={since}&to={until}'",
        f"curl -N {urls['sla']}/public/stream",
    )


def _onedoor() -> str:
    """The command as it can be typed here: `make` leaves it in the folder of the interpreter."""
    return "onedoor" if shutil.which("onedoor") else os.path.relpath(Path(sys.executable).with_name("onedoor"))
