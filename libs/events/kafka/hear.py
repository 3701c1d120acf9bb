"""Hearing: a FastStream subscriber that passes bytes through, an inbox, and our own offsets."""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, cast

import structlog
from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER
from structlog.contextvars import bound_contextvars

from events.kafka.consumer import Consumer
from events.kafka.inbox import HEAR, Ids, Kept, keep, passed, set_aside
from events.kafka.stable_offsets import StableOffsets
from events.kafka.topic_ids import Identity, Topic
from events.store.database import TRANSIENT, Connection, Pool
from events.subscriptions.wakeup import Wakeup

# A topic that was made again begins at 0, and what was parked of the old one is no longer at its place. Where it was
# not kept which topic it was, it is taken to be the one that is there.
ANEW = """
with old as (select topic, topic_id from heard where topic = $1 and topic_id not in ('', $2) limit 1),
moved as (
    update parked set place = overlay(place placing old.topic || '#' || old.topic_id from 1 for length(old.topic))
    from old where follower = $3 and starts_with(place, old.topic || '/') and not exists (
        select from parked as same where same.follower = $3
            and same.place = overlay(parked.place placing old.topic || '#' || old.topic_id from 1 for length(old.topic))
    )
)
update heard set topic_id = $2, next_offset = case topic_id when '' then next_offset else 0 end,
    topic_since = case topic_id when '' then topic_since else clock_timestamp() end
where topic = $1 and topic_id <> $2
"""
HEARD = "select topic, partition, next_offset, topic_id from heard where topic = any($1)"
LARGEST_BATCH = 5000
LOOK = 2.0  # seconds between two looks whether the topics are still those that we listen to
ENDS_WITHIN = 2.0  # seconds for the last of these looks
METADATA_AGE = 30_000  # milliseconds after which the client asks again which partitions there are
log = structlog.get_logger("events.hear")


class Keeps(NamedTuple):
    """What is done with records: a batch kept with its offsets, and one set aside that our own code cannot keep; under
    which name they are parked."""

    keep: Callable[[Connection, Sequence[Any], Ids], Awaitable[Kept]]
    set_aside: Callable[[Connection, Any, Exception, Ids], Awaitable[Kept]]
    name: str


