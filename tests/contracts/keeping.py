"""Facts in a service's inbox as if they had been heard."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import msgspec

from events.kafka.cloudevent import to_cloudevent
from events.kafka.inbox import keep
from events.store.database import Pool
from events.store.envelope import RecordedEvent

_offsets = count()


class Record(msgspec.Struct, frozen=True):
    """A Kafka record as `keep` sees it."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes


def record(fact: RecordedEvent) -> Record:
    """The fact on its topic."""
    row: dict[str, Any] = {name: getattr(fact, name) for name in fact.__struct_fields__}
    row |= {"actor": fact.cause.actor, "correlation": fact.cause.correlation}
    row |= {"causation": fact.cause.causation, "trace": None}
    return Record("t.events", 0, next(_offsets), fact.subject.encode(), to_cloudevent(row, "/onedoor/test"))


async def kept(pool: Pool, facts: Sequence[RecordedEvent], *, batch: int = 5000) -> None:
    """Keep these facts, some thousands in a transaction."""
    async with pool.acquire() as connection:
        for start in range(0, len(facts), batch):
            async with connection.transaction():
                await keep(connection, [record(fact) for fact in facts[start : start + batch]])
