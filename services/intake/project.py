"""The door's read models: the counter's lists, from what we said and what we heard. The only writer of `dossiers`."""

from collections.abc import Sequence
from datetime import datetime

from events.commands.amend import AMENDING, as_corrected
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
    ServiceReclassified,
    SupplementReceived,
    SupplementRequested,
)
from events.contracts.routing import DossierForwarded, DossierRecalled, DossierReturned
from events.store.database import Connection
from events.store.envelope import RecordedEvent
from events.store.store import load
from events.subscriptions.follower import EVENTS, INBOX, Entry, Follower
from intake.decide import case
from intake.heard import way

RECEIVED = """
insert into dossiers (case_id, counter, service, received_at, appointment, status, version, holder)
values ($1, $2, $3, $4, $5, 'open', $6, $2)
on conflict (case_id) do update set counter = excluded.counter, service = excluded.service,
    received_at = excluded.received_at, appointment = excluded.appointment, version = excluded.version,
    holder = coalesce(nullif(dossiers.holder, ''), excluded.holder)  -- back at a counter that was not known yet
"""
STATUS = "update dossiers set status = $2, version = $3 where case_id = $1"
VERSION = "update dossiers set version = $2 where case_id = $1"
EXTENDED = "update dossiers set appointment = $2, version = $3 where case_id = $1"
REOPENED = "update dossiers set status = 'open', returned_at = null, version = $2 where case_id = $1"
SERVICE = "update dossiers set service = $2, version = $3 where case_id = $1"
SUBMITTED = "insert into submissions values ($1, $2, $3, $4, $5, $6) on conflict do nothing"
TAKEN_IN = "delete from submissions where submission_id = $1"
# Heard before our own row was projected: routing cannot know of a case before we said so, but followers are two.
HELD = """
insert into dossiers (case_id, counter, service, received_at, status, version, holder)
values ($1, '', '', $3, 'open', 0, $2) on conflict (case_id) do update set holder = excluded.holder
"""
# What we said is projected by another follower, which may be ahead: a dossier that was reopened since is not back.
RETURNED = """
update dossiers set holder = counter, returned_at = case when not exists (
    select from events where stream = 'case-' || $1 and type = 'CaseReopened' and at > $2) then $2 end
where case_id = $1
"""
# Where a dossier is, when a correction has changed what was said of it.
HELD_AGAIN = "update dossiers set holder = coalesce($2, counter), returned_at = $3 where case_id = $1"
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


async def _said(connection: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
    for entry in entries:
        if isinstance(entry.item.fact, AMENDING):
            await _again(connection, entry.item)
        else:
            await _show(connection, entry.item)


async def _again(connection: Connection, correction: RecordedEvent) -> None:
    """A correction may reach far back: the dossier's row is made anew from its facts up to here."""
    past = (await load(connection, correction.stream))[correction.stream]
    await connection.execute(STATUS, correction.subject, "open", correction.version)
    for recorded in as_corrected(past[: correction.version]):
        await _show(connection, recorded)
    await connection.execute(VERSION, correction.subject, correction.version)
    await _place(connection, correction.subject)


async def _place(connection: Connection, case_id: str) -> None:
    """Who holds the dossier and since when it is back, from what we said and heard, as corrected."""
    stream = case.stream(case_id)
    said = as_corrected((await load(connection, stream))[stream])
    heard = as_corrected(await way(connection, case_id))
    holder: str | None = None
    returned_at: datetime | None = None
    for recorded in sorted([*said, *heard], key=lambda recorded: recorded.at):
        match recorded.fact:
            case DossierForwarded() as it:
                holder, returned_at = it.to_unit, None
            case DossierReturned() | DossierRecalled():
                holder, returned_at = None, recorded.at
            case CaseReopened():
                returned_at = None
    await connection.execute(HELD_AGAIN, case_id, holder, returned_at)


async def _show(connection: Connection, recorded: RecordedEvent) -> None:
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
        case ServiceReclassified() as it:
            await connection.execute(SERVICE, it.case_id, it.service, recorded.version)
        case ApplicationSubmitted() as it:
            await connection.execute(
                SUBMITTED, it.submission_id, it.counter, it.service, it.district, it.applicant_ref, recorded.at
            )
        case fact if type(fact) in STATUSES:
            await connection.execute(STATUS, recorded.subject, STATUSES[type(fact)], recorded.version)
        case _ if recorded.stream.startswith("case-"):
            await connection.execute(VERSION, recorded.subject, recorded.version)


async def _heard(connection: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
    held: dict[str, tuple[str, datetime]] = {}
    for entry in entries:
        match entry.item.fact:
            case DossierForwarded() as it:
                held[it.case_id] = it.to_unit, entry.item.at
            case DossierReturned() | DossierRecalled() as it:
                if (forwarded := held.pop(it.case_id, None)) is not None:
                    await connection.execute(HELD, it.case_id, *forwarded)
                await connection.execute(RETURNED, it.case_id, entry.item.at)
            case fact if isinstance(fact, AMENDING):
                if (forwarded := held.pop(fact.case_id, None)) is not None:
                    await connection.execute(HELD, fact.case_id, *forwarded)
                await _place(connection, fact.case_id)
    if held:
        await connection.executemany(HELD, [(case_id, *forwarded) for case_id, forwarded in held.items()])


async def _outgoing(connection: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
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
    minds=lambda heard: isinstance(heard.fact, (DossierForwarded, DossierReturned, DossierRecalled, *AMENDING)),
)  # fmt: skip
# What to send is not forgotten and read again: a replay of messages would call people.
MESSAGES = Follower(
    name="intake.outgoing", log=EVENTS, apply=_outgoing, stuck="halt",
    minds=lambda said: isinstance(said.fact, MessagePrepared), writes=("outgoing",),
)  # fmt: skip
