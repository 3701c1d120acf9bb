"""What-if and as-of over a large inbox: how long until the whole difference, list or record is there."""

import asyncio
import os
import sys
import time
from dataclasses import replace

import parts
from oracle.judging import SHIPPED
from oracle.swapped import swap_file, swapped
from oracle.telling import local

from bench import made
from deadlines.entries import CalendarEntry, CatalogueFile
from deadlines.inforce import InForce
from events.contracts.rules import OneDay
from events.settings import Settings
from events.store import database as postgres_of
from events.store.database import Pool
from sla.app import service
from sla.counting.periods import month
from sla.judging.case_rules import Supposed
from sla.judging.judge import Rules, judge
from sla.live import row_store
from sla.live.projector import NAME as JUDGE
from sla.reports.as_of import as_of
from sla.rule_changes import whatif_runs

RUNS = 3
CAUGHT_UP = """
insert into bookmarks (name, shard, epoch, tx, position)
select $1, 0, epoch, tx, position from inbox order by epoch desc, tx desc, position desc limit 1
"""
DAY = local(7, 20)


async def measure(kafka: str, postgres: str, *, cases: int = int(os.environ.get("BENCH_CASES", "100000"))) -> None:
    """Fill an inbox once; then a swap day three times, and each answer as of a day."""
    name, urls = await parts.fresh_database(postgres)
    pool = await postgres_of.connect(urls["sla"])
    settings = Settings(kafka_bootstrap_servers=kafka, database_url=urls["sla"], oidc_issuer="")
    await postgres_of.migrate(pool, postgres_of.LOG, service(settings).migrations)
    count = await _fill(pool, cases)
    await pool.execute("analyze inbox")
    print(f"what-if and as-of: {count:,} facts of {cases:,} cases in the inbox, {os.cpu_count()} workers")
    print("  wanted: 100,000 cases in under 10 s, with the process's start")
    for what, file in (("a swap day that moves every due date", swap_file()), ("one that nobody lives through", far())):
        whole = []
        for _ in range(RUNS):
            began = time.monotonic()
            run = await whatif_runs.begin(pool, Supposed(file=file, policy="as-revised"), "operator-bench", DAY)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "sla.rule_changes.whatif", str(run), env={**os.environ, **settings.environment()},
                stdout=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            assert await process.wait() == 0
            whole.append(time.monotonic() - began)
        found = await whatif_runs.one(pool, run, dossiers=False) or {}
        moved = found["impact"]["due_moved"]
        print(f"  what-if: {what:<40} {', '.join(f'{one:.2f}' for one in whole)} s, {moved:,} due dates moved")
    kinds = {unit.code: unit.kind for unit in SHIPPED.units()}
    async with as_of(pool, InForce(SHIPPED, "events"), DAY, log_clock=True) as then:
        for what, question in (
            ("one case", then.case(made.case(cases // 2).case_id)),
            ("a page of 1,000 cases", then.cases("", 1000)),
            ("the overdue list", then.overdue(None, 500)),
            ("the record of a month", then.the_record(month(2017, 7), kinds)),
        ):
            began = time.monotonic()
            await question
            print(f"  as of a day, {what:<24} {time.monotonic() - began:>8.3f} s")
    await pool.close()
    await parts.drop_database(postgres, name)


def far() -> CatalogueFile:
    """A Wednesday of December off."""
    terms = replace(swapped().calendar, overrides=(OneDay(on="2017-12-13", day="off"),))
    return CatalogueFile(calendars=(CalendarEntry.of_terms(terms, "1/QD"),))


async def _fill(pool: Pool, cases: int) -> int:
    """The inbox, and the live tables as the live judge would have left them; returns how many facts."""
    count = 0
    columns = ["epoch", *made.row(made.case(0).facts[0])]
    rules = Rules(SHIPPED)
    async with pool.acquire() as connection:
        for start in range(0, cases, 2000):
            told = [made.case(number).facts for number in range(start, min(start + 2000, cases))]
            facts = [fact for one in told for fact in one]
            rows = [(1, *made.row(fact).values()) for fact in facts]
            await connection.copy_records_to_table("inbox", records=rows, columns=columns)
            await row_store.fill(connection, 1, [judge(one, rules) for one in told])
            count += len(facts)
        await connection.execute(CAUGHT_UP, JUDGE)
    return count
