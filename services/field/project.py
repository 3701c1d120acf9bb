"""The teams' lists, from what we said. The only writer of `workorders`."""

from collections.abc import Sequence

from events.commands.amend import AMENDING, as_corrected
from events.contracts.field import (
    VisitMissed,
    VisitScheduled,
    WorkCompleted,
    WorkObstructed,
    WorkOrderCancelled,
    WorkOrderIssued,
    WorkResumed,
    WorkStarted,
)
from events.store.database import Connection
from events.store.envelope import RecordedEvent
from events.store.store import load
from events.subscriptions.follower import EVENTS, Entry, Follower

ISSUED = """
insert into workorders (work_order, case_id, team, work, status, issued_at, resumes_as, version)
values ($1, $2, $3, $4, 'ready', $5, 'ready', 0)
"""
VISIT = "update workorders set visit_starts = $2, visit_ends = $3 where work_order = $1"
STARTED = "update workorders set status = 'at-work', resumes_as = 'at-work' where work_order = $1"
OBSTRUCTED = "update workorders set status = 'obstructed' where work_order = $1"
RESUMED = "update workorders set status = resumes_as where work_order = $1"
ENDED = "update workorders set status = $2, ended_at = $3 where work_order = $1"
# The orders of a dossier share a stream, so all of them stand at its version.
VERSION = "update workorders set version = $2 where case_id = $1"
FORGET_ONE = "delete from workorders where case_id = $1"
FORGET = "delete from workorders"


async def _said(connection: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
    for entry in entries:
        said = entry.item
        if isinstance(said.fact, AMENDING):
            await _again(connection, said)
        else:
            await _show(connection, said)
        await connection.execute(VERSION, said.subject, said.version)


async def _again(connection: Connection, correction: RecordedEvent) -> None:
    """A correction may reach far back: the orders' rows are made anew from the dossier's facts up to here."""
    await connection.execute(FORGET_ONE, correction.subject)
    past = (await load(connection, correction.stream))[correction.stream]
    for said in as_corrected(past[: correction.version]):
        await _show(connection, said)


async def _show(connection: Connection, said: RecordedEvent) -> None:
    match said.fact:
        case WorkOrderIssued() as it:
            await connection.execute(ISSUED, it.work_order, it.case_id, it.team, it.work, said.at)
        case VisitScheduled() as it:
            await connection.execute(VISIT, it.work_order, it.starts, it.ends)
        case VisitMissed() as it:
            await connection.execute(VISIT, it.work_order, None, None)
        case WorkStarted() as it:
            await connection.execute(STARTED, it.work_order)
        case WorkObstructed() as it:
            await connection.execute(OBSTRUCTED, it.work_order)
        case WorkResumed() as it:
            await connection.execute(RESUMED, it.work_order)
        case WorkCompleted() as it:
            await connection.execute(ENDED, it.work_order, "completed", said.at)
        case WorkOrderCancelled() as it:
            await connection.execute(ENDED, it.work_order, "cancelled", said.at)


WORKORDERS = Follower(name="field.workorders", log=EVENTS, apply=_said, stuck="halt", forget=FORGET)
