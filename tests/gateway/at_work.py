"""The gateway at work: what is sent to it, what it publishes and shows."""

import json
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from contracts.given import eventually
from gateway.told import EVERYTHING, Event, event
from serving import Serving

from events import topics
from events.clock import now
from events.gateway.sent import STRUCTURED
from events.wire import from_cloudevent


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
    """The records of a topic, once there are so many: each as (key, fact as recorded)."""
    name, bootstrap = door.running.parts.topic(topic), door.running.parts.settings.kafka_bootstrap_servers
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(name, number) for number in range(topics.partitions_in(topic))]

        async def all_there() -> bool:
            return bool(sum((await consumer.end_offsets(partitions)).values()) >= count)

        await eventually(all_there)
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        found: list[Any] = []
        while len(found) < count:
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found += [(one.key.decode(), from_cloudevent(one.value)) for one in batch]
        return found
    finally:
        await consumer.stop()
