"""The fact topics as an operator reads them: from the broker itself, without joining a group or committing anything."""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from math import inf
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from events.errors import OnedoorError

Place = tuple[str, int]
"""Topic and partition."""

BATCH: Final = 2_000  # records asked of the client at once
PATIENCE: Final = 5.0  # seconds for an answer about topics and offsets
A_LOOK: Final = 0.2  # seconds in which Ctrl-C is heard


class Record(NamedTuple):
    """A record where it stands, ordered by when the broker's log says that it was written (milliseconds)."""

    time: int
    topic: str
    partition: int
    offset: int
    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class End(NamedTuple):
    """A partition whose end was reached: the offset of what comes next. Markers of transactions and aborted records may
    lie below it, which nobody is given."""

    topic: str
    partition: int
    offset: int


class Topics:
    """A consumer of some topics. Every trouble with the broker is an OnedoorError."""

    def __init__(self, bootstrap: str, names: Sequence[str]) -> None:
        self.bootstrap, self.names = bootstrap, names
        self._lost = False  # every connection was; perhaps only one that had been idle
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "onedoor-events",  # named, never joined
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",  # what retention cut off meanwhile is gone
                "fetch.queue.backoff.ms": 10,
                "log_level": 0,  # what goes wrong is said here, in a sentence
                "error_cb": self._hear,
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def _hear(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._lost = True

    def missing(self) -> list[str]:
        """The topics that the broker does not have."""
        there = self._ask(lambda: self._consumer.list_topics(timeout=PATIENCE)).topics
        return [name for name in self.names if name not in there]

    def spans(self) -> dict[Place, tuple[int, int]]:
        """The first offset and the last stable one of every partition that there is: an open transaction lies above."""
        there = self._ask(lambda: self._consumer.list_topics(timeout=PATIENCE)).topics
        partitions = [TopicPartition(name, n) for name in self.names if name in there for n in there[name].partitions]
        return {(one.topic, one.partition): self._ends(one) for one in partitions}

    def _ends(self, partition: TopicPartition) -> tuple[int, int]:
        first, end = self._ask(lambda: self._consumer.get_watermark_offsets(partition, timeout=PATIENCE))
        return first, end

    def since(self, spans: Mapping[Place, tuple[int, int]], instant: datetime) -> dict[Place, tuple[int, int]]:
        """The parts of the spans that were written at an instant or later."""
        asked = [TopicPartition(*place, int(instant.timestamp() * 1000)) for place in spans]
        found = self._ask(lambda: self._consumer.offsets_for_times(asked, timeout=PATIENCE))
        first = {(one.topic, one.partition): one.offset for one in found}
        return {
            place: (max(low, first[place]) if first[place] >= 0 else high, high) for place, (low, high) in spans.items()
        }

    def read(
        self, spans: Mapping[Place, tuple[int, int]], wanted: Callable[[bytes], bool], tell: Callable[[int], object]
    ) -> Iterator[Record]:
        """The wanted records of these spans in the order of their times; told now and then how many were read.

        Holds only what may not be given yet: wanted records later than where some partition is.
        """
        reached = {place: -1 for place, (first, end) in spans.items() if first < end}
        waiting: list[Record] = []
        count = 0
        self._consumer.assign([TopicPartition(*place, spans[place][0]) for place in reached])
        while reached:
            for record in self._next():
                if isinstance(record, Record):
                    place = record.topic, record.partition
                    if place not in reached or record.offset >= spans[place][1]:
                        continue
                    count += 1
                    reached[place] = record.time
                    if wanted(record.value or b""):
                        heapq.heappush(waiting, record)
                    ended = record.offset + 1 >= spans[place][1]
                else:
                    place, ended = (record.topic, record.partition), True
                if ended:
                    reached.pop(place, None)
            tell(count)
            passed = min(reached.values(), default=inf)
            while waiting and waiting[0].time <= passed:
                yield heapq.heappop(waiting)
        self._consumer.unassign()

    def part(self, place: Place, first: int, end: int) -> Iterator[Record]:
        """What stands in a partition from one offset up to (not with) another, in its order."""
        self._consumer.assign([TopicPartition(*place, first)])
        while first < end:
            for record in self._next():
                if (record.topic, record.partition) != place:
                    continue
                if isinstance(record, End):
                    if record.offset < end:
                        raise OnedoorError(f"{place[0]}/{place[1]} ends at {record.offset} and not at {end} any more")
                    first = end
                else:
                    first = record.offset + 1
                    if record.offset < end:
                        yield record
        self._consumer.unassign()

    def follow(self, ends: Mapping[Place, int]) -> Iterator[Record]:
        """What is written from these offsets on, as it comes; never ends."""
        self._consumer.assign([TopicPartition(*place, end) for place, end in ends.items()])
        while True:
            for record in self._next():
                if isinstance(record, Record):
                    yield record

    def _next(self) -> Iterator[Record | End]:
        """What came in a moment: records, and the partitions whose end was reached."""
        messages = self._ask(lambda: self._consumer.consume(BATCH, A_LOOK))
        if self._lost:
            self._lost = False
            self._ask(lambda: self._consumer.list_topics(timeout=PATIENCE))
        for message in messages:
            topic, partition = str(message.topic()), int(message.partition() or 0)
            error = message.error()
            if error is None:
                _, time = message.timestamp()
                yield Record(
                    time, topic, partition, message.offset() or 0, message.value(), message.key(),
                    tuple(message.headers() or ()),
                )  # fmt: skip
            elif error.code() == KafkaError._PARTITION_EOF:
                yield End(topic, partition, message.offset() or 0)
            else:
                raise OnedoorError(f"{topic}/{partition} cannot be read: {error.str()}")

    def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except KafkaException as away:
            raise OnedoorError(f"Kafka does not answer at {self.bootstrap}: {away.args[0].str()}") from away
