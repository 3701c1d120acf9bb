"""The ticker: turns instants that have passed into facts, once each. Time is an input: the watermark of the sources."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from events.clock import now
from events.errors import WrongVersion
from events.kafka.hear import HEARD
from events.kafka.heartbeat import watermarks
from events.kafka.topic_ends import committed, measure
from events.kafka.topics import HEARTBEATS, PARTITIONS
from events.service.runtime import Parts
from events.store.database import TRANSIENT, Connection
from events.store.envelope import Cause, Said
from events.store.store import Append, append, load
from events.subscriptions.follower import START, WAIT_LOCK, LogPosition, bookmark_of
from sla.judging.rows import Deadline
from sla.live.projector import NAME as JUDGE
from sla.live.watermarks import KEEP, SETTLED, SOURCES, known
from sla.publishing.decide import Warn, promise

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
ANEW = """
select topic, max(topic_since) as since from heard where topic = any($1) and topic_since > '-infinity' group by topic
"""
LAST_KEPT = "select epoch, tx, position from inbox order by epoch desc, tx desc, position desc limit 1"
BATCH = 200
EVERY = 0.5  # seconds
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
    kept: LogPosition | None = None


class Watch:
    """Listens to the sources' heartbeats and ticks up to the earliest of their watermarks (wall clock only)."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.since = parts, now()
        self.known: dict[str, datetime | None] = dict.fromkeys((*SOURCES, SETTLED))
        """How far each source is, and all of them together, as of the last look."""
        self._topics = [parts.topic(name) for topics in SOURCES.values() for name in topics]
        self._ahead: Ahead | None = None
        self._standing: set[str] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        bootstrap = self.parts.settings.kafka_bootstrap_servers
        async with committed(bootstrap, auto_offset_reset="earliest") as beats, measure(bootstrap) as ends:
            beats.assign([TopicPartition(self.parts.topic(HEARTBEATS), 0)])
            while not stopping.is_set():
                try:
                    await self._round(beats, ends)
                except TRANSIENT as error:
                    log.warning("waiting", doing="tick", error=repr(error))
                    await asyncio.sleep(EVERY)

    async def _round(self, beats: AIOKafkaConsumer, ends: AIOKafkaConsumer) -> None:
        await self._listen(beats)
        self.known = await known(self.parts.pool)
        self._alarm()
        anew = {row["topic"]: row["since"] for row in await self.parts.pool.fetch(ANEW, self._topics)}
        vouched = [self._vouched(service, anew) for service in SOURCES]
        heard = [watermark for watermark in vouched if watermark is not None]
        if len(heard) < len(SOURCES):
            self._ahead = None
            return
        if self._ahead is None:
            self._ahead = Ahead(min(heard), await self._ends(ends))
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
                if beat.service in SOURCES:
                    await self.parts.pool.execute(KEEP, beat.service, beat.watermark)

    def _vouched(self, service: str, anew: Mapping[str, datetime]) -> datetime | None:
        """The watermark of a source; None where it vouched for a topic that is no more: what is sent again is vouched
        for by a later beat."""
        watermark = self.known[service]
        since = [anew[topic] for name in SOURCES[service] if (topic := self.parts.topic(name)) in anew]
        return None if watermark is None or any(watermark <= instant for instant in since) else watermark

    def _alarm(self) -> None:
        """What stands holds every warning back: say so once, and when it goes on."""
        stands = {one.source: one.watermark for one in watermarks(self.known, self.since, now()) if one.stands}
        for source in stands.keys() - self._standing:
            since = stands[source]
            log.error("watermark stands", source=source, since=since.isoformat() if since else None)
        for source in self._standing - stands.keys():
            log.info("watermark goes on", source=source)
        self._standing = set(stands)

    async def _ends(self, consumer: AIOKafkaConsumer) -> dict[tuple[str, int], int]:
        partitions = [TopicPartition(name, number) for name in self._topics for number in range(PARTITIONS)]
        return {(tp.topic, tp.partition): end for tp, end in (await consumer.end_offsets(partitions)).items()}

    async def _has_passed(self, ahead: Ahead) -> bool:
        async with self.parts.pool.acquire() as connection:
            if ahead.kept is None:
                rows = await connection.fetch(HEARD, sorted({topic for topic, _ in ahead.ends}))
                heard = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
                if any(heard.get(place, 0) < end for place, end in ahead.ends.items()):
                    return False
                ahead.kept = LogPosition(*(await connection.fetchrow(LAST_KEPT) or START))
            return await bookmark_of(connection, JUDGE) >= ahead.kept


class Beat(msgspec.Struct):
    """A heartbeat: see events/kafka/heartbeat.py."""

    service: str
    watermark: datetime
