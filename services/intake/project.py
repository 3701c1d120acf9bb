"""The door's read models: the counter's lists, from what we said and what we heard. The only writer of `dossiers`."""

from collections.abc import Sequence
from datetime import datetime

from events.contracts.intake import (
    ApplicationReceived,
    ApplicationRefused,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    CaseClosed,
    CaseReopened,
    DeadlineExtended,
    MessagePrepared,
    ProcessingStopped,
    SupplementReceived,
    SupplementRequested,
)
from events.contracts.routing import DossierForwarded, DossierRecalled, DossierReturned
from events.database import Connection
from events.envelope import Recorded
from events.follow import EVENTS, INBOX, Entry, Follower

RECEIVED = """
insert into dossiers (case_id, counter, service, received_at, appointment, status, version, holder)
values ($1, $2, $3, $4, $5, 'open', $6, $2)
on conflict (case_id) do update set counter = excluded.counter, service = excluded.service,
    received_at = excluded.received_at, appointment = excluded.appointment, version = excluded.version
"""
STATUS = "update dossiers set status = $2, version = $3 where case_id = $1"
VERSION = "update dossiers set version = $2 where case_id = $1"
EXTENDED = "update dossiers set appointment = $2, version = $3 where case_id = $1"
REOPENED = "update dossiers set status = 'open', returned_at = null, version = $2 where case_id = $1"
SUBMITTED = "insert into submissions values ($1, $2, $3, $4, $5, $6) on conflict do nothing"
TAKEN_IN = "delete from submissions where submission_id = $1"
# Heard before our own row was projected: routing cannot know of a case before we said so, but followers are two.
HELD = """
insert into dossiers (case_id, counter, service, received_at, status, version, holder)
values ($1, '', '', $3, 'open', 0, $2) on conflict (case_id) do update set holder = excluded.holder
"""
RETURNED = "update dossiers set returned_at = $2, holder = counter where case_id = $1"
OUTGOING = """
insert into outgoing (message_id, case_id, addressee, template, about) values ($1, $2, $3, $4, $5)
on conflict do nothing
"""

STATUSES = {
    SupplementRequested: "waiting",
    SupplementReceived: "open",
    CaseClosed: "closed",
    ApplicationRefused: "refused",
    ApplicationWithdrawn: "withdrawn",
    ProcessingStopped: "stopped",
}


async def _said(connection: Connection, entries: Sequence[Entry[Recorded]]) -> None:
    for entry in entries:
        recorded = entry.item
        match recorded.fact:
            case ApplicationReceived() as it:
                service = it.promise.service if it.promise else None
                await connection.execute(
                    RECEIVED, it.case_id, it.counter, service or "", recorded.at, it.appointment, recorded.version
                )
                if it.submission:
                    await connection.execute(TAKEN_IN, it.submission)
            case DeadlineExtended() as it:
                await connection.execute(EXTENDED, it.case_id, it.appointment, recorded.version)
            case CaseReopened() as it:
                await connection.execute(REOPENED, it.case_id, recorded.version)
            case ApplicationSubmitted() as it:
                await connection.execute(
                    SUBMITTED, it.submission_id, it.counter, it.service, it.district, it.applicant_ref, recorded.at
                )
            case fact if type(fact) in STATUSES:
                await connection.execute(STATUS, recorded.subject, STATUSES[type(fact)], recorded.version)
            case _ if recorded.stream.startswith("case-"):
                await connection.execute(VERSION, recorded.subject, recorded.version)


async def _heard(connection: Connection, entries: Sequence[Entry[Recorded]]) -> None:
    held: dict[str, tuple[str, datetime]] = {}
    for entry in entries:
        match entry.item.fact:
            case DossierForwarded() as it:
                held[it.case_id] = it.to_unit, entry.item.at
            case DossierReturned() | DossierRecalled() as it:
                if (forwarded := held.pop(it.case_id, None)) is not None:
                    await connection.execute(HELD, it.case_id, *forwarded)
                await connection.execute(RETURNED, it.case_id, entry.item.at)
    if held:
        await connection.executemany(HELD, [(case_id, *forwarded) for case_id, forwarded in held.items()])


async def _outgoing(connection: Connection, entries: Sequence[Entry[Recorded]]) -> None:
    prepared = [entry.item.fact for entry in entries if isinstance(entry.item.fact, MessagePrepared)]
    if prepared:
        rows = [(it.message_id, it.case_id, it.to, it.template, it.about) for it in prepared]
        await connection.executemany(OUTGOING, rows)


DOSSIERS = Follower(
    name="intake.dossiers", log=EVENTS, apply=_said, stuck="halt",
    minds=lambda said: said.stream.startswith(("case-", "submission-")),
)  # fmt: skip
HOLDERS = Follower(
    name="intake.holders", log=INBOX, apply=_heard, stuck="halt",
    minds=lambda heard: isinstance(heard.fact, DossierForwarded | DossierReturned | DossierRecalled),
)  # fmt: skip
# What to send is not forgotten and read again: a replay of messages would call people.
MESSAGES = Follower(
    name="intake.outgoing", log=EVENTS, apply=_outgoing, stuck="halt",
    minds=lambda said: isinstance(said.fact, MessagePrepared),
)  # fmt: skip
