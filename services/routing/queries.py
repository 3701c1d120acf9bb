"""What units read. Worklists come from the read model; one dossier comes from its own stream, always fresh."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from events.commands.amend import as_corrected
from events.commands.decider import Decider
from events.store.database import Pool
from events.store.envelope import RecordedEvent
from events.store.store import load
from routing.decide import Command
from routing.state import AtUnit, Ended, State

DOSSIERS = """
select case_id, counter, unit, step, forwarded_at, acknowledged_at, completed_at, open, version,
    array(select who from waiting where waiting.case_id = dossiers.case_id order by since, asked) as waits_for
from dossiers
where ($1::text is null or unit = $1) and ($2::boolean is null or open = $2)
  and ($3::timestamptz is null or forwarded_at > $3)
order by forwarded_at, case_id limit $4
"""


async def dossiers(
    pool: Pool, unit: str | None, is_open: bool | None, after: datetime | None, limit: int
) -> Sequence[dict[str, Any]]:
    """A unit's worklist, oldest first; `after` pages on by the last forwarded_at."""
    return [dict(row) for row in await pool.fetch(DOSSIERS, unit, is_open, after, limit)]


async def dossier(pool: Pool, decider: Decider[Command, State], case_id: str) -> tuple[State, Sequence[RecordedEvent]]:
    """One dossier as it stands, and the facts that made it so."""
    stream = decider.stream(case_id)
    async with pool.acquire() as connection:
        past = (await load(connection, stream))[stream]
    return decider.state(past), past


def shown(case_id: str, state: State, past: Sequence[RecordedEvent]) -> dict[str, Any]:
    """A dossier for the units: who has it, which step, whom it waits for, what comes next."""
    match state:
        case AtUnit() as last:
            status = "waiting" if last.waiting else "at-unit"
        case Ended(last=last, end=end):
            status = type(end.fact).__name__
        case _:
            return {}
    times = {one.id: one.at for one in as_corrected(past)}
    is_open = isinstance(state, AtUnit)
    leg = last.next_leg
    return {
        "case_id": case_id,
        "status": status,
        "open": is_open,
        "cycle": last.cycle,
        "process": last.plan.process if last.plan else None,
        "counter": last.counter,
        "unit": last.unit if is_open else last.counter,
        "step": last.step,
        "forwarded_at": times.get(last.forward.id),
        "limit": last.forward.fact.limit,
        "work": last.forward.fact.work,
        "acknowledged_by": last.acknowledged.by if last.acknowledged else None,
        "acknowledged_at": times.get(last.acknowledged.id) if last.acknowledged else None,
        "step_completed": last.done is not None,
        "waiting": [
            {
                "asked": one.asked.id,
                "who": getattr(one.asked.fact, "agency", "customer"),
                "what": getattr(one.asked.fact, "matter", None) or getattr(one.asked.fact, "action", None),
                "since": times.get(one.asked.id),
            }
            for one in (last.waiting if is_open else ())
        ],
        "next": {"step": leg.step, "unit": leg.unit, "waits_for": leg.waits_for} if leg and is_open else None,
        "version": len(past),
        "history": [
            {"id": one.id, "type": one.type, "at": one.at, "recorded_at": one.recorded_at, "actor": one.cause.actor}
            for one in past
        ],
    }