class TopicConsumer(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """One subscriber over all topics that a service hears. Knows how far it has kept, per partition.

    A topic that is deleted is waited for, and heard from its beginning when it is made again. Partitions that are added
    to one are heard without a restart.
    """

    def __init__(
        self, pool: Pool, bell: Wakeup, topics: Sequence[str], *, bootstrap: str, service: str, instance: str,
        keeps: Keeps | None = None,
    ) -> None:  # fmt: skip
        self.keeps = keeps or Keeps(keep, set_aside, HEAR)  # the inbox, unless it is for somebody else
        self.pool, self.bell, self.topics, self.bootstrap = pool, bell, topics, bootstrap
        self.group, self.member = service, f"{service}-{instance}"
        self.heard: dict[tuple[str, int], int] = {}
        self.written: dict[tuple[str, int], int] = {}  # record time of the last kept record, in milliseconds
        self.stable = StableOffsets()
        self.assigned = asyncio.Event()
        self._there: Mapping[str, Topic] = {}  # the topics that we listen to; empty while that is being changed
        self._listened: Mapping[str, str] = {}  # their ids, but for the partitions that are given to us just now
        self._broker: KafkaBroker | None = None
        self._subscriber: Any = None

    @property
    def _ids(self) -> Mapping[str, str]:
        return {name: topic.id for name, topic in self._there.items()}

    @property
    def missing(self) -> set[str]:
        """The topics that do not exist."""
        return set(self.topics) - self._there.keys()

    @property
    def ready(self) -> bool:
        return self.assigned.is_set() and not self.missing

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hear until the block ends, which waits for what is being kept. Raises ConnectionError without a broker."""
        identity, ended = Identity(self.bootstrap), asyncio.Event()
        await self._listen(await identity.described(self.topics))
        watching = asyncio.create_task(self._watch(identity, ended), name="watch topics")
        try:
            yield
        finally:
            ended.set()
            _, late = await asyncio.wait([watching], timeout=ENDS_WITHIN)  # a broker that is away need not answer
            if late:
                watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self._stop()

    async def _watch(self, identity: Identity, ended: asyncio.Event) -> None:
        """Listen again when a topic was deleted, made again, or given partitions; note what was passed, and what holds
        a partition."""
        while not ended.is_set():
            try:
                there = await identity.described(self.topics)
                if there != self._there:
                    self._tell(there)
                    self.assigned.clear()
                    await self._stop()  # what is being kept is kept to the end, as of the topic that it came from
                    await self._listen(there)
                await self._note_passed()
                self._alarm()
            except TRANSIENT as error:
                log.warning("waiting", doing="identify", error=repr(error))
            except Exception as error:  # without it nobody would find the next topic; it is not ready meanwhile
                log.error("faulty", doing="identify", exc_info=error)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await ended.wait()

    def _tell(self, there: Mapping[str, Topic]) -> None:
        was, ids = self._ids, {name: topic.id for name, topic in there.items()}
        if was != ids:
            log.error("topics changed", was=was, now=ids)
            return
        for name, topic in there.items():
            if topic != self._there[name]:
                log.warning(
                    "other partitions", topic=name, partitions=topic.partitions, before=self._there[name].partitions
                )

    async def _note_passed(self) -> None:
        """Offsets that hold no record are heard when they are passed: whoever waits for us to come to a partition's end
        would wait for ever where it ends with the marker of a transaction."""
        ids, consumer = self._ids, self.consumer
        if consumer is None or not self.assigned.is_set():
            return
        async with asyncio.timeout(LOOK):
            done = await consumer.done_up_to()
        ends = {place: end for place, end in done.items() if end > self.heard.get(place, 0) and place[0] in ids}
        if ends:
            await passed(self.pool, ends, ids)
            self.heard |= {place: max(end, self.heard.get(place, 0)) for place, end in ends.items()}

    def _alarm(self) -> None:
        begun, ended = self.stable.see(self.consumer.stands() if self.consumer is not None else (), time.monotonic())
        for topic, partition in begun:
            log.error(
                "stable offset stands", topic=topic, partition=partition,
                way_out="find who has a transaction open there: `kafka-transactions.sh find-hanging` and `abort`",
            )  # fmt: skip
        for topic, partition in ended:
            log.info("stable offset goes on", topic=topic, partition=partition)

    async def _listen(self, there: Mapping[str, Topic]) -> None:
        """Begin to hear these topics, each from where the inbox has it; the others are missing."""
        self._there = {}  # until all is done
        ids = {name: topic.id for name, topic in there.items()}
        for topic, id in ids.items():
            await self.pool.execute(ANEW, topic, id, self.keeps.name)
        if ids:
            self._broker = KafkaBroker(
                self.bootstrap, logger=logging.getLogger("faststream"), log_level=logging.DEBUG, apply_types=False,
                allow_auto_create_topics=False, consumer_only=True, graceful_timeout=5.0,
                metadata_max_age_ms=METADATA_AGE,
            )  # fmt: skip
            self._listened = ids
            self._subscribe(self._broker, there, ids)
            made = cast("partial[Any]", await self._broker.connect())
            self._broker.config.broker_config.builder = partial(
                Consumer, bootstrap=self.bootstrap, aside=partial(self._set_aside, ids), **made.keywords
            )
            await self._broker.start()
        self._there = there

    async def _stop(self) -> None:
        broker, self._broker = self._broker, None
        if broker is not None:
            await broker.stop()

    def _subscribe(self, broker: KafkaBroker, there: Mapping[str, Topic], ids: Mapping[str, str]) -> None:
        """Declare the subscriber. MANUAL: FastStream commits nothing; the offsets are rows beside the inbox.

        It waits for one record, and what has come with it is taken there. A subscriber of batches would ask a hundred
        times a second whether there is anything, a twentieth of a core for each service that has nothing to do.
        """
        self._subscriber = broker.subscriber(
            *ids,
            # A group of its own for each set of topics and partitions: a member that comes back to its group under its
            # name is given what it had. Of a topic that is gone and back, or of a new partition, it had nothing, and
            # it does not watch for new ones: aiokafka has only the group's leader do so, which it is not told to be.
            group_id=f"{self.group}-{_digest(there)}",
            group_instance_id=self.member,  # a restarted process takes its partitions back at once
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            ack_policy=AckPolicy.MANUAL,
            listener=self,
            parser=_as_it_came,
            decoder=_record_of,
        )

        async def heard(record: ConsumerRecord[bytes, bytes]) -> None:
            await self._keep([record, *await self._come_with_it()], ids)

        self._subscriber(heard)

    @property
    def consumer(self) -> Consumer | None:
        return self._subscriber.consumer if self._subscriber is not None else None

    async def _come_with_it(self) -> list[ConsumerRecord[bytes, bytes]]:
        """What else has come, without waiting. Never raises: the record that is at hand would be lost."""
        consumer = self.consumer
        if consumer is None:
            return []
        try:
            more = await consumer.getmany(max_records=LARGEST_BATCH - 1)
        except (KafkaError, ConsumerStoppedError) as error:
            log.warning("waiting", doing="hear", error=repr(error))
            return []
        return list(chain.from_iterable(more.values()))

    async def _keep(self, records: list[ConsumerRecord[bytes, bytes]], ids: Mapping[str, str]) -> None:
        """Never raises because the database is away: FastStream would go on with the next batch and lose this one."""
        kept = await self._keep_or_park(records, ids)
        for record in records:
            self.heard[record.topic, record.partition] = record.offset + 1
            self.written[record.topic, record.partition] = record.timestamp
        self.bell.ring("inbox")
        if kept.parked:
            log.error("parked", follower=self.keeps.name, records=kept.parked)

    async def _keep_or_park(
        self, records: Sequence[ConsumerRecord[bytes, bytes]], ids: Mapping[str, str], fault: Exception | None = None
    ) -> Kept:
        """Keep them together; where that fails by a fault of ours, each on its own, and the one at fault is parked."""
        pause = 0.05
        while True:
            try:
                async with self.pool.acquire() as connection:
                    if fault is None:
                        return await self.keeps.keep(connection, records, ids)
                    async with connection.transaction():
                        return await self.keeps.set_aside(connection, records[0], fault, ids)
            except TRANSIENT as error:
                log.warning("waiting", doing="hear", error=repr(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)
            except Exception as error:
                log.error("faulty", doing="hear", records=len(records), exc_info=error)
                if len(records) > 1:
                    each = [await self._keep_or_park([record], ids) for record in records]
                    return Kept(
                        new=sum(one.new for one in each), repeated=sum(one.repeated for one in each),
                        parked=sum(one.parked for one in each),
                    )  # fmt: skip
                if fault is not None:  # not even parking works: shown and tried again, for dropping it is worse
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 1.0)
                fault = error

    async def _set_aside(self, ids: Mapping[str, str], record: Any, fault: Exception) -> None:
        """Park a record that Kafka's client cannot read."""
        await self._keep_or_park([record], ids, fault)
        self.heard[record.topic, record.partition] = record.offset + 1
        log.error("parked", follower=self.keeps.name, records=1)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self.assigned.clear()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Go on where the inbox stands, whatever Kafka believes."""
        consumer = self.consumer
        assert consumer is not None
        while True:
            try:
                rows = await self.pool.fetch(HEARD, list(self.topics))
                break
            except TRANSIENT as error:
                log.warning("waiting", doing="assign", error=repr(error))
                await asyncio.sleep(0.2)
        self.heard = {
            (row["topic"], row["partition"]): row["next_offset"]
            for row in rows
            if row["topic_id"] in ("", self._listened.get(row["topic"], ""))  # else what another process saw before us
        }
        for partition in assigned:  # 0, where retention has cut, is out of range and becomes the earliest there is
            consumer.seek(partition, self.heard.get((partition.topic, partition.partition), 0))
        with bound_contextvars(partitions=len(assigned)):
            log.info("listening", topics=sorted({partition.topic for partition in assigned}))
        self.assigned.set()


def _digest(there: Mapping[str, Topic]) -> str:
    told = sorted((name, *topic) for name, topic in there.items())
    return hashlib.sha256(repr(told).encode()).hexdigest()[:8]


async def _as_it_came(record: Any) -> KafkaMessage:
    """Without FastStream's look at the headers: one that is no text would cost the records that it came with."""
    return KafkaMessage(raw_message=record, body=b"", consumer=FAKE_CONSUMER)


async def _record_of(message: KafkaMessage) -> Any:
    return message.raw_message
