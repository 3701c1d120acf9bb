"""The ticker by the wall's clock, on real Kafka: heartbeats in, warnings out, whatever else is on its way."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from contracts.given import eventually
from contracts.sending import transacting
from oracle.telling import Story, local, promise
from sla_at_work import Sla

from events.clock import now
from events.contracts.channels import SERVICES
from events.contracts.sla import DeadlineMissed
from events.kafka import topics
from events.service.runtime import Parts
from events.settings import Settings
from events.subscriptions.wakeup import Wakeup
from sla.live.projector import HEARS
from sla.live.ticker import Watch
from sla.live.watermarks import SETTLED, SOURCES

HEARD = """
insert into heard values ($1, 0, $2) on conflict (topic, partition) do update set next_offset = excluded.next_offset
"""


MADE_AGAIN = """
insert into heard (topic, partition, next_offset, topic_id, topic_since)
values ($1, 0, 0, 'another', clock_timestamp() + interval '1 hour')
"""


@asynccontextmanager
async def watching(sla: Sla, kafka: str, prefix: str) -> AsyncIterator[AIOKafkaProducer]:
    """The ticker at work, and a producer for what it listens to."""
    await topics.ensure(kafka, prefix, [*HEARS, topics.HEARTBEATS])
    settings = Settings(kafka_bootstrap_servers=kafka, database_url="", oidc_issuer="", onedoor_topic_prefix=prefix)
    stopping = asyncio.Event()
    parts = Parts(settings=settings, pool=sla.pool, bell=Wakeup(), producer=None)
    task = asyncio.create_task(Watch(parts).run(stopping))
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        yield producer
    finally:
        stopping.set()
        await producer.stop()
        await task


async def beat(producer: AIOKafkaProducer, prefix: str, services: Iterable[str] = SOURCES) -> None:
    for service in services:
        body = msgspec.json.encode({"service": service, "watermark": now()})
        await producer.send_and_wait(prefix + topics.HEARTBEATS, body, key=service.encode())


async def overdue(sla: Sla) -> Story:
    """A household's dossier of 2017 that was never released."""
    story = Story()
    story.received(local(7, 10, 9), promise())
    await sla.hear(story.facts)
    return story


async def missed(sla: Sla, story: Story) -> bool:
    return any(isinstance(fact, DeadlineMissed) for fact in await sla.said(story.case_id))


async def test_a_watermark_waits_for_what_was_there_not_for_silence(sla: Sla, kafka: str, topic_prefix: str) -> None:
    """Facts keep coming and one is always still on its way; the miss is said all the same."""
    story = await overdue(sla)
    busy = topic_prefix + HEARS[0]
    async with watching(sla, kafka, topic_prefix) as producer:
        await beat(producer, topic_prefix)

        async def said() -> bool:
            end = (await producer.send_and_wait(busy, b"{}", partition=0)).offset + 1
            await sla.pool.execute(HEARD, busy, end - 1)  # the newest is never kept yet
            return await missed(sla, story)

        await eventually(said)


async def test_what_lies_above_an_open_transaction_is_waited_for(sla: Sla, kafka: str, topic_prefix: str) -> None:
    """It is on the topic and vouched for, but nobody reads it until the transaction ends: it may disprove the miss."""
    story = await overdue(sla)
    busy = topic_prefix + HEARS[0]
    async with watching(sla, kafka, topic_prefix) as producer, transacting(kafka) as other:
        await other.send_and_wait(busy, b"{}", partition=0)
        await producer.send_and_wait(busy, b"{}", partition=0)
        await sla.pool.execute(HEARD, busy, 0)
        for _ in range(3):  # what is kept of a later beat was read after a whole look at the one before
            since = now()
            await beat(producer, topic_prefix)
            await eventually(partial(_known, sla, since))
        assert not await missed(sla, story)
        await other.commit_transaction()
        await sla.pool.execute(HEARD, busy, 3)
        await eventually(lambda: missed(sla, story))


async def test_a_record_that_is_no_heartbeat_stops_nobody(sla: Sla, kafka: str, topic_prefix: str) -> None:
    """It is logged, and the next one counts."""
    story = await overdue(sla)
    async with watching(sla, kafka, topic_prefix) as producer:
        await producer.send_and_wait(topic_prefix + topics.HEARTBEATS, b"{not json", key=b"intake")
        await beat(producer, topic_prefix)
        await eventually(lambda: missed(sla, story))


@pytest.mark.parametrize("missing", SERVICES)
async def test_a_source_that_was_never_heard_holds_every_warning_back(
    sla: Sla, kafka: str, topic_prefix: str, missing: str
) -> None:
    """All others have said how far they are: nothing is said, until this one has. A name that is no service's, or that
    the table has for something else, is nobody's watermark."""
    story = await overdue(sla)
    others = [service for service in SERVICES if service != missing]
    async with watching(sla, kafka, topic_prefix) as producer:
        await beat(producer, topic_prefix, ["provincial", SETTLED, *others])

        async def others_known() -> bool:
            known = {row["service"] for row in await sla.pool.fetch("select service from watermarks")}
            return known == set(others)

        await eventually(others_known)
        assert await sla.said(story.case_id) == []
        await beat(producer, topic_prefix, [missing])
        await eventually(lambda: missed(sla, story))


@pytest.mark.parametrize("lost", ["routing.events", "provincial.events"])
async def test_who_vouched_for_a_topic_that_is_no_more_must_vouch_again(
    sla: Sla, kafka: str, topic_prefix: str, lost: str
) -> None:
    """What was not heard of the lost topic may disprove the miss; a beat of before the loss says nothing of it. It need
    not be the only topic of its source."""
    story = await overdue(sla)
    async with watching(sla, kafka, topic_prefix) as producer:
        await sla.pool.execute(MADE_AGAIN, topic_prefix + lost)
        for _ in range(3):  # what is kept of a later beat was read after a whole look at the one before
            since = now()
            await beat(producer, topic_prefix)
            await eventually(partial(_known, sla, since))
        assert not await missed(sla, story)
        await sla.pool.execute("update heard set topic_since = clock_timestamp()")
        await beat(producer, topic_prefix)
        await eventually(lambda: missed(sla, story))


async def _known(sla: Sla, since: datetime) -> bool:
    """Whether a beat of each source from after this instant is kept."""
    later = await sla.pool.fetchval("select count(*) from watermarks where watermark >= $1", since)
    return bool(later == len(SOURCES))
