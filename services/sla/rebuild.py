"""`python -m sla.rebuild GENERATION`: fold the log from Kafka into a new generation, compare it, swap it in.

A process of its own with its workers, so that nothing of the folding weighs on the one that answers people.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import structlog
import uvloop
from msgspec.structs import replace

from deadlines.inforce import InForce
from deadlines.load import load
from events import database, logs, signing
from events.clock import now
from events.database import Pool
from events.follow import Following
from events.settings import Settings
from events.topics import PARTITIONS
from sla import generations, vouching
from sla.app import HEARS
from sla.certificate import Certificate, Difference, Hole, Rows, partitions, signed
from sla.comparing import Comparing, Comparison, fingerprint
from sla.fold import Counts, Report, Work, Workers
from sla.judge import Rules
from sla.projector import Stuck, building
from sla.reading import Place
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one run is to do, and for whom.

    `accept`: swap even if rows differ. `holes`: why one may go over records that cannot be read. `dry_run`: swap
    nothing. `until`: fold up to these offsets and compare with nothing, because nothing live stands there. `duty`: the
    share of the time in which the workers work.
    """

    generation: int
    actor: str
    accept: bool = False
    holes: str | None = None
    dry_run: bool = False
    until: Mapping[Place, int] | None = None
    duty: float = 1.0


async def rebuild(pool: Pool, settings: Settings, rules: Rules, applied: int, workers: Workers, asked: Asked) -> None:
    """Fold the log, compare with the live generation, swap; and keep the certificate of it.

    Raises Unexplained when there are holes or rows differ and nobody accepted, Cancelled when somebody called it off.
    """
    generation, program = asked.generation, vouching.code()
    key = signing.load_key(settings.onedoor_signing_key) if settings.onedoor_signing_key else None
    topics = [settings.onedoor_topic_prefix + name for name in HEARS]
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        cut = await connection.fetchrow(CUT)
        rows = await connection.fetch(HEARD, topics)
        assert cut is not None
    ends = (
        {(row["topic"], row["partition"]): row["next_offset"] for row in rows} if asked.until is None else asked.until
    )
    dismissed = await vouching.dismissed(pool, ends)
    stuck: Stuck = {}
    follower = building(rules, generation, stuck)
    await pool.execute(BEGIN, follower.name, cut["epoch"], cut["floor"])
    counts, report = await fold(pool, settings, workers, asked, ends, dismissed)
    stuck |= report.stuck
    if stuck:
        await pool.execute(STUCK, generation, msgspec.json.encode(stuck).decode())
    told = Certificate(
        generation=generation, asked_by=asked.actor, made_at=now(), code=program, published=applied,
        rules=rules.catalogue.fingerprints(), partitions=partitions(ends, report.records), records=counts.events,
        unreadable=counts.undecodable, cases=counts.cases, folded=await fingerprint(pool, generation),
        holes=await vouching.holes(pool, ends, report.unreadable), holes_accepted=asked.holes,
        dismissed=tuple(f"{topic}/{n}/{one}" for (topic, n), own in sorted(dismissed.items()) for one in sorted(own)),
        stuck=dict(stuck), differences_accepted=asked.accept,
    )  # fmt: skip
    if asked.until is not None:
        alone = Comparison(replaced=generation, rows=told.folded.rows, hash=told.folded.hash, differing=())
        async with pool.acquire() as connection, connection.transaction():
            await generations.checked(connection, generation, alone, signed(told, key))
        return
    await generations.heed(pool, generation)
    if told.holes and asked.holes is None and not asked.dry_run:
        raise generations.Unexplained(_holes(told.holes))

    comparing = Comparing(pool, Following(pool, follower), generation)
    await pool.execute(PHASE, generation, "comparing, once the live judge is past the cut")
    while not await comparing.begin(cut["ceiling"]):
        await generations.heed(pool, generation)
        await asyncio.sleep(0.02)
    known: dict[str, Difference] = {}
    if asked.accept or asked.dry_run:  # as many as may be before the judge is held up
        known = await vouching.differences(pool, generation, comparing.live, comparing.differing)
    began = time.monotonic()
    async with pool.acquire() as connection, connection.transaction():
        found = await comparing.finish(connection, stuck)
        if stuck:
            await pool.execute(STUCK, generation, msgspec.json.encode(stuck).decode())
        if (stuck or found.differing) and not (asked.accept or asked.dry_run):
            raise generations.Unexplained(_unexplained(stuck, found.differing))
        late = comparing.touched.intersection(found.differing)
        known |= await vouching.differences(connection, generation, found.replaced, late)
        differences = tuple(known[case_id] for case_id in found.differing)
        told = replace(
            told, replaces=found.replaced, swapped=not asked.dry_run, compared=Rows(rows=found.rows, hash=found.hash),
            stuck=dict(stuck),
        )  # fmt: skip
        vouched = signed(told, key, differences)
        if asked.dry_run:
            await generations.checked(connection, generation, found, vouched)
            return
        at, recorded_at = await _moment(pool, settings)
        await generations.swap(
            connection,
            generation,
            found,
            events=counts.events,
            actor=asked.actor,
            at=at,
            recorded_at=recorded_at,
            stuck=stuck,
            vouched=vouched,
        )
    held = round(time.monotonic() - began, 3)  # seconds for which the live judge waited
    log.info("swapped", generation=generation, differences=len(found.differing), held=held)


