"""`python -m sla.rebuild GENERATION`: fold the log from Kafka into a new generation, compare it, swap it in.

A process of its own with its workers, so that nothing of the folding weighs on the one that answers people.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from datetime import datetime

import msgspec
import structlog
import uvloop

from deadlines.inforce import InForce
from deadlines.load import load
from events import database, logs
from events.clock import now
from events.database import Pool
from events.follow import Following
from events.settings import Settings
from events.topics import PARTITIONS
from sla import generations
from sla.app import HEARS
from sla.comparing import Comparing
from sla.fold import Counts, Place, Share, Workers, shares_of
from sla.judge import Rules
from sla.projector import Stuck, building
from sla.rules import with_published

CUT = """
select (select epoch from cluster) as epoch, pg_snapshot_xmin(pg_current_snapshot()) as floor,
       pg_snapshot_xmax(pg_current_snapshot()) as ceiling
"""
HEARD = "select topic, partition, next_offset from heard where topic = any($1)"
BEGIN = "insert into bookmarks (name, shard, epoch, tx) values ($1, 0, $2, $3)"
PROGRESS = """
update generations set phase = $2, expected = $3, events = $4, cases = $5, seconds = $6,
    undecodable = $7 where id = $1
"""
RULES = "update generations set rules = $2 where id = $1"
STUCK = "update generations set stuck = $2 where id = $1"
PHASE = "update generations set phase = $2 where id = $1"
EVERY = 0.25  # seconds between two notes of the progress
log = structlog.get_logger("sla.rebuild")


async def rebuild(
    pool: Pool,
    settings: Settings,
    rules: Rules,
    workers: Workers,
    generation: int,
    *,
    accept: bool,
    dry_run: bool,
    actor: str,
) -> None:
    """Fold the log, compare with the live generation, swap (a `dry_run`: only say what differs).

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
    await pool.execute(BEGIN, follower.name, cut["epoch"], cut["floor"])
    counts = await fold(pool, settings, workers, generation, ends, stuck)

    comparing = Comparing(pool, Following(pool, follower), generation)
    await pool.execute(PHASE, generation, "comparing, once the live judge is past the cut")
    while not await comparing.begin(cut["ceiling"]):
        await generations.heed(pool, generation)
        await asyncio.sleep(0.02)
    began = time.monotonic()
    async with pool.acquire() as connection, connection.transaction():
        found = await comparing.finish(connection, stuck)
        if stuck:
            await pool.execute(STUCK, generation, msgspec.json.encode(stuck).decode())
        if dry_run:
            await generations.checked(connection, generation, found)
            return
        if (stuck or found.differing) and not accept:
            raise generations.Unexplained(_unexplained(stuck, found.differing))
        at, recorded_at = await _moment(pool, settings)
        await generations.swap(
            connection,
            generation,
            found,
            events=counts.events,
            actor=actor,
            at=at,
            recorded_at=recorded_at,
            stuck=stuck,
        )
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
    applied, rules = uvloop.run(_rules(settings))
    workers = Workers(arguments.workers, rules)
    try:
        return uvloop.run(_run(settings, rules, applied, workers, arguments))
    finally:
        workers.close()


async def _rules(settings: Settings) -> tuple[int, Rules]:
    """The rules first, and these until the swap, whatever is published meanwhile; with how many were published."""
    pool = await database.connect(settings.database_url, size=2)
    in_force = InForce(load(settings.onedoor_catalogue), "events")
    await in_force.refresh(pool)
    await pool.close()
    applied = len(in_force.facts)
    return applied, with_published(in_force.catalogue.build(), in_force.facts, applied)


async def _run(settings: Settings, rules: Rules, applied: int, workers: Workers, arguments: argparse.Namespace) -> int:
    generation: int = arguments.generation
    pool = await database.connect(settings.database_url, size=4)
    async with pool.acquire() as holder:
        if not await holder.fetchval(generations.BUILDER):
            return 1
        try:
            await holder.execute(RULES, generation, applied)
            await rebuild(
                pool, settings, rules, workers, generation, accept=arguments.accept, dry_run=arguments.dry_run,
                actor=arguments.actor,
            )  # fmt: skip
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
