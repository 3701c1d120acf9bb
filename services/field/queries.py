"""What teams read. Lists come from the read model; one order comes from its dossier's own stream, always fresh."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from events.commands.amend import as_corrected
from events.store.database import Pool
from events.store.envelope import RecordedEvent
from events.store.store import load
from field.decide import workorder
from field.state import AtWork, Ended, Obstructed, Orders, Ready, case_of, ready_of

WORKORDERS = """
select work_order, case_id, team, work, status, issued_at, visit_starts, visit_ends, ended_at, version from workorders
where ($1::text is null or team = $1) and ($2::text is null or case_id = $2)
  and ($3::boolean is null or (ended_at is null) = $3)
  and ($4::timestamptz is null or issued_at > $4)
order by issued_at, work_order limit $5
"""


async def workorders(
    pool: Pool, team: str | None, case_id: str | None, is_open: bool | None, after: datetime | None, limit: int
) -> Sequence[dict[str, Any]]:
    """A team's list or a dossier's, oldest first; `after` pages on by the last issued_at."""
    return [dict(row) for row in await pool.fetch(WORKORDERS, team, case_id, is_open, after, limit)]


async def orders(pool: Pool, work_order: str) -> tuple[Orders, Sequence[RecordedEvent]]:
    """All orders of the dossier that an order belongs to, and the facts that made them so."""
    stream = workorder.stream(case_of(work_order))
    async with pool.acquire() as connection:
        past = (await load(connection, stream))[stream]
    return workorder.state(past), past


def is_about(recorded: RecordedEvent, work_order: str) -> bool:
    """Whether a fact of the dossier's stream is one of this order's."""
    return getattr(recorded.fact, "work_order", None) == work_order


def _corrects(recorded: RecordedEvent) -> str | None:
    """The fact that a correction is about."""
    return getattr(recorded.fact, "voids", None) or getattr(recorded.fact, "corrects", None)


def shown(work_order: str, state: Orders, past: Sequence[RecordedEvent]) -> dict[str, Any]:
    """One order for its team; empty when there is none of this id."""
    order = state.by_id.get(work_order)
    if order is None:
        return {}
    own = [one for one in past if is_about(one, work_order)]
    corrected = [one for one in past if _corrects(one) in {one.id for one in own}]
    ready = None if isinstance(order, Ended) else ready_of(order)
    visit = ready.visit if ready and ready.missed is None else None
    obstacle = order.obstacle if isinstance(order, Obstructed) else None
    return {
        "work_order": work_order,
        "case_id": order.order.case_id,
        "team": order.order.team,
        "work": order.order.work,
        "status": _status(order),
        "open": not isinstance(order, Ended),
        "issued_at": as_corrected(own + corrected)[0].at,
        "visit": {"starts": visit.fact.starts, "ends": visit.fact.ends} if visit else None,
        "obstacle": {
            "id": obstacle.id, "fault": obstacle.fact.fault, "agency": obstacle.fact.agency,
            "reason": obstacle.fact.reason,
        } if obstacle else None,
        "evidence": list(getattr(order.end.fact, "evidence", ())) if isinstance(order, Ended) else [],
        "version": len(past),
        "history": [
            {"id": one.id, "type": one.type, "at": one.at, "recorded_at": one.recorded_at, "actor": one.cause.actor}
            for one in sorted(own + corrected, key=lambda one: one.version)
        ],
    }  # fmt: skip


def _status(order: Ready | AtWork | Obstructed | Ended) -> str:
    match order:
        case Ready():
            return "ready"
        case AtWork():
            return "at-work"
        case Obstructed():
            return "obstructed"
        case Ended():
            return "completed" if hasattr(order.end.fact, "evidence") else "cancelled"
