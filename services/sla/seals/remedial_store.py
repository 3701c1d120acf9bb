"""Remedial actions in Postgres: opened by what a seal says, closed by a leader. The only writer of `remedies`."""

from collections.abc import Sequence
from typing import Any

import structlog

from deadlines.catalogue import Catalogue
from deadlines.instants import local_date
from events.actor import Actor
from events.commands.handle import Answer, handle
from events.contracts.sla import MonthSealed, RemedialActionClosed, RemedialActionOpened
from events.errors import Refused
from events.http.app import Asked
from events.store.database import Connection, Pool
from events.store.envelope import Cause, RecordedEvent
from events.store.store import Append, append, load
from events.subscriptions.follower import EVENTS, Entry, Follower
from sla.counting.periods import Period
from sla.reports.document import overdue_of, read
from sla.seals.remedial_action import Close, id_of, remedy, wanted

log = structlog.get_logger("sla.remedying")
ACTOR = "policy-sla-remedies"
SEALED = "select since, until, document from seals where 'month-' || id = $1"
OPENED = "insert into remedies values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
CLOSED = "update remedies set closed_at = $2, outcome = $3, evidence = $4 where id = $1"
ALL = """
select id, unit, kind, since as from, until as to, why, solved, overdue, due, opened_at, closed_at, outcome, evidence
from remedies where $1::boolean is null or (closed_at is null) = $1 order by opened_at, id
"""


def opener(catalogue: Catalogue, *, log_clock: bool) -> Follower[RecordedEvent]:
    """When a period is sealed, asks every unit past a threshold to put it right; once, also when it is read again."""

    async def apply(connection: Connection, entries: Sequence[Entry[Any]]) -> None:
        for entry in entries:
            if isinstance(entry.item.fact, MonthSealed):
                await _open(connection, catalogue, entry.item, log_clock=log_clock)

    return Follower(
        name="sla.remedies",
        log=EVENTS,
        apply=apply,
        touches=lambda recorded: ("remedies",) if isinstance(recorded.fact, MonthSealed) else (),
        stuck="halt",
        writes=("events",),
    )


async def _open(connection: Connection, catalogue: Catalogue, seal: RecordedEvent, *, log_clock: bool) -> None:
    row = await connection.fetchrow(SEALED, seal.stream)
    if row is None:  # it was signed after the backup from which the database was restored
        log.error("sealed record lost", seal=seal.id, way_out="docs/operations.md")
        return
    period = Period(row["since"], row["until"])
    asked = wanted(period, overdue_of(read(row["document"])), catalogue, local_date(seal.at), seal.id)
    commands = {remedy.stream(id_of(one.unit, period)): one for one in asked}
    past = await load(connection, *commands)
    appends = []
    for stream, command in commands.items():
        if facts := remedy.decide(command, remedy.state(past[stream])):
            cause = Cause(correlation=seal.cause.correlation, causation=seal.id, actor=ACTOR, trace=seal.cause.trace)
            appends.append(
                Append(
                    stream=stream, expected=len(past[stream]), facts=facts, cause=cause, at=seal.at,
                    recorded_at=seal.recorded_at if log_clock else None,
                )
            )  # fmt: skip
    for said in await append(connection, appends):
        it = said.fact
        assert isinstance(it, RemedialActionOpened)
        await connection.execute(
            OPENED, id_of(it.unit, period), it.unit, it.kind, period.since, period.until, it.why, it.solved,
            it.overdue, commands[said.stream].due, said.at,
        )  # fmt: skip


async def close(
    pool: Pool, catalogue: Catalogue, remedy_id: str, outcome: str, evidence: str, frame: Asked, actor: Actor
) -> Answer:
    """A leader closes a remedial action. Raises Refused: an unknown word, no such action, closed with another."""
    allowed = sorted(word for word, reason in catalogue.reasons.items() if "remedy" in reason.uses)
    if outcome not in allowed:
        raise Refused(
            "unknown-outcome", f"{outcome!r} is no outcome", field="outcome", way_out=f"one of: {', '.join(allowed)}"
        )

    async def also(connection: Connection, said: Sequence[RecordedEvent]) -> None:
        for one in said:
            if isinstance(it := one.fact, RemedialActionClosed):
                await connection.execute(CLOSED, remedy_id, one.at, it.outcome, it.evidence)

    command = Close(outcome=outcome, evidence=evidence, by=actor.id)
    return await handle(
        pool, remedy, remedy_id, command, cause=frame.cause(actor), moment=frame.moment,
        key=frame.idempotency(actor), also=also,
    )  # fmt: skip


async def every(pool: Pool, *, still_open: bool | None = None) -> list[dict[str, Any]]:
    """All remedial actions, or those that are still open (or closed)."""
    return [dict(row) for row in await pool.fetch(ALL, still_open)]
