"""Hearing: FastStream batch subscribers that pass bytes through, an inbox, and our own offsets."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from structlog.contextvars import bound_contextvars

from events.bell import Bell
from events.database import TRANSIENT, Pool
from events.inbox import Kept, keep, set_aside

HEARD = "select topic, partition, next_offset from heard where topic = any($1)"
LARGEST_BATCH = 5000
# FastStream listens for so long and, when nothing came, sleeps for as long again: what comes meanwhile waits.
LISTEN_MS = 5
log = structlog.get_logger("events.hear")


class Ears(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """One subscriber over all topics that a service hears. Knows how far it has kept, per partition."""

    def __init__(self, pool: Pool, bell: Bell, topics: Sequence[str], *, service: str, instance: str) -> None:
        self.pool, self.bell, self.topics = pool, bell, topics
        self.group, self.member = service, f"{service}-{instance}"
        self.heard: dict[tuple[str, int], int] = {}
        self.written: dict[tuple[str, int], int] = {}  # record time of the last kept record, in milliseconds
        self.assigned = asyncio.Event()
        self._subscriber: Any = None

    def subscribe(self, broker: KafkaBroker) -> None:
        """Declare the subscriber. MANUAL: FastStream commits nothing; the offsets are rows beside the inbox."""
        self._subscriber = broker.subscriber(
            *self.topics,
            batch=True,
            group_id=self.group,
            group_instance_id=self.member,  # a restarted process takes its partitions back at once
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            max_records=LARGEST_BATCH,
            batch_timeout_ms=LISTEN_MS,
            listener=self,
            decoder=_bytes_as_they_came,
        )
        self._subscriber(self._keep)

    @property
    def consumer(self) -> AIOKafkaConsumer | None:
        return self._subscriber.consumer if self._subscriber is not None else None

    async def _keep(self, records: list[ConsumerRecord[bytes, bytes]]) -> None:
        """Never raises because the database is away: FastStream would go on with the next batch and lose this one."""
        kept = await self._keep_or_park(records)
        for record in records:
            self.heard[record.topic, record.partition] = record.offset + 1
            self.written[record.topic, record.partition] = record.timestamp
        self.bell.ring("inbox")
        if kept.parked:
            log.error("parked", follower="hear", records=kept.parked)

    async def _keep_or_park(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> Kept:
        """Keep them together; where that fails by a fault of ours, each on its own, and the one at fault is parked."""
        fault: Exception | None = None
        pause = 0.05
        while True:
            try:
                async with self.pool.acquire() as connection:
                    if fault is None:
                        return await keep(connection, records)
                    async with connection.transaction():
                        return await set_aside(connection, records[0], fault)
            except TRANSIENT as error:
                log.warning("waiting", doing="hear", error=repr(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)
            except Exception as error:
                log.error("faulty", doing="hear", records=len(records), exc_info=error)
                if len(records) > 1:
                    each = [await self._keep_or_park([record]) for record in records]
                    return Kept(
                        new=sum(one.new for one in each), repeated=sum(one.repeated for one in each),
                        parked=sum(one.parked for one in each),
                    )  # fmt: skip
                if fault is not None:  # not even parking works: shown and tried again, for dropping it is worse
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 1.0)
                fault = error

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
        self.heard = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        for partition in assigned:  # 0, where retention has cut, is out of range and becomes the earliest there is
            consumer.seek(partition, self.heard.get((partition.topic, partition.partition), 0))
        with bound_contextvars(partitions=len(assigned)):
            log.info("listening", topics=list(self.topics))
        self.assigned.set()


async def _bytes_as_they_came(message: KafkaMessage) -> Sequence[Any]:
    raw: Any = message.raw_message
    return list(raw)
