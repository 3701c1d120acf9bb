"""`onedoor import`: a table of a system that can only export, said through the gateway by a declared mapping."""

import asyncio
import json
import os
import sys
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final

import aiohttp
import typer
from rich.console import Console

from deadlines.calendar import Calendar
from deadlines.load import load
from events.clock import now
from events.errors import OnedoorError
from local.places import CHECKOUT, home
from onedoor.app import REJECTED, TOLERATED
from onedoor.client import running
from onedoor.importing import mapping
from onedoor.importing.comparison import Correction, compare
from onedoor.importing.gateway_client import Door
from onedoor.importing.progress import State, opened, transaction
from onedoor.importing.report import report, show, write_refused
from onedoor.importing.rows import RowRefused, Rows
from onedoor.importing.sending import Sending, print_events
from onedoor.screen import progress, wide
from onedoor.verbs.conform import Catalogue

LISTS: Final = (".csv", ".ndjson")
EVERY: Final = 500  # rows between two words about how far it is


def import_(
    table: Annotated[Path, typer.Argument(metavar="FILE.csv", help="The exported table, with a header.")],
    by: Annotated[Path, typer.Option("--mapping", help="Which columns say which facts: docs/emitters.md shows one.")],
    client: Annotated[
        str, typer.Option(envvar="ONEDOOR_CLIENT_ID", help="Your client at the issuer, as in emitter.SXD.")
    ] = "",
    door: Annotated[str | None, typer.Option(help="Intake's address. Without it, the running system's.")] = None,
    issuer: Annotated[str | None, typer.Option(help="The issuer of tokens. Without it, the running system's.")] = None,
    list_to: Annotated[
        Path | None, typer.Option("--refused", help="List every refused row here: .csv or .ndjson.")
    ] = None,
    correct: Annotated[
        bool, typer.Option("--correct", help="Take back what has changed since the table before, and say it anew.")
    ] = False,
    leader: Annotated[str, typer.Option(help="With --correct: who answers for it, as in leader-sxd-01.")] = "",
    reason: Annotated[str, typer.Option(help="With --correct: why, as in wrong-time.")] = "",
    catalogue: Catalogue = CHECKOUT / "deploy" / "catalogue",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send nothing: print the events, as `onedoor conform` reads them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Say the rows of a table as events, each as the gateway takes it: accepted, a repeat, or refused with its reason.

    An event's id follows from its row, so a row that comes again is a repeat. What was sent is kept beside the table,
    in MAPPING.onedoor-state: an import that was interrupted goes on when the command is given again, and the next
    table is compared with it. What has changed is shown with before and after and not sent, unless you correct it. The
    secret of the client is ONEDOOR_CLIENT_SECRET.

    Exit code 0: every row was taken in. 4: every row but those that have changed, or some are gone. 5: some rows were
    refused. 1: it could not go on.

    \b
    onedoor import dossiers.csv --mapping dossiers.yaml --client emitter.SXD
    onedoor import dossiers.csv --mapping dossiers.yaml --client emitter.SXD --refused refused.csv
    onedoor import dossiers.csv --mapping dossiers.yaml --client emitter.SXD \\
        --correct --leader leader-sxd-01 --reason wrong-time
    onedoor import dossiers.csv --mapping dossiers.yaml --dry-run > events.ndjson; onedoor conform events.ndjson
    """
    if list_to is not None and list_to.suffix not in LISTS:
        raise OnedoorError(f"--refused: {list_to.name}: its name ends in {' or '.join(LISTS)}")
    correction = _correction(correct, leader, reason)
    mapped = mapping.load(by)
    rows = Rows(table, mapped, _calendar(by.name, mapped.calendar, catalogue))
    rows.look()
    with opened(table.with_name(f"{by.stem}.onedoor-state"), dry_run=dry_run) as state:
        of = json.dumps([rows.digest, sha256(by.read_bytes()).hexdigest(), correct, leader, reason])
        if dry_run or not state.begun(of):
            read_table(rows, state, of, correction)
        try:
            if dry_run:
                print_events(state)
            else:
                asyncio.run(_send(state, mapped.source, *_login(door, issuer, client)))
        finally:
            if list_to is not None:
                write_refused(list_to, state)
        told = report(state)
        if not dry_run:
            with transaction(state):
                state.clear()
    if as_json and not dry_run:
        print(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        show(Console(stderr=True) if dry_run else wide(), table.name, told)
    sys.exit(_exit_code(told))


def _calendar(name: str, id: str | None, catalogue: Path) -> Calendar | None:
    """The calendar that a mapping names. Raises OnedoorError."""
    if id is None:
        return None
    found = load(catalogue)
    if id not in found.calendars:
        raise OnedoorError(f"{name}: calendar: there is no {id}; one of {', '.join(found.calendars)}")
    return found.calendar(id)


def _exit_code(told: dict[str, Any]) -> int:
    if told["refused"]:
        return REJECTED
    return TOLERATED if told["changed"] > told["corrected"] or told["newly_gone"] else 0


def _correction(correct: bool, leader: str, reason: str) -> Correction | None:
    """Raises OnedoorError."""
    if correct != bool(leader) or correct != bool(reason):
        raise OnedoorError("--correct, --leader and --reason go together: who has what changed taken back, and why")
    if not correct:
        return None
    correction = Correction(leader, reason, now())
    correction.check()
    return correction


def read_table(rows: Rows, state: State, of: str, correction: Correction | None) -> None:
    """Everything that the table says, compared with what was sent."""
    with transaction(state), progress("rows", rows.count) as tell:
        state.begin(of, rows.count, rows.mapped.source)
        for number, (row, cells) in enumerate(rows.rows(), 1):
            said = rows.told(row, cells)
            for one in said:
                if isinstance(one, RowRefused):
                    state.refuse(one)
                else:
                    state.add(one)
            if not said:
                state.silent()
            if number % EVERY == 0:
                tell(number)
        compare(state, rows.mapped.source, correction)


async def _send(state: State, source: str, door: str, issuer: str, client: str, secret: str) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:
        with progress("events", state.left) as tell:
            await Sending(state, source, Door(http, door, issuer, client, secret), tell).send()


def _login(door: str | None, issuer: str | None, client: str) -> tuple[str, str, str, str]:
    """Where to, and as whom. Raises OnedoorError."""
    if not client:
        raise OnedoorError("--client: who are you? Give the id of your client at the issuer, as in emitter.SXD")
    secret = os.environ.get("ONEDOOR_CLIENT_SECRET", "")
    if door is not None and issuer is not None:
        return door, issuer, client, secret
    about = running(home())
    return door or about["urls"]["intake"], issuer or about["issuer"], client, secret or about["dev_secret"] or ""
