"""A listening service, reduced to its ears."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contracts.sending import SAID
from faststream.kafka import KafkaBroker

from events.bell import Bell
from events.database import Pool
from events.hear import Ears


@asynccontextmanager
async def hearing(pool: Pool, bootstrap: str, prefix: str, instance: str = "1") -> AsyncIterator[Ears]:
    """Ears at work, as the runtime starts them; stopped at the end of the block."""
    ears = Ears(pool, Bell(), [prefix + name for name in SAID], service=f"{prefix}sla", instance=instance)
    broker = KafkaBroker(
        bootstrap, logger=logging.getLogger("faststream"), log_level=logging.DEBUG, apply_types=False,
        allow_auto_create_topics=False, consumer_only=True, graceful_timeout=5.0,
    )  # fmt: skip
    ears.subscribe(broker)
    await broker.start()
    try:
        yield ears
    finally:
        await broker.stop()
