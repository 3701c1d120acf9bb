"""The watermark of a service: every fact that it recorded before this instant is on Kafka.

Said on `heartbeats` where time is the wall's, so that a deadline is declared missed only when
nothing that could still disprove it is on its way. A watermark that stands holds back whoever waits for it.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec
import structlog
from aiokafka import AIOKafkaProducer

from events.kafka.outbox_relay import NAME as RELAY
from events.store.database import TRANSIENT, Pool
from events.subscriptions.follower import bookmark_of
from events.subscriptions.wakeup import rest

EVERY = 1.0  # seconds
STANDS_AFTER = 30.0  # seconds of age; one that moves is a second or two old
# The clock first, then a number of our own: whatever was recorded at or before `moment` has a lower one. (A snapshot's
# xmax would not do: it is one past the highest that has *completed*, and a writer that still runs may be above it.)
MOMENT = "select clock_timestamp()"
CEILING = "select pg_current_xact_id()"
# The bookmark comes as parameters: joined, it would be no bound of the index, and all of the log would be looked at.
SENT = """
select pg_snapshot_xmin(pg_current_snapshot()) >= $1 and not exists (
    select from events where (epoch, tx, position) > ($2, $3, $4)
    and (tx < $1 or epoch < (select epoch from cluster)))
"""
log = structlog.get_logger("events.heartbeat")


class Watermark(NamedTuple):
    """How far a source is known to have said everything. `watermark`: None where nothing was ever heard of it; its age
    then counts from when one began to listen."""

    source: str
    watermark: datetime | None
    age_seconds: float
    stands: bool


def watermarks(known: Mapping[str, datetime | None], listening_since: datetime, at: datetime) -> list[Watermark]:
    """What is known of each source, seen at an instant."""
    ages = {source: (at - (watermark or listening_since)).total_seconds() for source, watermark in known.items()}
    return [Watermark(source, known[source], max(age, 0.0), age > STANDS_AFTER) for source, age in ages.items()]


async def all_sent(pool: Pool, ceiling: int) -> bool:
    """Whether everything below a transaction number is settled and on Kafka. An old bookmark errs towards no."""
    sent: bool = await pool.fetchval(SENT, ceiling, *await bookmark_of(pool, RELAY))
    return sent


async def heartbeat(pool: Pool, producer: AIOKafkaProducer, topic: str, service: str, stopping: asyncio.Event) -> None:
    """Say the watermark every second until told to stop. A service that is silent is alarmed by whoever listens."""
    while not stopping.is_set():
        try:
            moment = await pool.fetchval(MOMENT)
            ceiling = await pool.fetchval(CEILING)
            while not stopping.is_set() and not await all_sent(pool, ceiling):
                await asyncio.sleep(0.02)
            if stopping.is_set():
                return  # what is not sent yet must not be vouched for
            body = msgspec.json.encode({"service": service, "watermark": moment})
            await producer.send_and_wait(topic, body, key=service.encode())
        except TRANSIENT as error:
            log.warning("waiting", doing="heartbeat", error=repr(error))
        await rest(stopping, EVERY)
