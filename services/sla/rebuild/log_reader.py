"""Kafka → the facts of each case: partitions of the log from their beginning up to a cut, each record read once.

librdkafka fetches outside of the interpreter, so what is read next is under way while what was read is judged. What was
exported to segments is read from there, and Kafka is asked for the rest alone. Where more is read than should lie in
memory, the records of one part of the cases are kept, and the others are laid aside.
"""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from events.contracts.catalogue import CATALOGUE
from events.errors import Unreadable
from events.kafka.archive import Segment, reach
from events.kafka.cloudevent import from_cloudevent
from events.store.envelope import RecordedEvent
from events.subscriptions.follower import LONGEST_REASON
from events.text_safety import storable
from sla.judging.case import JUDGED
from sla.rebuild.spill import SpillFiles

AT_ONCE = 200_000  # records whose facts lie in memory together, about
BATCH = 1_000  # records asked of the client at once, some milliseconds of work
FULL = 0.002  # seconds to wait for a batch to be full: the last of a partition never is
LISTED = 1_000  # unreadable records that are named; all are counted
CONNECTS_WITHIN = 5.0  # seconds; a broker that comes later is connected to when it is read from
TYPE = b'"type":"onedoor.'  # what precedes a type's name in an envelope
UNJUDGED = frozenset(name.encode() for name in CATALOGUE.keys() - set(JUDGED))

Place = tuple[str, int]
"""Topic and partition."""


class NotRead(Exception):
    """The log could not be read, or does not hold all that was heard of it."""


class Partition:
    """A topic-partition while it is read: up to (not with) `end`, and how many records were. `number`: which one of
    those that are read together.

    `dismissed`: offsets of records that an operator dismissed. They count in nothing, whoever can read them today.
    `segments`: files that have its first offsets.
    """

    __slots__ = ("dismissed", "end", "number", "place", "records", "segments")

    def __init__(
        self, number: int, place: Place, end: int, dismissed: Collection[int], segments: Sequence[Segment] = ()
    ) -> None:
        self.number, self.place, self.end, self.dismissed, self.segments = number, place, end, dismissed, segments
        self.records = 0

    @property
    def begin(self) -> int:
        """The first offset that Kafka is asked for."""
        return min(reach(self.segments), self.end)


Left = dict[tuple[str | None, int | None], Partition]
"""The partitions of which something is left to read, by what a message says of its place."""


class Facts:
    """What is read of some partitions: the facts per case, each id once; how many records could not be read, and the
    first of them with their reasons. `only`: the keys of the cases that are wanted, if not all are; `known_on`: what
    was recorded later counts in nothing. `aside`: takes the records of all cases that are not in its first part.
    """

    def __init__(
        self,
        partitions: Sequence[Partition],
        only: Collection[bytes] | None = None,
        known_on: datetime | None = None,
        aside: SpillFiles | None = None,
    ) -> None:
        self.partitions, self.only, self.known_on, self.aside = partitions, only, known_on, aside
        self.cases: defaultdict[str, dict[tuple[str, int], RecordedEvent]] = defaultdict(dict)
        self.undecodable = 0
        self.unreadable: dict[str, str] = {}

    @property
    def records(self) -> int:
        """Records read so far."""
        return sum(partition.records for partition in self.partitions)

    def add(self, partition: Partition, offset: int, key: bytes, value: bytes) -> None:
        """One record that was read."""
        partition.records += 1
        if offset in partition.dismissed or (self.only is not None and key not in self.only):
            return
        named = value.find(TYPE) + len(TYPE)
        if value[named : value.find(b".v", named)] in UNJUDGED:  # messages are a quarter of the log: not worth decoding
            return
        if self.aside is not None and (part := self.aside.part_of(key)):
            self.aside.lay(part, partition.number, offset, value)
        else:
            self.keep(partition.place, offset, value)

    def keep(self, place: Place, offset: int, value: bytes) -> None:
        """A record's fact. Of two bodies of one id the first in the partition stands, as in the inbox."""
        try:
            fact = from_cloudevent(value)
        except Unreadable as error:
            self.undecodable += 1
            if len(self.unreadable) < LISTED:
                topic, number = place
                self.unreadable[f"{topic}/{number}/{offset}"] = storable(str(error))[:LONGEST_REASON]
            return
        if fact.fact is not None and (self.known_on is None or fact.recorded_at <= self.known_on):
            self.cases[fact.subject].setdefault((fact.stream, fact.version), fact)

    def rest(self) -> "Iterator[Facts]":
        """What was laid aside, a part of the cases at a time. Nothing of it counts as read again."""
        for records in self.aside.parts() if self.aside is not None else ():
            part = Facts((), known_on=self.known_on)
            for number, offset, value in records:
                part.keep(self.partitions[number].place, offset, value)
            yield part


