"""The relay: what was appended goes to Kafka, in order, in whole batches per partition."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from events.errors import Unreadable
from events.kafka.cloudevent import from_cloudevent, to_cloudevent
from events.kafka.topic_ends import look
from events.kafka.topics import partition_of, partitions_in
from events.store.database import Connection
from events.store.store import COLUMNS
from events.subscriptions.follower import START, Entry, Follower, Log, LogPosition

NAME = "relay"
# With its hash: a record that stands there under the same id with another body is not ours to pass by (a fork).
PLACE = "select epoch, tx, position from events where stream = $1 and version = $2 and hash = $3"

Key = tuple[str, int]  # topic, partition

ROWS: Log[Mapping[str, Any]] = Log("events", COLUMNS, lambda row: row)


class Relay:
    """Sends rows of `events` and knows, per partition, up to where they are already there.

    A crash between sending and moving the bookmark leaves records that the bookmark does not know of.
    So on start, after any error, and when another process has moved the bookmark, the last record of
    each partition is read: everything up to it is there and is not sent again. What remains: with two processes, one
    that dies in that moment leaves records which the other, if it moved the bookmark last, sends once more.
    """

    def __init__(
        self, producer: AIOKafkaProducer, bootstrap: str, topics: Callable[[str], str], source: str,
        names: Sequence[str],
    ) -> None:  # fmt: skip
        self.producer, self.bootstrap, self.topic_of = producer, bootstrap, topics
        self.source, self.names = source, names
        self.published: dict[Key, int] = {}  # the next offset of each partition, as far as this process knows
        self._there: dict[Key, LogPosition] = {}
        self._until: LogPosition | None = None
        self._bookmark = START

    def follower(self) -> Follower[Mapping[str, Any]]:
        return Follower(name=NAME, log=ROWS, apply=self.send, stuck="halt", batch=5000, outside=self.stands_at)

    def stands_at(self, bookmark: LogPosition) -> None:
        """The place after which the next rows will be given to send."""
        self._bookmark = bookmark

    async def send(self, connection: Connection, entries: Sequence[Entry[Mapping[str, Any]]]) -> None:
        """Send what is not there yet; returns when the brokers have it all (acks=all)."""
        if self._until is None or self._until != self._bookmark:
            await self._look(connection)
        self._until = None  # until all of it is known to be there
        batches: dict[Key, list[Entry[Mapping[str, Any]]]] = {}
        for entry in entries:
            topic = self.topic_of(entry.item["stream"])
            key = topic, partition_of(entry.subject.encode()) % partitions_in(topic)
            if entry.mark > self._there.get(key, START):
                batches.setdefault(key, []).append(entry)
        await self._send(batches)
        self._until = entries[-1].mark

    async def _send(self, batches: Mapping[Key, Sequence[Entry[Mapping[str, Any]]]]) -> None:
        """One batch of each partition at a time: a batch that fails must not be overtaken by the next of its partition.

        Raises only when nothing is under way any more, so that whoever looks next sees all that was sent.
        """
        queues = {key: self._parts(entries) for key, entries in batches.items()}
        while queues:
            under_way = []
            try:
                for key, parts in list(queues.items()):
                    if (part := next(parts, None)) is None:
                        del queues[key]
                    else:
                        batch, count = part
                        batch.close()
                        topic, partition = key
                        sent = await self.producer.send_batch(batch, topic, partition=partition)
                        under_way.append((key, count, sent))
            finally:
                outcomes = await asyncio.gather(*(sent for _, _, sent in under_way), return_exceptions=True)
            for (key, count, _), outcome in zip(under_way, outcomes, strict=True):
                if isinstance(outcome, BaseException):
                    raise outcome
                self.published[key] = outcome.offset + count

    def _parts(self, entries: Sequence[Entry[Mapping[str, Any]]]) -> Iterator[tuple[BatchBuilder, int]]:
        """The entries of one partition as batches, each as large as a request may be, with their counts."""
        batch, count = self.producer.create_batch(), 0
        for entry in entries:
            key, value = entry.subject.encode(), to_cloudevent(entry.item, self.source)
            if batch.append(key=key, value=value, timestamp=None) is None:  # full: a new one
                yield batch, count
                batch, count = self.producer.create_batch(), 0
                if batch.append(key=key, value=value, timestamp=None) is None:
                    raise KafkaError(f"{entry.place} is larger than a batch may be")
            count += 1
        yield batch, count

    async def _look(self, connection: Connection) -> None:
        """Read the last record of every partition of our topics and find its place in the log."""
        ends = await look(self.bootstrap, self.names)
        self.published = {(tp.topic, tp.partition): end for tp, end in ends.next.items()}
        self._there = {}
        for tp, last in ends.last.items():
            await self._find(connection, tp, last.value)

    async def _find(self, connection: Connection, tp: TopicPartition, value: bytes) -> None:
        try:
            last = from_cloudevent(value)
        except Unreadable:
            return  # somebody else wrote here; readers drop repeats by id
        row = await connection.fetchrow(PLACE, last.stream, last.version, last.hash)
        if row is not None:
            self._there[tp.topic, tp.partition] = LogPosition(*row)
