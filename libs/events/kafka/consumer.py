"""A Kafka consumer that no record can hold up, and that knows how far it is. aiokafka reads the names of headers as
UTF-8 and throws where one is not, again and again at the same record, and what it had taken from other partitions in
that moment is lost."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError
from confluent_kafka import Consumer as Librdkafka
from confluent_kafka import TopicPartition as Place

from events.errors import Unreadable
from events.kafka.stable_offsets import Stand

LOOK = 200  # milliseconds in which a partition that has something to read gives it
WITHIN = 5.0  # seconds for reading one record by the other client


class Unnamed(NamedTuple):
    """A record of which a header's name is no text: what can be told of it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int = -1
    timestamp_type: int | None = None


class Consumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka ships no types
    """Hands a record that it cannot read to `aside`, which returns when it is kept, and goes on behind it."""

    def __init__(
        self, *, bootstrap: str, aside: Callable[[Unnamed, Exception], Awaitable[None]], **others: Any
    ) -> None:
        super().__init__(**others | {"bootstrap_servers": bootstrap})
        self._bootstrap, self._aside = bootstrap, aside
        self._idle = False  # nothing that was handed out is still at work: its caller waits for the next record

    async def getone(self, *partitions: TopicPartition) -> Any:
        while True:
            self._idle = True
            with suppress(UnicodeDecodeError):
                try:
                    return await super().getone(*partitions)
                finally:
                    self._idle = False
            await self._step_over()

    async def done_up_to(self) -> dict[tuple[str, int], int]:
        """Up to where whoever takes one record after the other is done with each partition: also over offsets that hold
        no record, such as markers of transactions. Empty while a record is at work."""
        found = {}
        for one in self.assignment():
            position = await self.position(one)
            if not self._idle:  # asked when the position is known: without a pause in between it cannot have moved
                return {}
            found[one.topic, one.partition] = position
        return found

    def stands(self) -> list[Stand]:
        """How the partitions stood at the last answer of the brokers."""
        known = [(one, self.last_stable_offset(one), self.highwater(one)) for one in self.assignment()]
        return [
            Stand((one.topic, one.partition), stable, end)
            for one, stable, end in known
            if stable is not None and end is not None
        ]

    async def getmany(self, *partitions: TopicPartition, **options: Any) -> Any:
        """Nothing where one of them cannot be read: `getone` comes to it."""
        before = {one: await self.position(one) for one in self.assignment()}
        try:
            return await super().getmany(*partitions, **options)
        except UnicodeDecodeError:
            for one, offset in before.items():
                self._go_on_at(one, offset)
            return {}

    async def _step_over(self) -> None:
        for one in self.assignment():
            try:
                ahead = await super().getmany(one, timeout_ms=LOOK, max_records=1)
            except UnicodeDecodeError:  # it is the next of this partition
                offset = await self.position(one)
                record = await asyncio.to_thread(self._read, one, offset)
                await self._aside(record, Unreadable("the name of a header is no UTF-8"))
                self._go_on_at(one, offset + 1)
                return
            for record in ahead.get(one, ()):
                self._go_on_at(one, record.offset)

    def _go_on_at(self, partition: TopicPartition, offset: int) -> None:
        with suppress(IllegalStateError):  # it was given to another member, who goes on where the inbox stands
            self.seek(partition, offset)

    def _read(self, partition: TopicPartition, offset: int) -> Unnamed:
        """Key and value, by a client that leaves the headers alone; without them when it does not answer in time."""
        settings = {"bootstrap.servers": self._bootstrap, "group.id": "onedoor-aside", "log_level": 2}
        other = Librdkafka({**settings, "isolation.level": "read_committed"})
        try:
            other.assign([Place(partition.topic, partition.partition, offset)])
            message = other.poll(WITHIN)
            found = message is not None and message.error() is None and message.offset() == offset
            key, value = (message.key(), message.value()) if found and message is not None else (None, None)
        finally:
            other.close()
        return Unnamed(partition.topic, partition.partition, offset, _bytes(key), _bytes(value))


def _bytes(told: str | bytes | None) -> bytes | None:
    return told.encode() if isinstance(told, str) else told
