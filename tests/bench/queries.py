"""The record of a month, the overdue list and one case at a million cases, over HTTP, each asked one after another."""

import gc
import os
import time
from collections.abc import Callable
from itertools import cycle
from statistics import quantiles

import parts
from oracle.judging import SHIPPED
from oracle.year import year
from serving import Serving, serving

from events.store.database import Connection
from sla.app import service
from sla.counting.periods import month
from sla.judging.judge import Rules, judge
from sla.live import row_store

MONTH = month(2018, 2)
RECORD = f"/record?from={MONTH.since}&to={MONTH.until}"
CASES = int(os.environ.get("BENCH_CASES", "1000000"))
STORIES, YEARS, TIMES = 1000, 5, 500
# A made-up year, so many times over five years; what is open at the end of it is so in the last year alone.
COPIED = """
insert into {table}_1 select {columns} from made_{table} as made, generate_series(0, {copies} - 1) as n,
    lateral (select make_interval(years => n % {years}) as back) as years
where n % {years} = 0 or not exists (
    select from made_cycles where made_cycles.case_id = made.case_id and ended_at is null)
order by made.case_id, n
"""
CASE_ID = "left(case_id, -5) || lpad((right(case_id, 5)::int * {copies} + n)::text, 7, '0')"
TYPES = "select column_name, data_type from information_schema.columns where table_name = $1 order by ordinal_position"
SOME = "select case_id from cycles_1 where received_at >= $1 and received_at < $2 order by md5(case_id) limit 5000"
CHANGED = """
insert into changes (epoch, subject, data)
select (select epoch from cluster), case_id, convert_to('{"case_id":"' || case_id || '","cycles":[]}', 'UTF8')
from unnest($1::text[]) as case_id
"""


async def measure(kafka: str, postgres: str) -> None:
    """Load the live tables once, then 500 questions of each kind."""
    name, urls = await parts.fresh_database(postgres)
    async with serving(service, urls["sla"], kafka, "q.") as at_work:
        pool = at_work.running.parts.pool
        async with pool.acquire() as connection:
            began = time.monotonic()
            await _fill(connection)
            count = await connection.fetchval("select count(distinct case_id) from cycles_1")
            cases = [row[0] for row in await connection.fetch(SOME, MONTH.begins, MONTH.ends)]
        print(
            f"queries: {count:,} cases, loaded in {time.monotonic() - began:.0f} s; asked one after another over HTTP"
        )
        gc.collect()
        gc.freeze()  # as a service does that has started: what made the cases is no part of it
        began = time.monotonic()
        body = (await at_work.get(RECORD)).body
        lines = [line for line in body["lines"] if line["kind"] == "organisation"]
        counted = sum(line["figures"]["received"] + line["figures"]["carried over"] for line in lines)
        print(f"  counted for the first time: {time.monotonic() - began:.1f} s, {counted:,} dossiers in the month")
        some = cycle(cases)
        await _ask(at_work, "record of the month, unchanged", lambda: RECORD)
        await _ask(at_work, "record, 10 dossiers changed before", lambda: RECORD,
                   lambda: [next(some) for _ in range(10)])  # fmt: skip
        await _ask(at_work, "overdue list of the province", lambda: "/overdue?limit=100")
        await _ask(at_work, "overdue list of one unit", lambda: "/overdue?limit=100&unit=DL-193")
        await _ask(at_work, "one case", lambda: f"/cases/{next(some)}")
    await parts.drop_database(postgres, name)


async def _ask(
    at_work: Serving, what: str, path: Callable[[], str], changed: Callable[[], list[str]] | None = None
) -> None:
    taken = []
    headers = {"Authorization": f"Bearer {at_work.issuer.sign(role='auditor', unit='PC-QN', member='01')}"}
    for _ in range(TIMES):
        if changed:
            await at_work.running.parts.pool.execute(CHANGED, changed())
        began = time.perf_counter()
        async with at_work.http.get(at_work.url + path(), headers=headers) as answer:
            await answer.read()
        taken.append((time.perf_counter() - began) * 1000)
        assert answer.status == 200, answer
    cuts = quantiles(taken, n=100)
    print(f"  {what:<36} p50 {cuts[49]:>6.1f} ms, p99 {cuts[98]:>6.1f} ms   (wanted: p99 20 ms)")


async def _fill(connection: Connection) -> None:
    rules = Rules(SHIPPED)
    judged = [judge(story.facts, rules) for story in year(STORIES, SHIPPED)]
    copies = max(CASES // STORIES, 1)
    for table, rows in row_store.rows_of(judged).items():
        await connection.execute(f"create table made_{table} (like {table})")
        names = ["generation", *row_store.FIELDS[table]]
        await connection.copy_records_to_table(f"made_{table}", records=[(1, *row) for row in rows], columns=names)
    for table in row_store.FIELDS:
        types = await connection.fetch(TYPES, f"{table}_1")
        columns = ", ".join(_shifted(row["column_name"], row["data_type"], copies) for row in types)
        await connection.execute("set statement_timeout = 0")
        await connection.execute(COPIED.format(table=table, columns=columns, copies=copies, years=YEARS), timeout=1800)
        await connection.execute(f"analyze {table}")


def _shifted(column: str, kind: str, copies: int) -> str:
    if column == "case_id":
        return CASE_ID.format(copies=copies)
    if kind.startswith("timestamp"):
        return f"{column} - back"
    if column.startswith(("pauses_", "acts_")):
        return f"array(select one - back from unnest({column}) one)"
    return column
