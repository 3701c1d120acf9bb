"""`python -m sla.rebuild GENERATION`: fill a new generation, compare it with the live one, swap it in.

From the log on Kafka; or, to go back, from the rows that were replaced last and what was heard since.

A process of its own with its workers, so that nothing of the folding weighs on the one that answers people.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
import structlog
import uvloop

from deadlines.inforce import InForce
from deadlines.load import load
from events import database, logs
from events.clock import now
from events.database import Pool
from events.envelope import Recorded
from events.follow import Follower, Following
from events.settings import Settings
from events.topics import PARTITIONS
from sla import generations, tables
from sla.app import HEARS
from sla.comparing import Comparing
from sla.fold import Counts, Place, Share, Workers, shares_of
from sla.generations import Before
from sla.judge import Rules
from sla.projector import Stuck, building
from sla.rules import with_published

CUT = """
select (select epoch from cluster) as epoch, pg_snapshot_xmin(pg_current_snapshot()) as floor,
       pg_snapshot_xmax(pg_current_snapshot()) as ceiling
"""
HEARD = "select topic, partition, next_offset from heard where topic = any($1)"
BEGIN = "insert into bookmarks (name, shard, epoch, tx, position) values ($1, 0, $2, $3, $4)"
CEILING = "select pg_snapshot_xmax(pg_current_snapshot())"
CASES = "select distinct case_id from cycles where generation = $1 and case_id > $2 order by case_id limit $3"
PROGRESS = """
update generations set phase = $2, expected = $3, events = $4, cases = $5, seconds = $6,
    undecodable = $7 where id = $1