def connected(kafka: str) -> Consumer:
    """A client that reads topics from wherever it is told to, with its connection made."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": "onedoor-rebuild",  # named, never joined
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",  # a beginning that retention cut off is no beginning
            "enable.partition.eof": True,
            "fetch.queue.backoff.ms": 10,  # the default pauses a fast reader for a second
            "fetch.wait.max.ms": 10,
            "queued.min.messages": BATCH,  # with the default the broker is asked for nothing new all the while we judge
        }
    )
    with suppress(KafkaException):
        consumer.list_topics(timeout=CONNECTS_WITHIN)
    return consumer


class Reader:
    """Reads partitions up to their ends, one share after the other; the first is fetched from now on.

    `shares`, each the ends of some partitions, is asked for the next one when the last one that it gave has been read.
    `segments`: files that have the first offsets of a partition. `only` of these cases, what was recorded up to
    `known_on`.
    """

    def __init__(
        self,
        consumer: Consumer,
        shares: Iterator[Mapping[Place, int]],
        dismissed: Mapping[Place, Collection[int]],
        segments: Mapping[Place, Sequence[Segment]] | None = None,
        only: Collection[str] | None = None,
        known_on: datetime | None = None,
    ) -> None:
        self._consumer, self._shares, self._dismissed, self._segments = consumer, shares, dismissed, segments or {}
        self._only = None if only is None else frozenset(case.encode() for case in only)
        self._known_on = known_on
        self._next = self._fetch()

    def read(self, told: Callable[[int], object]) -> Iterator[Facts]:
        """All of each share, once, whole or in parts; meanwhile the next one is fetched. `told` how many records of the
        one at hand after each batch. Raises NotRead."""
        with _room():
            while self._next is not None:
                found = self._next
                for partition in found.partitions:
                    self._take_kept(partition, found, told)
                left: Left = {one.place: one for one in found.partitions if one.begin < one.end}
                while left:
                    self._take(left, found)
                    told(found.records)
                self._next = self._fetch()
                yield found
                yield from found.rest()

    def _fetch(self) -> Facts | None:
        """Have the next share's partitions fetched, in the background."""
        share = next(self._shares, None)
        if share is None:
            self._consumer.unassign()
            return None
        fetched = [
            Partition(number, place, end, frozenset(self._dismissed.get(place, ())), self._segments.get(place, ()))
            for number, (place, end) in enumerate(share.items())
        ]
        self._consumer.assign([TopicPartition(*one.place, one.begin) for one in fetched if one.begin < one.end])
        parts = -(-sum(share.values()) // AT_ONCE)
        return Facts(fetched, self._only, self._known_on, SpillFiles(parts) if parts > 1 else None)

    def _take_kept(self, partition: Partition, found: Facts, told: Callable[[int], object]) -> None:
        """What the segments have of a partition, below its end."""
        try:
            for segment in partition.segments:
                if segment.first >= partition.end:
                    break
                for offset, key, value in segment.records():
                    if offset < partition.end:
                        found.add(partition, offset, key, value)
                    if offset % BATCH == 0:
                        told(found.records)
        except Unreadable as damaged:
            raise NotRead(f"{damaged}; export it again, or rebuild from Kafka or the inbox") from damaged

    def _take(self, left: Left, found: Facts) -> None:
        """One batch; what has been read to its end is left no longer."""
        add = found.add
        for message in self._consumer.consume(BATCH, FULL):
            partition = left.get((message.topic(), message.partition()))
            offset, error = message.offset() or 0, message.error()
            if error is not None:
                _heed(error, f"{message.topic()}/{message.partition()}", partition, offset)
            if partition is None:  # of what came after the cut
                continue
            if error is None and offset < partition.end:
                add(partition, offset, message.key() or b"", message.value() or b"")
            if offset + 1 >= partition.end:
                del left[partition.place]


def _heed(error: KafkaError, place: str, partition: Partition | None, offset: int) -> None:
    """Nothing at the end of a partition that has been read; everything else ends the run."""
    way_out = "`onedoor republish` of the service that says it writes the topic again from its store"
    if error.code() == KafkaError._PARTITION_EOF:
        if partition is not None and offset < partition.end:
            raise NotRead(f"{place} ends at {offset}, but {partition.end} was heard; {way_out}")
    elif error.code() == KafkaError._AUTO_OFFSET_RESET:
        begin = 0 if partition is None else partition.begin
        raise NotRead(f"{place} begins at {begin} no longer, a part of it was deleted; {way_out}")
    else:
        raise NotRead(f"{place}: {error.str()}")


def shares(ends: Mapping[Place, int]) -> list[dict[Place, int]]:
    """All of it, apart by partition number: partition p of every topic holds the same cases. The largest come first."""
    apart: defaultdict[int, dict[Place, int]] = defaultdict(dict)
    for place, end in ends.items():
        apart[place[1]][place] = end
    return sorted(apart.values(), key=lambda own: sum(own.values()), reverse=True)


@contextmanager
def _room() -> Iterator[None]:
    """Where nothing more can be laid aside, the log cannot be read. Raises NotRead."""
    try:
        yield
    except OSError as full:
        raise NotRead(
            f"records could not be laid aside in {tempfile.gettempdir()}: {full.strerror}; make room there, or name "
            "another folder in TMPDIR"
        ) from full
