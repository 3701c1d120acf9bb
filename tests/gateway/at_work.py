"""The gateway at work: what is sent to it, what it publishes and shows."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.record.util import calc_crc32c
from contracts.given import eventually
from gateway.told import EVERYTHING, Event, event
from serving import Serving

from events.clock import now
from events.contracts.channels import INBOUND
from events.gateway.cloudevent import STRUCTURED
from events.gateway.signed_record import Letter
from events.kafka import topics
from events.kafka.cloudevent import from_cloudevent

HEARD = "select coalesce(sum(next_offset), 0) from heard where topic = $1"


def fresh(id: str, kind: str = "CustomerRated", **more: Any) -> Event:
    return Event(kind, event(kind, **more).data, id=id, at=now() - timedelta(minutes=1))


async def post(
    door: Serving, body: Any, kind: str = STRUCTURED, *, unit: str = "SXD", **headers: str
) -> tuple[int, Any]:
    token = door.issuer.sign(role="emitter", unit=unit, member="01")
    sent = {"Authorization": f"Bearer {token}", "Content-Type": kind, **headers}
    data = body if isinstance(body, bytes) else json.dumps(body)
    async with door.http.post(f"{door.url}/events", data=data, headers=sent) as answer:
        return answer.status, await answer.json(content_type=None)


async def became(door: Serving, id: str, *, source: str = EVERYTHING.source, unit: str = "SXD") -> tuple[int, Any]:
    answer = await door.get(f"/events/{source}/{id}", role="emitter", unit=unit)
    return answer.status, answer.body


async def published(door: Serving, topic: str, count: int) -> list[Any]:
    """Every record of a topic, once there are so many: each as (key, fact as recorded)."""
    name, bootstrap = door.running.parts.topic(topic), door.running.parts.settings.kafka_bootstrap_servers
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(name, number) for number in range(topics.partitions_in(topic))]

        async def all_there() -> Any:
            ends = await consumer.end_offsets(partitions)
            return sum(ends.values()) >= count and ends

        ends = await eventually(all_there)
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        found: list[Any] = []
        while len(found) < sum(ends.values()):  # to the end: what came twice, or too much, is not to be missed
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found += [(one.key.decode(), from_cloudevent(one.value)) for one in batch]
        return found
    finally:
        await consumer.stop()


@asynccontextmanager
async def sending(door: Serving, compression: str | None = None) -> AsyncIterator[AIOKafkaProducer]:
    bootstrap = door.running.parts.settings.kafka_bootstrap_servers
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type=compression)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def put(door: Serving, letters: Sequence[Letter], compression: str | None = None) -> None:
    """Put records on the topic, and wait until the door has kept or parked every one."""
    await put_as_they_are(door, [(list(one.headers.items()), one.value) for one in letters], compression)


async def put_as_they_are(
    door: Serving, records: Sequence[tuple[Sequence[tuple[str, bytes]], bytes | None]], compression: str | None = None
) -> None:
    """The same with headers and values that no letter has: a name twice, no value."""
    topic, pool = door.running.parts.topic(INBOUND), door.running.parts.pool
    settings = door.running.parts.settings
    await topics.ensure(settings.kafka_bootstrap_servers, settings.onedoor_topic_prefix, [INBOUND])
    before = await pool.fetchval(HEARD, topic)
    async with sending(door, compression) as producer:
        for number, (headers, value) in enumerate(records):
            await producer.send(topic, value, key=b"%d" % number, headers=headers)
        await producer.flush()

    async def all_heard() -> bool:
        return bool(await pool.fetchval(HEARD, topic) >= before + len(records))  # others may have come before ours

    await eventually(all_heard, within=60)


async def with_a_nameless_header(producer: AIOKafkaProducer, topic: str, value: bytes, partition: int) -> None:
    """Put a record of which a header's name is no UTF-8: aiokafka's own names are, so one letter is changed."""
    batch = producer.create_batch()
    batch.append(key=None, value=value, timestamp=None, headers=[("name", b"")])
    whole = bytearray(batch._build())
    whole[whole.index(b"name")] = 0xFF
    whole[17:21] = calc_crc32c(bytes(whole[21:])).to_bytes(4, "big")
    batch._buffer = whole
    await (await producer.send_batch(batch, topic, partition=partition))


def as_put(body: bytes) -> bytes:
    """A parked record as it was put on the topic, without when it arrived."""
    return replace(Letter.unpacked(body), arrived=None).packed()


async def parked(door: Serving) -> list[dict[str, Any]]:
    answer = await door.get("/parked", role="operator", unit="onedoor")
    return [one for one in answer.body if one["follower"] == "gateway"]