def _holes(holes: Sequence[Hole]) -> str:
    return (
        f"{len(holes)} records count in nothing, the first is {holes[0].place}: {holes[0].reason}; "
        "dismiss them, or say why one may go over them"
    )


def _unexplained(stuck: Stuck, differing: Sequence[str]) -> str:
    if stuck:
        case_id, why = next(iter(stuck.items()))
        return f"{len(stuck)} cases could not be judged, the first is {case_id}: {why}"
    return f"{len(differing)} cases differ from the live ones, the first is {differing[0]}"


async def fold(
    pool: Pool,
    settings: Settings,
    workers: Workers,
    asked: Asked,
    ends: Mapping[Place, int],
    dismissed: Mapping[Place, Collection[int]],
) -> tuple[Counts, Report]:
    """Have everything below the offsets `ends` folded by all workers; their counts, and what came of it."""
    expected, started, generation = sum(ends.values()), time.monotonic(), asked.generation
    work = Work(settings.kafka_bootstrap_servers, settings.database_url, generation, ends, dismissed, asked.duty)
    at_work = [asyncio.wrap_future(one) for one in workers.fold(work)]
    while True:
        done, pending = await asyncio.wait(at_work, timeout=EVERY, return_when=asyncio.FIRST_EXCEPTION)
        for one in done:
            one.result()  # the first that failed ends the run
        counts, seconds = workers.counts, time.monotonic() - started
        await pool.execute(
            PROGRESS, generation, "folding", expected, counts.events, counts.cases, seconds, counts.undecodable
        )
        if not pending:
            whole = Report({}, {}, {})
            for one in done:
                whole.add(one.result())
            log.info("folded", generation=generation, seconds=round(seconds, 3), **counts._asdict())
            return counts, whole
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
    parser.add_argument("--accept-holes", metavar="WHY", help="go over records that cannot be read, and why one may")
    parser.add_argument("--throttle", type=int, choices=range(1, 101), default=100, metavar="PERCENT")
    parser.add_argument("--until", type=_places, metavar="JSON", help="fold up to these offsets only; swap nothing")
    parser.add_argument("--published", type=int, help="how many published rules move what they move; all by default")
    parser.add_argument("--actor", default="policy-sla-rebuild", help="who asked for it")
    cores = min(os.cpu_count() or 1, PARTITIONS)
    parser.add_argument(
        "--workers", type=int, choices=range(1, PARTITIONS + 1), metavar="N", default=cores,
        help=f"processes that fold, 1 to {PARTITIONS}; one a core by default",
    )  # fmt: skip
    arguments = parser.parse_args()
    settings = Settings()
    logs.configure("sla")
    asked = Asked(
        generation=arguments.generation, actor=arguments.actor, accept=arguments.accept, holes=arguments.accept_holes,
        dry_run=arguments.dry_run or arguments.until is not None, until=arguments.until,
        duty=arguments.throttle / 100,
    )  # fmt: skip
    applied, rules = uvloop.run(_rules(settings, arguments.published))
    workers = Workers(arguments.workers, rules)
    try:
        return uvloop.run(_run(settings, rules, applied, workers, asked))
    finally:
        workers.close()


def _places(told: str) -> dict[Place, int]:
    return {(topic, partition): end for topic, partition, end in json.loads(told)}


async def _rules(settings: Settings, published: int | None) -> tuple[int, Rules]:
    """The rules first, and these until the swap, whatever is published meanwhile; with how many of them move what they
    move."""
    pool = await database.connect(settings.database_url, size=2)
    in_force = InForce(load(settings.onedoor_catalogue), "events")
    await in_force.refresh(pool)
    await pool.close()
    applied = len(in_force.facts) if published is None else published
    return applied, with_published(in_force.catalogue.build(), in_force.facts, applied)


async def _run(settings: Settings, rules: Rules, applied: int, workers: Workers, asked: Asked) -> int:
    generation = asked.generation
    pool = await database.connect(settings.database_url, size=4)
    async with pool.acquire() as holder:
        if not await holder.fetchval(generations.BUILDER):
            return 1
        try:
            await holder.execute(RULES, generation, applied)
            await rebuild(pool, settings, rules, applied, workers, asked)
            await generations.sweep(holder)
        except generations.Cancelled as called_off:
            workers.end()
            log.info("rebuild called off", generation=generation, why=str(called_off))
            await generations.fail(holder, generation, str(called_off), "cancelled")
            return 1
        except Exception as error:
            workers.end()  # of what they would go on to fold nothing is left
            log.error("rebuild failed", generation=generation, exc_info=error)
            await generations.fail(holder, generation, f"{type(error).__name__}: {error}")
            return 1
    await pool.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
