"""What a report of a period is made from: its rows of the live generation, and the effects of remedial actions."""

from collections.abc import Mapping, Sequence
from typing import Any

from events.contracts.terms import UnitKind
from events.store.database import Connection, Pool, snapshot
from sla.counting.incremental import Rows
from sla.counting.line import Share
from sla.counting.periods import Period
from sla.counting.practice import Practice, practice
from sla.counting.record import Record, record
from sla.judging.rows import ChargeRow, CycleRow, ReferralRow, StayRow
from sla.live.queries import LIVE, columns
from sla.live.row_store import FIELDS
from sla.reports.document import Effect

# Whatever was open at some instant of the period, or begun in it.
OF_PERIOD = """
select {columns} from {table} where {live} and {began} < $2 and ({over} is null or {over} >= $1)
"""
CYCLES_OF = OF_PERIOD.format(columns=columns("cycles"), table="cycles", live=LIVE, began="received_at", over="ended_at")
STAYS_OF = OF_PERIOD.format(columns=columns("stays"), table="stays", live=LIVE, began="entered_at", over="left_at")
REFERRALS_OF = OF_PERIOD.format(
    columns=columns("referrals"),
    table="referrals",
    live=LIVE,
    began="referred_at",
    over="coalesce(replied_at, ended_at)",
)
CHARGES_OF = f"""
select {", ".join(FIELDS["charges"])} from charges
where {LIVE} and exists (select from cycles where cycles.generation = charges.generation
    and cycles.case_id = charges.case_id and cycles.cycle = charges.cycle
    and received_at < $2 and (ended_at is null or ended_at >= $1))
"""
# Added only where cases are named: one statement that serves both goes by no index.
OF_CASES = " and case_id = any($3)"
# A stay lies within its cycle; a reply may come after it.
CASES_OF = f"""
select case_id from cycles where {LIVE} and received_at < $2 and (ended_at is null or ended_at >= $1)
union
select case_id from referrals where {LIVE} and referred_at < $2
    and (coalesce(replied_at, ended_at) is null or coalesce(replied_at, ended_at) >= $1)
order by 1
"""
BEFORE = "select unit, kind, since, until, why, solved, overdue from remedies where until = $1 order by unit"


async def the_record(
    pool: Pool, period: Period, kinds: Mapping[str, UnitKind], cases: Sequence[str] | None = None
) -> Record:
    """The record of a period, counted from the live rows in one snapshot; with `cases`, of these alone."""

    async with snapshot(pool) as connection:
        return record(period, kinds, *await rows_of(connection, period, cases))


async def rows_of(connection: Connection, period: Period, cases: Sequence[str] | None = None) -> Rows:
    """What the record of a period is counted from, in the caller's snapshot; with `cases`, of these alone."""

    async def found(query: str, order: str, row: type[Any]) -> list[Any]:
        of_cases, which = (OF_CASES, (cases,)) if cases is not None else ("", ())
        rows = await connection.fetch(f"{query}{of_cases} order by {order}", period.begins, period.ends, *which)
        return [row(*one) for one in rows]

    return Rows(
        await found(CYCLES_OF, "case_id, cycle", CycleRow),
        await found(STAYS_OF, "case_id, cycle, stay", StayRow),
        await found(REFERRALS_OF, "case_id, referral", ReferralRow),
        await found(CHARGES_OF, "case_id, cycle, unit", ChargeRow),
    )


async def the_practice(pool: Pool, period: Period, kinds: Mapping[str, UnitKind]) -> list[Practice]:
    """What was done with the promises of a period, counted from the same rows as its record."""
    async with snapshot(pool) as connection:
        rows = await rows_of(connection, period)
        return practice(period, kinds, rows.cycles, rows.stays)


async def effects(pool: Pool, found: Record) -> list[Effect]:
    """What the actions of the period just before have done: the unit's overdue of solved, before and in this record."""
    shown = []
    for row in await pool.fetch(BEFORE, found.period.since):
        line = found.line(row["unit"], row["kind"])
        without = line.count("without result") if line else 0
        after = Share(line.count("overdue"), line.count("solved") - without) if line else Share(0, 0)
        before = Share(row["overdue"], row["solved"])
        shown.append(
            Effect(
                unit=row["unit"], kind=row["kind"], seal=Period(row["since"], row["until"]).id, why=row["why"],
                before=before, after=after,
            )
        )  # fmt: skip
    return shown
