"""`python -m sla.rebuild GENERATION`: fold the log into a new generation, compare it, swap it in; `--back`: take the
rows that were replaced last.

A process of its own with its workers, so that nothing of the folding weighs on the one that answers people.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import get_args

import msgspec
import structlog
import uvloop
from asyncpg import Record

from deadlines.inforce import InForce
from deadlines.load import load
from events.clock import now
from events.instants import parse_instant
from events.kafka.archive import Segment, segments
from events.kafka.topics import PARTITIONS, partition_of
from events.service import logs
from events.settings import Settings
from events.store import database
from events.store.database import Connection, Pool
from events.subscriptions.log_reader import LogPosition
from sla.judging.case_rules import with_published
from sla.judging.judge import Rules
from sla.live.inbox_reader import Heard, Piece, pieces
from sla.live.projector import HEARS, Stuck
from sla.rebuild import certificate_data, generations
from sla.rebuild.certificate import Certificate, Hole, partitions, signed
from sla.rebuild.comparison import Comparison, fingerprint
from sla.rebuild.cutover import STUCK, Asked, Source, catching_up, exchange, key
from sla.rebuild.generations import Before
from sla.rebuild.log_reader import NotRead, Place
from sla.rebuild.rollback import go_back
from sla.rebuild.workers import Counts, Report, Work, Workers

SNAPSHOT = "select pg_export_snapshot()"
CUT = """
select (select epoch from cluster) as epoch, pg_snapshot_xmin(pg_current_snapshot()) as floor,
       pg_snapshot_xmax(pg_current_snapshot()) as ceiling
"""
HEARD = "select topic, partition, next_offset, topic_id from heard where topic = any($1)"
PROGRESS = """
update generations set phase = $2, expected = $3, events = $4, cases = $5, seconds = $6,
    undecodable = $7 where id = $1
