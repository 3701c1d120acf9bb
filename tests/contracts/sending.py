"""Kafka as the tests use it: a producer like the runtime's, a relay over a log, and everything that a topic holds."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import ConsumerRecord

from events.clock import new_id
from events.kafka import topics
from events.kafka.cloudevent import from_cloudevent
from events.kafka.outbox_relay import Relay
from events.store.database import Pool
from events.store.envelope import RecordedEvent
from events.subscriptions.follower import Following

SAID = ("intake.events",)


@asynccontextmanager
async def producing(bootstrap: str, **more: Any) -> AsyncIterator[AIOKafkaProducer]:
    options = {"acks": "all", "enable_idempotence": True, "compression_type": "lz4", "max_batch_size": 1 << 19, **more}
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, request_timeout_ms=10_000, **options)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def transacting(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    """A producer with a transaction open, which the block ends; what it leaves open the broker aborts in a minute."""
    async with producing(bootstrap, transactional_id=new_id()) as producer:
        await producer.begin_transaction()
        yield producer


async def transact(bootstrap: str, topic: str, *values: bytes, abort: bool = False, **more: Any) -> None:
    """Put records on a topic in one transaction: a marker of it stands behind them, in each of their partitions."""
    async with transacting(bootstrap) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, **more)
        await (producer.abort_transaction() if abort else producer.commit_transaction())


def relay_of(producer: AIOKafkaProducer, bootstrap: str, prefix: str) -> Relay:
    return Relay(
        producer,
        bootstrap,
        lambda stream: prefix + topics.topic_of(stream),
        "/onedoor/intake",
        [prefix + name for name in SAID],
    )


@asynccontextmanager
async def relaying(pool: Pool, bootstrap: str, prefix: str, **more: Any) -> AsyncIterator[Following[Any]]:
    """A relay of its own process: its own producer, its own idea of what is there."""
    await topics.ensure(bootstrap, prefix, SAID)
    async with producing(bootstrap, **more) as producer:
        yield Following(pool, relay_of(producer, bootstrap, prefix).follower())


async def records(bootstrap: str, *names: str) -> list[ConsumerRecord[bytes, bytes]]:
    """Everything that the topics hold now, each partition in order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        everything = [TopicPartition(name, number) for name in names for number in range(topics.PARTITIONS)]
        ends = {one: end for one, end in (await consumer.end_offsets(everything)).items() if end}
        consumer.assign(list(ends))
        found: list[ConsumerRecord[bytes, bytes]] = []
        behind = set(ends)
        while behind:
            for partition, some in (await consumer.getmany(timeout_ms=200)).items():
                found += [one for one in some if one.offset < ends[partition]]
                if some[-1].offset >= ends[partition] - 1:
                    behind.discard(partition)
        assert len(found) == len({(one.topic, one.partition, one.offset) for one in found})
        return found
    finally:
        await consumer.stop()


def facts_of(found: Iterable[ConsumerRecord[bytes, bytes]]) -> Sequence[RecordedEvent]:
    return [from_cloudevent(one.value or b"") for one in found]
