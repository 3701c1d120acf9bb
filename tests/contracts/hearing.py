"""A listening service, reduced to its ears."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contracts.sending import SAID

from events.kafka.hear import TopicConsumer
from events.store.database import Pool
from events.subscriptions.wakeup import Wakeup


@asynccontextmanager
async def hearing(pool: Pool, bootstrap: str, prefix: str, instance: str = "1") -> AsyncIterator[TopicConsumer]:
    """Ears at work, as the runtime starts them; stopped at the end of the block."""
    topics = [prefix + name for name in SAID]
    ears = TopicConsumer(pool, Wakeup(), topics, bootstrap=bootstrap, service=f"{prefix}sla", instance=instance)
    async with ears.listening():
        yield ears
