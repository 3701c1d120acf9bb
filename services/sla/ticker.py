"""The ticker: turns instants that have passed into facts, once each. Time is an input: the watermark of the sources."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import asyncpg
import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from events.database import TRANSIENT, Connection
from events.envelope import Cause
from events.errors import WrongVersion
from events.hear import HEARD
from events.runtime import Parts
from events.store import Append, append, load
from events.topics import HEARTBEATS, PARTITIONS
from sla.decide import Warn, promise
from sla.projector import caught_up

LOCK = "select pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.ticker', 0))"
# The earliest of each case: a later one is decided on what the earlier one said, in the next round.
# Of an incomplete case nothing is published; its timers wait until the hole is settled.
PASSED = """
select distinct on (case_id) case_id, cycle, threshold, fires_at, revision, due from (
    select * from timers where fires_at <= $1
        and not exists (select from parked where parked.subject = timers.case_id and settled is null)
    order by fires_at limit $2) as passed
order by case_id, fires_at, threshold
"""
SAID = """
delete from timers
where (case_id, cycle, threshold) in (select * from unnest($1::text[], $2::int[], $3::text[]))
"""
KEEP = """
insert into watermarks values ($1, $2)
on conflict (service) do update set watermark = greatest(watermarks.watermark, excluded.watermark)
"""
WATERMARKS = "select service, watermark from watermarks"
CLOCK = "clock"  # the watermark's name where the caller says what time it is
SETTLED = "settled"  # the one up to which everything that any source recorded is kept and judged
BATCH = 200
EVERY = 0.5  # seconds
GRACE = 30.0  # seconds after which a silent source is alarmed
log = structlog.get_logger("sla.ticker")


async def tick(parts: Parts, watermark: datetime) -> int:
    """Say everything that was due to be said up to `watermark`; returns how many facts that made.

    Two tickers at once: the second finds the lock taken and says nothing. A crash says it again from the
    timers, and the decider knows what was said.
    """
    said = 0
    while True:
        async with parts.pool.acquire() as connection:
            try:
                async with connection.transaction():
                    if not await connection.fetchval(LOCK):
                        return said
                    passed = await connection.fetch(PASSED, watermark, BATCH)
                    if not passed:
                        return said
                    said += await _say(connection, passed, watermark if parts.settings.log_clock else None)
                    keys = [list(column) for column in zip(*((r[0], r[1], r[2]) for r in passed), strict=True)]
                    await connection.execute(SAID, *keys)
            except WrongVersion:  # the judge published something about one of them just now
                continue
        parts.bell.ring()


async def _say(connection: Connection, passed: Sequence[asyncpg.Record], recorded_at: datetime | None) -> int:
    past = await load(connection, *(promise.stream(row["case_id"]) for row in passed))
    appends = []
    for row in passed:
        stream = promise.stream(row["case_id"])
        command = Warn(
            case_id=row["case_id"], cycle=row["cycle"], threshold=row["threshold"], revision=row["revision"],
            due=row["due"],
        )  # fmt: skip
        facts = promise.decide(command, promise.state(past[stream]))
        if facts:
            correlation = f"{stream}/{row['threshold']}/{row['revision']}"
            cause = Cause(correlation=correlation, causation=correlation, actor="policy-sla-ticker")
            appends.append(
                Append(
                    stream=stream, expected=len(past[stream]), facts=facts, cause=cause, at=row["fires_at"],
                    recorded_at=recorded_at,
                )
            )  # fmt: skip
    if appends:
        await append(connection, appends)
    return len(appends)


class Watch:
    """Listens to the sources' heartbeats and ticks up to the earliest of their watermarks (wall clock only)."""

    def __init__(self, parts: Parts, sources: dict[str, str]) -> None:
        self.parts, self.sources = parts, sources  # service → the topic it says its facts on

    async def run(self, stopping: asyncio.Event) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.parts.settings.kafka_bootstrap_servers, enable_auto_commit=False,
            auto_offset_reset="earliest",
        )  # fmt: skip
        await consumer.start()
        try:
            consumer.assign([TopicPartition(self.parts.topic(HEARTBEATS), 0)])
            while not stopping.is_set():
                try:
                    await self._round(consumer)
                except TRANSIENT as error:
                    log.warning("waiting", doing="tick", error=repr(error))
                    await asyncio.sleep(EVERY)
        finally:
            await consumer.stop()

    async def _round(self, consumer: AIOKafkaConsumer) -> None:
        for records in (await consumer.getmany(timeout_ms=int(EVERY * 1000))).values():
            for record in records:
                beat = msgspec.json.decode(record.value, type=Beat)
                await self.parts.pool.execute(KEEP, beat.service, beat.watermark)
        rows = await self.parts.pool.fetch(WATERMARKS)
        known: dict[str, datetime] = {row["service"]: row["watermark"] for row in rows}
        if not self.sources.keys() <= known.keys():
            return
        watermark = min(known[service] for service in self.sources)
        if await self._all_judged(consumer):
            await self.parts.pool.execute(KEEP, SETTLED, watermark)
            await tick(self.parts, watermark)

    async def _all_judged(self, consumer: AIOKafkaConsumer) -> bool:
        """Whether everything that is on Kafka now has been kept and judged: a heartbeat may overtake the facts."""
        topics = [self.parts.topic(name) for name in self.sources.values()]
        partitions = [TopicPartition(name, number) for name in topics for number in range(PARTITIONS)]
        ends = await consumer.end_offsets(partitions)
        rows = await self.parts.pool.fetch(HEARD, topics)
        heard = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        if any(heard.get((tp.topic, tp.partition), 0) < end for tp, end in ends.items()):
            return False
        async with self.parts.pool.acquire() as connection:  # no timer can still move because of what was kept
            return await caught_up(connection)


class Beat(msgspec.Struct):
    """A heartbeat: see events/heartbeat.py."""

    service: str
    watermark: datetime
