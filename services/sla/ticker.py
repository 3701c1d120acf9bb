"""The ticker: turns instants that have passed into facts, once each. Time is an input: the watermark of the sources."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from events.clock import now
from events.database import TRANSIENT, Connection
from events.envelope import Cause, Said
from events.errors import WrongVersion
from events.follow import START, WAIT_LOCK, Mark, bookmark_of
from events.hear import HEARD
from events.runtime import Parts
from events.store import Append, append, load
from events.topics import HEARTBEATS, PARTITIONS
from sla.decide import Warn, promise
from sla.projector import NAME as JUDGE
from sla.rows import Deadline

LOCK = "select pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.ticker', 0))"
# Of an incomplete case nothing is published; its timers wait until the hole is settled.
PASSED = """
select case_id, cycle, clock, unit, opened_by, threshold, fires_at, revision, due from timers
where fires_at <= $1 and not exists (select from parked where parked.subject = timers.case_id and settled is null)
order by fires_at, case_id, opened_by, threshold limit $2
"""
SAID = """
delete from timers where (case_id, cycle, opened_by, threshold) in (
    select * from unnest($1::text[], $2::int[], $3::text[], $4::text[]))
"""
KEEP = """
insert into watermarks values ($1, $2)
on conflict (service) do update set watermark = greatest(watermarks.watermark, excluded.watermark)
"""
WATERMARKS = "select service, watermark from watermarks"
ANEW = """
select topic, max(topic_since) as since from heard where topic = any($1) and topic_since > '-infinity' group by topic
"""
CLOCK = "clock"  # the watermark's name where the caller says what time it is
SETTLED = "settled"  # the one up to which everything that any source recorded is kept and judged
LAST_KEPT = "select epoch, tx, position from inbox order by epoch desc, tx desc, position desc limit 1"
BATCH = 200
EVERY = 0.5  # seconds
GRACE = 30.0  # seconds after which a silent source is alarmed
ACTOR = "policy-sla-ticker"
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
                    await connection.execute(WAIT_LOCK, JUDGE, 0)  # what it judges just now may move these timers
                    passed = await connection.fetch(PASSED, watermark, BATCH)
                    if not passed:
                        return said
                    said += await _say(connection, passed, watermark if parts.settings.log_clock else None)
                    names = ("case_id", "cycle", "opened_by", "threshold")
                    await connection.execute(SAID, *([row[name] for row in passed] for name in names))
            except WrongVersion:  # the judge published something about one of them just now
                continue
        parts.bell.ring("events")


async def _say(connection: Connection, passed: Sequence[asyncpg.Record], recorded_at: datetime | None) -> int:
    """Decide in the order of the instants, each on what the ones before it said."""
    past = await load(connection, *(promise.stream(row["case_id"]) for row in passed))
    states = {stream: promise.state(facts) for stream, facts in past.items()}
    versions = {stream: len(facts) for stream, facts in past.items()}
    appends = []
    for row in passed:
        stream = promise.stream(row["case_id"])
        deadline = Deadline(row["cycle"], row["clock"], row["unit"], row["opened_by"])
        command = Warn(
            case_id=row["case_id"], deadline=deadline, threshold=row["threshold"], revision=row["revision"],
            due=row["due"],
        )  # fmt: skip
        facts = promise.decide(command, states[stream])
        if facts:
            what = filter(None, (stream, deadline.opened_by, row["threshold"], str(row["revision"])))
            correlation = "/".join(what)
            cause = Cause(correlation=correlation, causation=correlation, actor=ACTOR)
            appends.append(
                Append(
                    stream=stream, expected=versions[stream], facts=facts, cause=cause, at=row["fires_at"],
                    recorded_at=recorded_at,
                )
            )  # fmt: skip
            for fact in facts:
                versions[stream] += 1
                said = Said(fact, ACTOR, f"{stream}@{versions[stream]}", row["fires_at"])
                states[stream] = promise.fold([said], states[stream])
    if appends:
        await append(connection, appends)
    return len(appends)


@dataclass(slots=True)
class Ahead:
    """A watermark that waits until what was on Kafka when it was seen has been kept, and what was kept then judged: a
    heartbeat may overtake the facts. It waits for these places, not for a moment in which nothing is on its way."""

    watermark: datetime
    ends: dict[tuple[str, int], int]
    kept: Mark | None = None


class Watch:
    """Listens to the sources' heartbeats and ticks up to the earliest of their watermarks (wall clock only)."""

    def __init__(self, parts: Parts, sources: dict[str, str]) -> None:
        self.parts, self.sources = parts, sources  # service → the topic it says its facts on
        self._ahead: Ahead | None = None
        self._silent: set[str] = set()

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
        await self._listen(consumer)
        rows = await self.parts.pool.fetch(WATERMARKS)
        known: dict[str, datetime] = {row["service"]: row["watermark"] for row in rows}
        self._alarm(known)
        for row in await self.parts.pool.fetch(ANEW, [self.parts.topic(name) for name in self.sources.values()]):
            # It vouched for a topic that is no more; what is sent again is vouched for by a later beat.
            for service, name in self.sources.items():
                if self.parts.topic(name) == row["topic"] and service in known and known[service] <= row["since"]:
                    del known[service]
                    self._ahead = None
        if not self.sources.keys() <= known.keys():
            return
        if self._ahead is None:
            watermark = min(known[service] for service in self.sources)
            self._ahead = Ahead(watermark, await self._ends(consumer))
        if await self._has_passed(self._ahead):
            watermark, self._ahead = self._ahead.watermark, None
            await self.parts.pool.execute(KEEP, SETTLED, watermark)
            await tick(self.parts, watermark)

    async def _listen(self, consumer: AIOKafkaConsumer) -> None:
        for records in (await consumer.getmany(timeout_ms=int(EVERY * 1000))).values():
            for record in records:
                try:
                    beat = msgspec.json.decode(record.value or b"", type=Beat)
                except msgspec.MsgspecError as error:
                    log.error("no heartbeat", offset=record.offset, error=repr(error))
                    continue
                await self.parts.pool.execute(KEEP, beat.service, beat.watermark)

    def _alarm(self, known: Mapping[str, datetime]) -> None:
        """A source that says nothing holds every warning back: say so once, and when it is heard again."""
        heard_since = now() - timedelta(seconds=GRACE)
        silent = {service for service in self.sources if known.get(service, heard_since) < heard_since}
        for service in silent - self._silent:
            log.error("source silent", source=service, since=known[service].isoformat())
        for service in self._silent - silent:
            log.info("source heard again", source=service)
        self._silent = silent

    async def _ends(self, consumer: AIOKafkaConsumer) -> dict[tuple[str, int], int]:
        topics = [self.parts.topic(name) for name in self.sources.values()]
        partitions = [TopicPartition(name, number) for name in topics for number in range(PARTITIONS)]
        return {(tp.topic, tp.partition): end for tp, end in (await consumer.end_offsets(partitions)).items()}

    async def _has_passed(self, ahead: Ahead) -> bool:
        async with self.parts.pool.acquire() as connection:
            if ahead.kept is None:
                rows = await connection.fetch(HEARD, sorted({topic for topic, _ in ahead.ends}))
                heard = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
                if any(heard.get(place, 0) < end for place, end in ahead.ends.items()):
                    return False
                ahead.kept = Mark(*(await connection.fetchrow(LAST_KEPT) or START))
            return await bookmark_of(connection, JUDGE) >= ahead.kept


class Beat(msgspec.Struct):
    """A heartbeat: see events/heartbeat.py."""

    service: str
    watermark: datetime