"""
RULES = "update generations set rules = $2 where id = $1"
STUCK = "update generations set stuck = $2 where id = $1"
PHASE = "update generations set phase = $2 where id = $1"
EVERY = 0.25  # seconds between two notes of the progress
TAKEN_AT_ONCE = 200  # cases in one transaction: a long one holds every follower back
log = structlog.get_logger("sla.rebuild")


class Asked(NamedTuple):
    """What is to be done with a generation once it is filled, and who asked. `dry_run`: only say what differs."""

    accept: bool
    dry_run: bool
    actor: str


async def rebuild(
    pool: Pool, settings: Settings, rules: Rules, workers: Workers, generation: int, asked: Asked
) -> None:
    """Fold the log, compare with the live generation, swap.

    Raises Unexplained when rows differ and nobody accepted, Cancelled when somebody called it off.
    """
    topics = [settings.onedoor_topic_prefix + name for name in HEARS]
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        cut = await connection.fetchrow(CUT)
        rows = await connection.fetch(HEARD, topics)
        assert cut is not None
    ends = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
    stuck: Stuck = {}
    follower = building(rules, generation, stuck)
    await pool.execute(BEGIN, follower.name, cut["epoch"], cut["floor"], 0)
    counts = await fold(pool, settings, workers, generation, ends, stuck)
    await compare_and_swap(pool, settings, follower, generation, asked, stuck, cut["ceiling"], counts.events)


async def go_back(pool: Pool, settings: Settings, rules: Rules, generation: int, asked: Asked, to: Before) -> None:
    """Take over the rows of the generation that was replaced last, judge what was heard since, compare, swap.

    Raises what `rebuild` raises.
    """
    stuck: Stuck = {}
    follower = building(rules, generation, stuck)
    await pool.execute(BEGIN, follower.name, *to.until)
    last, taken, started = "", 0, time.monotonic()
    while cases := [row[0] for row in await pool.fetch(CASES, to.id, last, TAKEN_AT_ONCE)]:
        async with pool.acquire() as connection, connection.transaction():
            await tables.carry(connection, generation, to.id, cases)
        last, taken = cases[-1], taken + len(cases)
        doing = f"taking over the rows of generation {to.id}"
        await pool.execute(PROGRESS, generation, doing, 0, 0, taken, time.monotonic() - started, 0)
        await generations.heed(pool, generation)
    ceiling = await pool.fetchval(CEILING)
    await compare_and_swap(pool, settings, follower, generation, asked, stuck, ceiling, events=0)


async def compare_and_swap(
    pool: Pool, settings: Settings, follower: Follower[Recorded], generation: int, asked: Asked, stuck: Stuck,
    ceiling: int, events: int,
) -> None:  # fmt: skip
    """Catch up, compare at one cut, and swap if that is asked for and allowed."""
    comparing = Comparing(pool, Following(pool, follower), generation)
    await pool.execute(PHASE, generation, "comparing, once the live judge is past the cut")
    while not await comparing.begin(ceiling):
        await generations.heed(pool, generation)
        await asyncio.sleep(0.02)
    began = time.monotonic()
    async with pool.acquire() as connection, connection.transaction():
        found = await comparing.finish(connection, stuck)
        if stuck:
            await pool.execute(STUCK, generation, msgspec.json.encode(stuck).decode())
        if asked.dry_run:
            await generations.checked(connection, generation, found)
            return
        if (stuck or found.differing) and not asked.accept:
            raise generations.Unexplained(_unexplained(stuck, found.differing))
        at, recorded_at = await _moment(pool, settings)
        await generations.swap(
            connection, generation, found, events=events, actor=asked.actor, at=at, recorded_at=recorded_at,
            stuck=stuck,
        )  # fmt: skip
    held = round(time.monotonic() - began, 3)  # seconds for which the live judge waited
    log.info("swapped", generation=generation, differences=len(found.differing), held=held)


def _unexplained(stuck: Stuck, differing: Sequence[str]) -> str:
    if stuck:
        case_id, why = next(iter(stuck.items()))
        return f"{len(stuck)} cases could not be judged, the first is {case_id}: {why}"
    return f"{len(differing)} cases differ from the live ones, the first is {differing[0]}"


async def fold(
    pool: Pool, settings: Settings, workers: Workers, generation: int, ends: dict[Place, int], stuck: Stuck
) -> Counts:
    """Have everything below the offsets `ends` folded by all workers; their counts, and the cases set aside."""
    expected, started = sum(ends.values()), time.monotonic()
    shares = [
        Share(settings.kafka_bootstrap_servers, settings.database_url, generation, share)
        for share in shares_of(ends, workers.count)
    ]
    at_work = [asyncio.wrap_future(one) for one in workers.fold(shares)]
    while True:
        done, pending = await asyncio.wait(at_work, timeout=EVERY, return_when=asyncio.FIRST_EXCEPTION)
        for one in done:
            one.result()  # the first that failed ends the run
        counts, seconds = workers.counts, time.monotonic() - started
        await pool.execute(
            PROGRESS, generation, "folding", expected, counts.events, counts.cases, seconds, counts.undecodable
        )
        if not pending:
            for one in done:
                stuck |= one.result()
            log.info("folded", generation=generation, seconds=round(seconds, 3), **counts._asdict())
            return counts
        await generations.heed(pool, generation)


async def _moment(pool: Pool, settings: Settings) -> tuple[datetime, datetime | None]:
    if not settings.log_clock:
        return now(), None
    clock: datetime | None = await pool.fetchval("select max(watermark) from watermarks")
    at = clock or now()
    return at, at


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sla.rebuild", description=__doc__)
    parser.add_argument("generation", type=int, help="an opened generation: POST /rebuilds opens one")
    parser.add_argument("--accept", action="store_true", help="swap even if rows differ; the differences are published")
    parser.add_argument("--back", action="store_true", help="from the rows that were replaced last, not from Kafka")
    parser.add_argument("--dry-run", action="store_true", help="compare and say what differs; swap nothing")
    parser.add_argument("--actor", default="policy-sla-rebuild", help="who asked for it")
    cores = min(os.cpu_count() or 1, PARTITIONS)
    parser.add_argument(
        "--workers", type=int, choices=range(1, PARTITIONS + 1), metavar="N", default=cores,
        help=f"processes that fold, 1 to {PARTITIONS}; one a core by default",
    )  # fmt: skip
    arguments = parser.parse_args()
    settings = Settings()
    logs.configure("sla")
    to, applied, rules = uvloop.run(_rules(settings, back=arguments.back))
    workers = Workers(arguments.workers, rules)
    try:
        return uvloop.run(_run(settings, rules, applied, workers, to, arguments))
    finally:
        workers.close()


async def _rules(settings: Settings, *, back: bool) -> tuple[Before | None, int, Rules]:
    """The rules first, and these until the swap, whatever is published meanwhile; with how many were published.

    Who goes `back` goes back to the rules of then.
    """
    pool = await database.connect(settings.database_url, size=2)
    in_force = InForce(load(settings.onedoor_catalogue), "events")
    await in_force.refresh(pool)
    to = await generations.before(pool) if back else None
    await pool.close()
    applied = len(in_force.facts) if to is None else to.rules
    return to, applied, with_published(in_force.catalogue.build(), in_force.facts, applied)


async def _run(
    settings: Settings, rules: Rules, applied: int, workers: Workers, to: Before | None, arguments: argparse.Namespace
) -> int:
    generation: int = arguments.generation
    asked = Asked(arguments.accept, arguments.dry_run, arguments.actor)
    pool = await database.connect(settings.database_url, size=4)
    async with pool.acquire() as holder:
        if not await holder.fetchval(generations.BUILDER):
            return 1
        try:
            await holder.execute(RULES, generation, applied)
            if not arguments.back:
                await rebuild(pool, settings, rules, workers, generation, asked)
            elif to is not None:
                await go_back(pool, settings, rules, generation, asked, to)
            else:
                raise generations.nothing_before()
            await generations.sweep(holder)
        except generations.Cancelled as called_off:
            workers.end()
            log.info("rebuild called off", generation=generation, why=str(called_off))
            await generations.fail(holder, generation, str(called_off), "cancelled")
            return 1
        except Exception as error:
            log.error("rebuild failed", generation=generation, exc_info=error)
            await generations.fail(holder, generation, f"{type(error).__name__}: {error}")
            return 1
    await pool.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
