"""The worklists, from what we said. The only writer of `dossiers` and `waiting`."""

from collections.abc import Sequence

from events.commands.amend import AMENDING, as_corrected
from events.contracts.routing import (
    AgencyReferred,
    AgencyReplied,
    CustomerActionCompleted,
    CustomerActionRequested,
    DossierAcknowledged,
    DossierForwarded,
    DossierRecalled,
    DossierReturned,
    StepCompleted,
)
from events.store.database import Connection
from events.store.envelope import RecordedEvent
from events.store.store import load
from events.subscriptions.follower import EVENTS, Entry, Follower

FORWARDED = """
insert into dossiers (case_id, counter, unit, step, forwarded_at, open, version) values ($1, $2, $3, $4, $5, true, $6)
on conflict (case_id) do update set unit = excluded.unit, step = excluded.step, forwarded_at = excluded.forwarded_at,
    acknowledged_at = null, completed_at = null, open = true, version = excluded.version
"""
ACKNOWLEDGED = "update dossiers set acknowledged_at = $2, version = $3 where case_id = $1"
COMPLETED = "update dossiers set completed_at = $2, version = $3 where case_id = $1"
ENDED = "update dossiers set open = false, version = $2 where case_id = $1"
VERSION = "update dossiers set version = $2 where case_id = $1"
ASKED = "insert into waiting (asked, case_id, who, what, since) values ($1, $2, $3, $4, $5)"
ANSWERED = "delete from waiting where asked = $1"
NO_MORE = "delete from waiting where case_id = $1"
FORGET_ONE = "delete from dossiers where case_id = $1"
FORGET = "delete from dossiers; delete from waiting"


async def _said(connection: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
    for entry in entries:
        if isinstance(entry.item.fact, AMENDING):
            await _again(connection, entry.item)
        else:
            await _show(connection, entry.item)


async def _again(connection: Connection, correction: RecordedEvent) -> None:
    """A correction may reach far back: the dossier's rows are made anew from its facts up to here."""
    await connection.execute(NO_MORE, correction.subject)
    await connection.execute(FORGET_ONE, correction.subject)
    past = (await load(connection, correction.stream))[correction.stream]
    for said in as_corrected(past[: correction.version]):
        await _show(connection, said)
    await connection.execute(VERSION, correction.subject, correction.version)


async def _show(connection: Connection, said: RecordedEvent) -> None:
    case_id, version = said.subject, said.version
    match said.fact:
        case DossierForwarded() as it:
            await connection.execute(FORWARDED, case_id, it.from_unit, it.to_unit, it.step, said.at, version)
        case DossierAcknowledged():
            await connection.execute(ACKNOWLEDGED, case_id, said.at, version)
        case StepCompleted():
            await connection.execute(COMPLETED, case_id, said.at, version)
        case CustomerActionRequested() as it:
            await connection.execute(ASKED, said.id, case_id, "customer", it.action, said.at)
            await connection.execute(VERSION, case_id, version)
        case AgencyReferred() as it:
            await connection.execute(ASKED, said.id, case_id, it.agency, it.matter, said.at)
            await connection.execute(VERSION, case_id, version)
        case CustomerActionCompleted() | AgencyReplied() as it:
            await connection.execute(ANSWERED, it.answers)
            await connection.execute(VERSION, case_id, version)
        case DossierReturned() | DossierRecalled():
            await connection.execute(NO_MORE, case_id)
            await connection.execute(ENDED, case_id, version)
        case _:
            await connection.execute(VERSION, case_id, version)


DOSSIERS = Follower(name="routing.dossiers", log=EVENTS, apply=_said, stuck="halt", forget=FORGET)
