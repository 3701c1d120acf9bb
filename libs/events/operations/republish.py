"""A lost topic is written again from the store: the same facts under the same ids, in the same order."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from events.errors import Conflict
from events.kafka.outbox_relay import NAME
from events.operations.operator_action import OperatorAction
from events.store.database import Pool
from events.subscriptions.follower import REWIND

# The relay's turn for as long as it takes; of the session, because nothing else is to be held meanwhile.
HOLD = "select pg_advisory_lock(hashtextextended(current_schema() || '.' || $1, 0))"
LET_GO = "select pg_advisory_unlock(hashtextextended(current_schema() || '.' || $1, 0))"
IS_PAUSED = "select paused_at is not null from bookmarks where name = $1"
FACTS = "select count(*) from events"

Remake = Callable[[], Awaitable[Sequence[str]]]
"""Deletes the topics on which this service says facts, makes them again, and tells their names."""


async def republish(pool: Pool, remake: Remake, order: OperatorAction) -> Mapping[str, Any]:
    """Send everything that this service has ever said once more, into topics made anew; the relay does it from here on.

    Listeners find another topic under the name and hear it from its beginning; what they have, they drop as repeats.
    The bookmark goes back first: a crash before the topics are gone sends nothing twice, because the relay looks what
    is there, and one after it finds them empty. Raises Conflict while the relay is paused.
    """
    async with pool.acquire() as connection:
        if await connection.fetchval(IS_PAUSED, NAME):
            raise Conflict("relay-paused", "the relay is paused and would send nothing", field="service",
                           way_out="POST /followers/relay/resume first")  # fmt: skip
        try:
            await connection.execute(HOLD, NAME)
            async with connection.transaction():
                await connection.execute(REWIND, NAME)
                await order.say(connection, "topics-republished", f"service/{order.service}")
            topics = await remake()
            return {"topics": topics, "facts": await connection.fetchval(FACTS)}
        finally:
            await connection.execute(LET_GO, NAME)