"""
RULES = "update generations set rules = $2 where id = $1"
EVERY = 0.25  # seconds between two notes of the progress
NICE = 10  # whoever waits for an answer goes first; where nobody does, this costs nothing
log = structlog.get_logger("sla.rebuild")


async def rebuild(pool: Pool, settings: Settings, rules: Rules, applied: int, workers: Workers, asked: Asked) -> None:
    """Fold the log, compare with the live generation, swap; and keep the certificate of it.

    Raises Unexplained when there are holes or rows differ and nobody accepted, Cancelled when somebody called it off.
    """
    generation, program = asked.generation, certificate_data.code()
    topics = [settings.onedoor_topic_prefix + name for name in HEARS]
    stuck: Stuck = {}
    async with AsyncExitStack() as snapshot:
        connection = await snapshot.enter_async_context(pool.acquire())
        await snapshot.enter_async_context(connection.transaction(isolation="repeatable_read", readonly=True))
        cut = await connection.fetchrow(CUT)
        rows = await connection.fetch(HEARD, topics)
        assert cut is not None
        heard = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        ends = heard if asked.until is None else asked.until
        if asked.cases is not None:  # they lie in a few partitions
            numbers = {partition_of(case.encode()) for case in asked.cases}
            ends = {place: end for place, end in ends.items() if place[1] in numbers}
        dismissed = await certificate_data.dismissed(pool, ends)
        work = Work(
            generation, ends, dismissed, asked.duty, asked.cases, known_on=asked.known_on,
            segments=_segments(settings, rows) if asked.source == "segments" else {},
            heard=await _inbox(connection, asked) if asked.source == "inbox" else None,
        )  # fmt: skip
        if work.heard is None:
            await snapshot.aclose()  # of the inbox nothing is read
        follower = await catching_up(pool, rules, generation, stuck, LogPosition(cut["epoch"], cut["floor"], 0))
        counts, report = await fold(pool, workers, work, sum(ends.values()))
    stuck |= report.stuck
    if stuck:
        await pool.execute(STUCK, generation, msgspec.json.encode(stuck).decode())
    told = Certificate(
        generation=generation, asked_by=asked.actor, made_at=now(), code=program, published=applied,
        rules=rules.catalogue.fingerprints(), partitions=partitions(ends, report.records), records=counts.events,
        unreadable=counts.undecodable, cases=counts.cases, folded=await fingerprint(pool, generation),
        holes=await certificate_data.holes(pool, ends, report.unreadable, asked.cases), holes_accepted=asked.holes,
        dismissed=tuple(f"{topic}/{n}/{one}" for (topic, n), own in sorted(dismissed.items()) for one in sorted(own)),
        stuck=dict(stuck), differences_accepted=asked.accept,
        topics={row["topic"]: row["topic_id"] for row in rows},
        named=None if asked.cases is None else tuple(sorted(asked.cases)),
        source=asked.source, known_on=asked.known_on,
    )  # fmt: skip
    if asked.alone:
        alone = Comparison(replaced=generation, rows=told.folded.rows, hash=told.folded.hash, differing=())
        async with pool.acquire() as connection, connection.transaction():
            await generations.checked(connection, generation, alone, signed(told, key(settings)))
        return
    await generations.raise_if_cancelled(pool, generation)
    if told.holes and asked.holes is None and not asked.dry_run:
        raise generations.Unexplained(_holes(told.holes))

    await exchange(pool, settings, asked, follower, cut["ceiling"], stuck, told)


def _segments(settings: Settings, heard: Sequence[Record]) -> dict[Place, Sequence[Segment]]:
    """What was exported of each topic-partition, of the topic that is heard now. Raises NotRead where nothing was."""
    folder = settings.onedoor_segments
    if folder is None:
        raise NotRead("this deployment has no folder of segments: give sla ONEDOOR_SEGMENTS, or rebuild from Kafka")
    found: dict[Place, Sequence[Segment]] = {
        (row["topic"], row["partition"]): segments(folder, row["topic"], row["topic_id"], row["partition"])
        for row in heard
    }
    if not any(found.values()):
        raise NotRead("no topic that is heard now was exported: `onedoor events export` does that")
    return found


async def _inbox(connection: Connection, asked: Asked) -> Heard:
    """The inbox of the moment that the cut is of."""
    snapshot: str = await connection.fetchval(SNAPSHOT)
    if asked.cases is not None:
        return Heard(snapshot, (Piece(cases=tuple(sorted(asked.cases))),))
    return Heard(snapshot, await pieces(connection))


def _holes(holes: Sequence[Hole]) -> str:
    return (
        f"{len(holes)} records count in nothing, the first is {holes[0].place}: {holes[0].reason}; "
        "dismiss them, or say why one may go over them"
    )


async def fold(pool: Pool, workers: Workers, work: Work, expected: int) -> tuple[Counts, Report]:
    """Have it folded by all workers, so many records; their counts, and what came of it."""
    started, generation = time.monotonic(), work.generation
    at_work = [asyncio.wrap_future(one) for one in workers.fold(work)]
    for one in at_work:
        one.add_done_callback(_noted)
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
        await generations.raise_if_cancelled(pool, generation)


def _noted(one: "asyncio.Future[Report]") -> None:
    """The first worker that fails ends the run. Of another that fails then, asyncio would log a traceback."""
    if not one.cancelled():
        one.exception()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sla.rebuild", description=__doc__)
    parser.add_argument("generation", type=int, help="an opened generation: POST /rebuilds opens one")
    parser.add_argument("--accept", action="store_true", help="swap even if rows differ; the differences are published")
    parser.add_argument("--back", action="store_true", help="from the rows that were replaced last, not from Kafka")
    parser.add_argument("--dry-run", action="store_true", help="compare and say what differs; swap nothing")
    parser.add_argument("--accept-holes", metavar="WHY", help="go over records that cannot be read, and why one may")
    parser.add_argument("--throttle", type=int, choices=range(1, 101), default=100, metavar="PERCENT")
    parser.add_argument("--until", type=_places, metavar="JSON", help="fold up to these offsets only; swap nothing")
    parser.add_argument("--known-on", type=parse_instant, metavar="INSTANT", help="what was recorded by then")
    parser.add_argument("--source", choices=get_args(Source), default="kafka", help="what the facts are read from")
    parser.add_argument("--case", action="append", metavar="ID", help="look at this dossier alone, or at these")
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
        dry_run=arguments.dry_run, until=arguments.until, known_on=arguments.known_on, source=arguments.source,
        duty=arguments.throttle / 100, cases=frozenset(arguments.case) if arguments.case else None,
    )  # fmt: skip
    to, applied, rules = uvloop.run(_rules(settings, arguments.published, back=arguments.back))
    os.nice(NICE)
    workers = Workers(arguments.workers, rules, settings.kafka_bootstrap_servers, settings.database_url)
    try:
        return uvloop.run(_run(settings, rules, applied, workers, asked, to))
    finally:
        workers.close()


def _places(told: str) -> dict[Place, int]:
    return {(topic, partition): end for topic, partition, end in json.loads(told)}


async def _rules(settings: Settings, published: int | None, *, back: bool) -> tuple[Before | None, int, Rules]:
    """What to go back to, if one is to; and the rules, which stay until the swap, whatever is published meanwhile, with
    how many of them move what they move. Who goes back goes back to the rules of then.

    Raises Conflict where there is nothing to go back to.
    """
    pool = await database.connect(settings.database_url, size=2)
    in_force = InForce(load(settings.onedoor_catalogue), "events")
    await in_force.refresh(pool)
    to = await generations.before(pool) if back else None
    await pool.close()
    applied = to.rules if to is not None else len(in_force.facts) if published is None else published
    return to, applied, with_published(in_force.catalogue.build(), in_force.facts, applied)


async def _run(
    settings: Settings, rules: Rules, applied: int, workers: Workers, asked: Asked, to: Before | None
) -> int:
    generation = asked.generation
    pool = await database.connect(settings.database_url, size=4)
    async with pool.acquire() as holder:
        if not await holder.fetchval(generations.BUILDER):
            return 1
        try:
            await holder.execute(RULES, generation, applied)
            if to is None:
                await rebuild(pool, settings, rules, applied, workers, asked)
            else:
                await go_back(pool, settings, rules, asked, to)
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
