"""`python -m sla.rebuild GENERATION`: fold the log from Kafka into a new generation, compare it, swap it in.

A process of its own, without the garbage collector: it keeps a partition's facts and judges each case once.
"""

import argparse
import asyncio
import gc
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import structlog
import uvloop
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from deadlines.inforce import InForce
from deadlines.load import load
from events import database, logs
from events.clock import now
from events.database import Pool
from events.envelope import Recorded
from events.errors import Unreadable
from events.follow import Following
from events.settings import Settings
from events.topics import PARTITIONS
from events.wire import from_cloudevent
from sla import generations, tables
from sla.app import HEARS
from sla.case import JUDGED
from sla.judge import Rules, judge
from sla.projector import building
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
PHASE = "update generations set phase = $2 where id = $1"
BATCH = 10_000  # records asked of the client at once
AT_ONCE = 1_000_000  # records held in memory: as many partition numbers as fit are folded together
TYPE = re.compile(rb'"type":"onedoor\.([A-Za-z]+)\.v')
WANTED = frozenset(name.encode() for name in JUDGED)
log = structlog.get_logger("sla.rebuild")


@dataclass(slots=True)
class Folded:
    """What came of one reading: the facts per case, each id once, and what could not be read."""

    cases: dict[str, dict[str, Recorded]] = field(default_factory=dict)
    events: int = 0
    undecodable: int = 0

    def add(self, value: bytes) -> None:
        """Keep one record's fact. Of two bodies of one id the first in the partition stands, as in the inbox."""
        self.events += 1
        kind = TYPE.search(value)  # messages are a third of the log: not worth decoding
        if kind is not None and kind[1] not in WANTED:
            return
        try:
            fact = from_cloudevent(value)
        except Unreadable:
            self.undecodable += 1
            return
        if fact.fact is not None:
            self.cases.setdefault(fact.subject, {}).setdefault(fact.id, fact)


def passes(ends: dict[tuple[str, int], int]) -> Iterator[list[tuple[str, int]]]:
    """Topic-partitions in groups of whole partition numbers: partition p of every topic holds the same cases."""
    group: list[tuple[str, int]] = []
    size = 0
    for number in range(PARTITIONS):
        of_number = [place for place in ends if place[1] == number]
        records = sum(ends[place] for place in of_number)
        if group and size + records > AT_ONCE:
            yield group
            group, size = [], 0
        group += of_number
        size += records
    if group:
        yield group


def read(consumer: Consumer, places: list[tuple[str, int]], ends: dict[tuple[str, int], int], folded: Folded) -> None:
    """Read these partitions from offset 0 to the cut's. Raises KafkaException when a topic lost a part of that."""
    left = {place: ends[place] for place in places if ends[place]}
    consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in left])
    while left:
        for message in consumer.consume(BATCH, 0.02):
            place, offset = (str(message.topic()), int(message.partition() or 0)), int(message.offset() or 0)
            end = left.get(place)
            error = message.error()
            if error is None:
                if end is None or offset >= end:
                    continue
                folded.add(message.value() or b"")
            elif error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            elif end is not None and offset < end:
                raise KafkaException(f"{place[0]}/{place[1]} ends at {offset}, but {end} was heard")
            if end is not None and offset + 1 >= end:
                del left[place]
    consumer.unassign()


