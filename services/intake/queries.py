"""What the counter reads. Lists come from the read model; one dossier comes from its own stream, always fresh."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from events.commands.amend import as_corrected
from events.contracts.intake import ApplicationReceived
from events.store.database import Pool
from events.store.envelope import RecordedEvent
from events.store.store import load
from intake.decide import case
from intake.state import Ended, Open, State, Unreceived

DOSSIERS = """
select case_id, counter, service, received_at, appointment, status, version, holder, returned_at from dossiers
where ($1::text is null or counter = $1) and ($2::text is null or status = $2)
  and ($3::boolean is null or (returned_at is not null and status in ('open', 'waiting')) = $3)
  and ($4::timestamptz is null or received_at < $4)
order by received_at desc limit $5
"""
SUBMISSIONS = """
select submission_id, counter, service, district, applicant_ref, submitted_at from submissions
where counter = $1 order by submitted_at limit 500
"""
SUBMISSION = "select counter, service, district, applicant_ref from submissions where submission_id = $1"
RECEIVED = "select true from receipts where submission = $1"
QUARANTINE = "select msg_id, sender, body, reason, received_at from quarantine order by received_at desc limit 500"
OUTGOING = "select count(*) from outgoing"


async def dossiers(
    pool: Pool, counter: str | None, status: str | None, to_hand_over: bool | None, before: datetime | None, limit: int
) -> Sequence[dict[str, Any]]:
    """The counter's list, newest first; `before` pages on by the last received_at."""
    return [dict(row) for row in await pool.fetch(DOSSIERS, counter, status, to_hand_over, before, limit)]


async def submissions(pool: Pool, counter: str) -> Sequence[dict[str, Any]]:
    """Applications that wait for a receptionist, oldest first."""
    return [dict(row) for row in await pool.fetch(SUBMISSIONS, counter)]


async def submission(pool: Pool, submission_id: str) -> dict[str, Any] | None:
    row = await pool.fetchrow(SUBMISSION, submission_id)
    return dict(row) if row else None


async def is_received(pool: Pool, submission_id: str) -> bool:
    """Whether a dossier was made of a submission."""
    return bool(await pool.fetchval(RECEIVED, submission_id))


async def quarantine(pool: Pool) -> Sequence[dict[str, Any]]:
    return [dict(row) for row in await pool.fetch(QUARANTINE)]


async def waiting_messages(pool: Pool) -> int:
    count: int = await pool.fetchval(OUTGOING)
    return count


async def dossier(pool: Pool, case_id: str) -> tuple[State, Sequence[RecordedEvent]]:
    """One case as it stands, and the facts that made it so."""
    stream = case.stream(case_id)
    async with pool.acquire() as connection:
        past = (await load(connection, stream))[stream]
    return case.state(past), past


def receipt_of(state: State) -> ApplicationReceived | None:
    """What the counter recorded at receipt, if the case was ever received."""
    match state:
        case Open():
            return state.received
        case Ended():
            return state.last.received
        case _:
            return None


def shown(state: State, past: Sequence[RecordedEvent]) -> dict[str, Any]:
    """A case for its counter: codes and instants, nothing personal."""
    match state:
        case Unreceived():
            return {}
        case Ended(last=last, end=end):
            status, rating = type(end.fact).__name__, state.rating
        case Open() as last:
            status, rating = ("waiting" if last.waiting else "open"), None
    received = last.received
    return {
        "case_id": received.case_id,
        "counter": received.counter,
        "service": last.service,
        "status": status,
        "received_at": as_corrected(past)[0].at,
        "appointment": last.appointment,
        "extended": last.extension is not None,
        "supplements": last.supplements,
        "stars": rating.fact.stars if rating else None,
        "version": len(past),
        "history": [
            {"id": one.id, "type": one.type, "at": one.at, "recorded_at": one.recorded_at, "actor": one.cause.actor}
            for one in past
        ],
    }
