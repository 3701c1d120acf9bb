"""What boards read of the live generation. "Late now" is computed here, at query time: no stored row contains now."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from events.store.database import Connection, Pool
from events.store.envelope import RecordedEvent
from events.store.store import COLUMNS, recorded_from
from sla.judging.case import JUDGED
from sla.judging.judge import Judgement
from sla.judging.rows import CycleRow, shown
from sla.live.row_store import FIELDS

LIVE = "generation = (select id from generations where state = 'live')"
# A parked fact makes its case incomplete, whenever it came.
HOLES = "exists (select from parked where parked.subject = {table}.case_id and settled is null)"


def columns(table: str) -> str:
    """The columns of a judged table as every query reads them: an unsettled parked event makes its case incomplete."""
    hole = HOLES.format(table=table)
    return ", ".join(f"incomplete or {hole} as incomplete" if name == "incomplete" else name for name in FIELDS[table])


CASES = f"""
select {columns("cycles")} from cycles where {LIVE} and case_id in (
    select distinct case_id from cycles where {LIVE} and case_id > $1 order by case_id limit $2)
order by case_id, cycle
"""
CYCLES = f"select {columns('cycles')} from cycles where {LIVE} and case_id = any($1) order by case_id, cycle"
CASE = f"select {columns('cycles')} from cycles where {LIVE} and case_id = $1 order by cycle"
STAYS = f"select {columns('stays')} from stays where {LIVE} and case_id = $1 order by cycle, stay"
REFERRALS = f"select {columns('referrals')} from referrals where {LIVE} and case_id = $1 order by referred_at"
CHARGES = f"select {', '.join(FIELDS['charges'])} from charges where {LIVE} and case_id = $1 order by cycle, unit"
# Statements of their own with and without a unit: one that serves both goes by no index.
OVERDUE = f"""
select {columns("cycles")} from cycles where {LIVE} and ended_at is null and due_at < $1 order by due_at limit $2
"""
OVERDUE_OF = f"""
select {columns("cycles")} from cycles
where {LIVE} and ended_at is null and due_at < $1 and unit = $3 order by due_at limit $2
"""
FACTS = f"select {COLUMNS} from inbox where subject = $1 and type = any($2)"
LAST_RECEIPT = f"select received_at from cycles where {LIVE} order by received_at desc limit 1"
APPLIED = "select rules from generations where state = 'live'"
HOLE = "select exists (select from parked where subject = $1 and settled is null)"
GENERATION = """
select id, state, phase, actor, dry_run, started_at, finished_at, expected, events, cases, seconds, undecodable,
       rows, hash, jsonb_array_length(differences) as differences, stuck, error from generations where id = $1
"""
GENERATIONS = """
select id, state, phase, actor, dry_run, started_at, finished_at, events, cases, seconds, rows, hash, error
from generations order by id
"""


async def cases(pool: Pool, after: str, limit: int) -> tuple[Sequence[dict[str, Any]], str | None]:
    """A page of cases with their cycles, by case id, and where the next page begins."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in await pool.fetch(CASES, after, limit):
        grouped.setdefault(row["case_id"], []).append(shown(row))
    page: list[dict[str, Any]] = [{"case_id": case_id, "cycles": cycles} for case_id, cycles in grouped.items()]
    return page, str(page[-1]["case_id"]) if len(page) == limit else None


async def case(pool: Pool, case_id: str) -> dict[str, Any] | None:
    """One case: cycles, stays, referrals, and who is charged with its delay."""
    async with pool.acquire() as connection:
        cycles = [shown(row) for row in await connection.fetch(CASE, case_id)]
        if not cycles:
            return None
        return {
            "case_id": case_id,
            "cycles": cycles,
            "stays": [shown(row) for row in await connection.fetch(STAYS, case_id)],
            "referrals": [shown(row) for row in await connection.fetch(REFERRALS, case_id)],
            "charges": [dict(row) for row in await connection.fetch(CHARGES, case_id)],
        }


async def cycles(connection: Connection | Pool, cases: Collection[str]) -> dict[str, list[CycleRow]]:
    """The cycles of these cases, as the judge left them; a case without a receipt is not among them."""
    found: dict[str, list[CycleRow]] = {}
    for row in await connection.fetch(CYCLES, sorted(cases)):
        found.setdefault(row["case_id"], []).append(CycleRow(*row))
    return found


def shown_case(judgement: Judgement) -> dict[str, Any]:
    """The same of a judgement that stands in no table."""
    return {
        "case_id": judgement.case_id,
        "cycles": [shown(row._asdict()) for row in judgement.cycles],
        "stays": [shown(row._asdict()) for row in judgement.stays],
        "referrals": [shown(row._asdict()) for row in sorted(judgement.referrals, key=lambda row: row.referred_at)],
        "charges": [row._asdict() for row in sorted(judgement.charges, key=lambda row: (row.cycle, row.unit))],
    }


async def applied(pool: Pool) -> int:
    """How many published rules have moved what they move in the live generation."""
    count: int = await pool.fetchval(APPLIED)
    return count


async def last_receipt(pool: Pool) -> datetime | None:
    """When a dossier was last received, or received again; None where there is none."""
    received_at: datetime | None = await pool.fetchval(LAST_RECEIPT)
    return received_at


async def overdue(pool: Pool, now: datetime, unit: str | None, limit: int) -> Sequence[dict[str, Any]]:
    """Open cycles past their due instant, the latest first in need."""
    rows = await (pool.fetch(OVERDUE_OF, now, limit, unit) if unit else pool.fetch(OVERDUE, now, limit))
    return [{"case_id": row["case_id"], **shown(row)} for row in rows]


async def facts(pool: Pool, case_id: str) -> list[RecordedEvent]:
    """Everything heard of a case that the judge looks at."""
    return [recorded_from(row) for row in await pool.fetch(FACTS, case_id, JUDGED)]


async def is_parked(pool: Pool, case_id: str) -> bool:
    """Whether a fact of a case is set aside, so that nothing is concluded about it."""
    return bool(await pool.fetchval(HOLE, case_id))


async def generation(pool: Pool, id: int) -> dict[str, Any] | None:
    row = await pool.fetchrow(GENERATION, id)
    return {**row, "stuck": msgspec.json.decode(row["stuck"])} if row else None


async def generations(pool: Pool) -> Sequence[dict[str, Any]]:
    return [dict(row) for row in await pool.fetch(GENERATIONS)]
