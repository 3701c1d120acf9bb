"""The watermark of a service: every fact that it recorded before this instant is on Kafka.

Said on `heartbeats` where time is the wall's, so that a deadline is declared missed only when
nothing that could still disprove it is on its way.
"""

import asyncio

import msgspec
import structlog
from aiokafka import AIOKafkaProducer

from events.database import TRANSIENT, Pool

EVERY = 1.0  # seconds
# The clock first, then the snapshot: whatever is recorded at or before `moment` has a number below `ceiling`.
MOMENT = "select clock_timestamp()"
CEILING = "select pg_snapshot_xmax(pg_current_snapshot())"
SENT = """
select pg_snapshot_xmin(pg_current_snapshot()) >= $1 and not exists (
    select from events e, bookmarks b where b.name = 'relay' and b.shard = 0
    and (e.epoch, e.tx, e.position) > (b.epoch, b.tx, b.position) and e.tx < $1)
"""
log = structlog.get_logger("events.heartbeat")


async def heartbeat(pool: Pool, producer: AIOKafkaProducer, topic: str, service: str, stopping: asyncio.Event) -> None:
    """Say the watermark every second until told to stop. A service that is silent is alarmed by whoever listens."""
    while not stopping.is_set():
        try:
            moment = await pool.fetchval(MOMENT)
            ceiling = await pool.fetchval(CEILING)
            while not stopping.is_set() and not await pool.fetchval(SENT, ceiling):
                await asyncio.sleep(0.02)
            body = msgspec.json.encode({"service": service, "watermark": moment})
            await producer.send_and_wait(topic, body, key=service.encode())
        except TRANSIENT as error:
            log.warning("waiting", doing="heartbeat", error=repr(error))
        try:
            async with asyncio.timeout(EVERY):
                await stopping.wait()
        except TimeoutError:
            pass