async def rebuild(pool: Pool, settings: Settings, rules: Rules, generation: int, *, accept: bool, actor: str) -> None:
    """Fold the log, compare with the live generation, swap. Raises Unexplained when rows differ and nobody accepted."""
    topics = [settings.onedoor_topic_prefix + name for name in HEARS]
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        cut = await connection.fetchrow(CUT)
        rows = await connection.fetch(HEARD, topics)
        assert cut is not None
    ends = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
    follower = building(rules, generation)
    await pool.execute(BEGIN, follower.name, cut["epoch"], cut["floor"])
    events = await fold(pool, settings.kafka_bootstrap_servers, rules, generation, ends)

    following = Following(pool, follower)
    await pool.execute(PHASE, generation, "comparing, once the live judge is past the cut")
    while True:
        await generations.catch_up(pool, following)
        async with pool.acquire() as connection, connection.transaction():
            found = await generations.compare(connection, pool, following, generation, cut["ceiling"])
            if found is not None:
                if found.differing and not accept:
                    raise generations.Unexplained(
                        f"{len(found.differing)} cases differ from the live ones, the first is {found.differing[0]}"
                    )
                at, recorded_at = await _moment(pool, settings)
                await generations.swap(
                    connection, generation, found, events=events, actor=actor, at=at, recorded_at=recorded_at
                )
                log.info("swapped", generation=generation, differences=len(found.differing))
                return
        await asyncio.sleep(0.02)


async def fold(pool: Pool, kafka: str, rules: Rules, generation: int, ends: dict[tuple[str, int], int]) -> int:
    """Read everything below the offsets `ends`, judge each case once, copy its rows; returns how many records."""
    expected, events, cases, undecodable = sum(ends.values()), 0, 0, 0
    started = time.monotonic()
    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": "onedoor-rebuild",  # named, never joined
            "enable.auto.commit": False,
            "auto.offset.reset": "error",  # a beginning that retention cut off is no beginning
            "enable.partition.eof": True,
            "fetch.queue.backoff.ms": 10,  # the default pauses a fast reader for a second
            "fetch.wait.max.ms": 10,
        }
    )

    async def progress(folded: int) -> None:
        seconds = time.monotonic() - started
        await pool.execute(PROGRESS, generation, "folding", expected, folded, cases, seconds, undecodable)

    try:
        for places in passes(ends):
            folded = Folded()
            reading = asyncio.create_task(asyncio.to_thread(read, consumer, places, ends, folded))
            while not (await asyncio.wait([reading], timeout=0.5))[0]:
                await progress(events + folded.events)
            await reading
            events += folded.events
            undecodable += folded.undecodable
            judgements = [judge(facts.values(), rules) for _, facts in sorted(folded.cases.items())]
            cases += len(judgements)
            async with pool.acquire() as connection:
                await tables.fill(connection, generation, judgements)
            await progress(events)
    finally:
        consumer.close()
    log.info("folded", generation=generation, events=events, cases=cases, undecodable=undecodable)
    return events


async def _moment(pool: Pool, settings: Settings) -> tuple[datetime, datetime | None]:
    if not settings.log_clock:
        return now(), None
    clock: datetime | None = await pool.fetchval("select max(watermark) from watermarks")
    at = clock or now()
    return at, at


async def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sla.rebuild", description=__doc__)
    parser.add_argument("generation", type=int, help="an opened generation: POST /rebuilds opens one")
    parser.add_argument("--accept", action="store_true", help="swap even if rows differ; the differences are published")
    parser.add_argument("--actor", default="policy-sla-rebuild", help="who asked for it")
    arguments = parser.parse_args()
    settings = Settings()
    logs.configure("sla")
    pool = await database.connect(settings.database_url, size=4)
    in_force = InForce(load(settings.onedoor_catalogue), "events")
    await in_force.refresh(pool)
    applied = len(in_force.facts)  # the rules first, and these until the swap, whatever is published meanwhile
    rules = with_published(in_force.catalogue.build(), in_force.facts, applied)
    gc.disable()
    async with pool.acquire() as holder:
        if not await holder.fetchval(generations.BUILDER):
            return 1
        try:
            await holder.execute(RULES, arguments.generation, applied)
            await rebuild(pool, settings, rules, arguments.generation, accept=arguments.accept, actor=arguments.actor)
        except Exception as error:
            log.error("rebuild failed", generation=arguments.generation, exc_info=error)
            await generations.fail(holder, arguments.generation, f"{type(error).__name__}: {error}")
            return 1
    await pool.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(uvloop.run(main()))
