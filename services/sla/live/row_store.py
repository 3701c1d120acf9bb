"""The judged rows in Postgres: written per case where it is live, in sorted chunks where it is rebuilt."""

from collections.abc import Iterable, Sequence
from typing import Any

from events.store.database import Connection
from sla.judging.judge import Judgement
from sla.judging.rows import ChargeRow, CycleRow, ReferralRow, StayRow

# A table's columns are its row's fields, in order, after the generation.
TABLES: dict[str, type[Any]] = {"cycles": CycleRow, "stays": StayRow, "referrals": ReferralRow, "charges": ChargeRow}
FIELDS: dict[str, tuple[str, ...]] = {table: row._fields for table, row in TABLES.items()}
DELETE = """
with a as (delete from stays where generation = $1 and case_id = any($2)),
    b as (delete from referrals where generation = $1 and case_id = any($2)),
    c as (delete from charges where generation = $1 and case_id = any($2))
delete from cycles where generation = $1 and case_id = any($2)
"""
CARRY = {
    table: f"insert into {table} (generation, {', '.join(fields)}) "
    f"select $1, {', '.join(fields)} from {table} where generation = $2 and case_id = any($3)"
    for table, fields in FIELDS.items()
}
CHUNK = 2000  # rows in one COPY: a transaction of some milliseconds, because a long one holds every follower back


def rows_of(judgements: Iterable[Judgement]) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of each table, in order of case."""
    rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in TABLES}
    for judgement in judgements:
        rows["cycles"] += judgement.cycles
        rows["stays"] += judgement.stays
        rows["referrals"] += judgement.referrals
        rows["charges"] += judgement.charges
    return rows


async def replace(connection: Connection, generation: int, judgements: Sequence[Judgement]) -> None:
    """Put these cases' rows in place of what stood there, in the caller's transaction. No reader sees a gap."""
    cases = [judgement.case_id for judgement in judgements]
    await connection.execute(DELETE, generation, cases)
    for table, rows in rows_of(judgements).items():
        if rows:
            await _copy(connection, table, table, generation, rows)


async def carry(connection: Connection, generation: int, replaced: int, cases: Sequence[str]) -> None:
    """Take these cases' rows from the generation that is replaced, as they stand."""
    await connection.execute(DELETE, generation, cases)
    for statement in CARRY.values():
        await connection.execute(statement, generation, replaced, cases)


async def fill(connection: Connection, generation: int, judgements: Sequence[Judgement]) -> int:
    """Copy the rows of new cases into a generation that nobody reads yet; returns how many."""
    count = 0
    for table, rows in rows_of(judgements).items():
        for start in range(0, len(rows), CHUNK):
            await _copy(connection, f"{table}_{generation}", table, generation, rows[start : start + CHUNK])
        count += len(rows)
    return count


async def _copy(
    connection: Connection, into: str, table: str, generation: int, rows: Sequence[tuple[Any, ...]]
) -> None:
    records = [(generation, *row) for row in rows]
    await connection.copy_records_to_table(into, records=records, columns=["generation", *FIELDS[table]])
