"""Kafka → judged rows, in worker processes: each takes whole partition numbers, reads them once, judges each case once.

Partition p of every topic holds the same cases, so workers share nothing. They are forked before there is a loop or a
connection, with the catalogue loaded and the garbage collector off: they keep many small objects alive.
"""

import gc
import multiprocessing
import os
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from ctypes import Array, c_longlong
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import NamedTuple

import asyncpg
import uvloop
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from events.database import TRANSIENT, Connection
from events.envelope import Recorded
from events.errors import Unreadable
from events.follow import LONGEST_REASON
from events.sanitize import storable
from events.topics import PARTITIONS
from events.wire import from_cloudevent
from sla import tables
from sla.case import JUDGED
from sla.judge import Judgement, Rules
from sla.projector import Stuck, judged, why

BATCH = 1_000  # records asked of the client at once, some milliseconds of work
AT_ONCE = 1_000_000  # records held in memory: as many partition numbers as fit are folded together
STEP = 2_000  # records between two words about the progress
JUDGED_AT_ONCE = 1_000  # cases
LISTED = 1_000  # unreadable records that a worker names; all are counted
TYPE = re.compile(rb'"type":"onedoor\.([A-Za-z]+)\.v')
WANTED = frozenset(name.encode() for name in JUDGED)

Place = tuple[str, int]
"""Topic and partition."""


class Share(NamedTuple):
    """What one worker folds: its topic-partitions, each up to (not with) an offset, into a generation's tables.

    `dismissed`: the offsets of records that an operator dismissed. They count in nothing, whoever can read them today.
    `duty`: the share of the time that it works, above 0 and at most 1; the rest it leaves to others.
    """

    kafka: str
    database: str
    generation: int
    ends: Mapping[Place, int]
    dismissed: Mapping[Place, Collection[int]]
    duty: float = 1.0


class Report(NamedTuple):
    """What one worker did: records per topic-partition, places that could not be read and why (the first LISTED),
    cases that were set aside and why."""

    records: dict[Place, int]
    unreadable: dict[str, str]
    stuck: Stuck

    def add(self, other: "Report") -> None:
        """What another worker did."""
        self.records.update(other.records)
        self.unreadable.update(other.unreadable)
        self.stuck.update(other.stuck)


class Counts(NamedTuple):
    """Records read, cases judged, and records that could not be read."""

    events: int
    cases: int
    undecodable: int


@dataclass(slots=True)
class Folded:
    """What came of one reading: the facts per case, each id once. What else there is to tell goes into the report."""

    report: Report
    dismissed: Mapping[Place, Collection[int]]
    cases: dict[str, dict[str, Recorded]] = field(default_factory=dict)
    events: int = 0
    undecodable: int = 0

    def add(self, place: Place, offset: int, value: bytes) -> None:
        """Keep one record's fact. Of two bodies of one id the first in the partition stands, as in the inbox."""
        self.events += 1
        self.report.records[place] = self.report.records.get(place, 0) + 1
        if offset in self.dismissed.get(place, ()):
            return
        kind = TYPE.search(value)  # messages are a third of the log: not worth decoding
        if kind is not None and kind[1] not in WANTED:
            return
        try:
            fact = from_cloudevent(value)
        except Unreadable as error:
            self.undecodable += 1
            if len(self.report.unreadable) < LISTED:
                self.report.unreadable[f"{place[0]}/{place[1]}/{offset}"] = storable(str(error))[:LONGEST_REASON]
            return
        if fact.fact is not None:
            self.cases.setdefault(fact.subject, {}).setdefault(fact.id, fact)


class Workers:
    """So many processes, forked here and now; give them shares, watch `counts`."""

    def __init__(self, count: int, rules: Rules) -> None:
        fork = multiprocessing.get_context("fork")
        self.count = count
        self._progress = fork.RawArray("q", 3 * count)
        gc.disable()
        gc.freeze()
        self._pool = ProcessPoolExecutor(count, fork, initializer=_begin, initargs=(rules, self._progress))
        self._pool.submit(os.getpid).result()

    def fold(self, shares: Sequence[Share]) -> "list[Future[Report]]":
        """One share for each worker, with what came of it. Raises in its future what a worker raised,
        BrokenProcessPool if it was killed."""
        return [self._pool.submit(_fold, place, share) for place, share in enumerate(shares)]

    @property
    def counts(self) -> Counts:
        """All workers' counts so far."""
        told = list(self._progress)
        return Counts(sum(told[0::3]), sum(told[1::3]), sum(told[2::3]))

    def end(self) -> None:
        """Have them end at once, whatever they are at."""
        for worker in multiprocessing.active_children():
            worker.terminate()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def shares_of(ends: Mapping[Place, int], workers: int) -> list[dict[Place, int]]:
    """Whole partition numbers dealt out, the largest first, always to who has the least."""
    shares: list[dict[Place, int]] = [{} for _ in range(workers)]
    by_number = {
        number: {place: end for place, end in ends.items() if place[1] == number} for number in range(PARTITIONS)
    }
    for own in sorted(by_number.values(), key=lambda own: sum(own.values()), reverse=True):
        min(shares, key=lambda share: sum(share.values())).update(own)
    return shares


def passes(ends: Mapping[Place, int]) -> Iterator[dict[Place, int]]:
    """Topic-partitions in groups of whole partition numbers, as large as may be held in memory."""
    group: dict[Place, int] = {}
    for number in sorted({partition for _, partition in ends}):
        own = {place: end for place, end in ends.items() if place[1] == number}
        if group and sum(group.values()) + sum(own.values()) > AT_ONCE:
            yield group
            group = {}
        group |= own
    if group:
        yield group


class Duty:
    """Rests after each stretch of work, so that no more than a share of the time is worked."""

    def __init__(self, share: float) -> None:
        self._rest = 1 / share - 1  # seconds of rest for a second of work
        self._since = time.monotonic()

    def rest(self) -> None:
        """At the end of a stretch of work."""
        if self._rest:
            time.sleep((time.monotonic() - self._since) * self._rest)
            self._since = time.monotonic()


def read(
    consumer: Consumer, ends: Mapping[Place, int], folded: Folded, tell: Callable[[int], object], duty: Duty
) -> None:
    """Read these partitions from offset 0 to the cut's. Raises KafkaException when a topic lost a part of that."""
    left = {place: end for place, end in ends.items() if end}
    consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in left])
    told = 0
    while left:
        for message in consumer.consume(BATCH, 0.02):
            place, offset = (str(message.topic()), int(message.partition() or 0)), int(message.offset() or 0)
            end = left.get(place)
            error = message.error()
            if error is None:
                if end is None or offset >= end:
                    continue
                folded.add(place, offset, message.value() or b"")
            elif error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            elif end is not None and offset < end:
                raise KafkaException(f"{place[0]}/{place[1]} ends at {offset}, but {end} was heard")
            if end is not None and offset + 1 >= end:
                del left[place]
        if folded.events - told >= STEP:
            told = folded.events
            tell(told)
        duty.rest()
    consumer.unassign()


# -- inside a worker process ------------------------------------------------------------------------------------------

_rules: Rules
_told: "Array[c_longlong]"  # three counts for each worker, read by the parent


def _begin(rules: Rules, told: "Array[c_longlong]") -> None:
    global _rules, _told  # a process of its own, begun once
    _rules, _told = rules, told
    parent = multiprocessing.parent_process()
    assert parent is not None
    # A parent that is killed cannot end us.
    threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()


def _fold(place: int, share: Share) -> Report:
    return uvloop.run(_worker(place, share))


async def _worker(place: int, share: Share) -> Report:
    """Read, judge, copy; the counts are told on the way."""
    events = cases = undecodable = 0
    report, duty = Report({}, {}, {}), Duty(share.duty)

    def tell(more: int = 0) -> None:
        _told[place * 3 : place * 3 + 3] = [*Counts(events + more, cases, undecodable)]

    consumer = Consumer(
        {
            "bootstrap.servers": share.kafka,
            "group.id": "onedoor-rebuild",  # named, never joined
            "enable.auto.commit": False,
            "auto.offset.reset": "error",  # a beginning that retention cut off is no beginning
            "enable.partition.eof": True,
            "fetch.queue.backoff.ms": 10,  # the default pauses a fast reader for a second
            "fetch.wait.max.ms": 10,
        }
    )
    connection = await asyncpg.connect(share.database)
    try:
        for group in passes(share.ends):
            folded = Folded(report, share.dismissed)
            read(consumer, group, folded, tell, duty)
            events += folded.events
            undecodable += folded.undecodable
            known = sorted(folded.cases)
            for start in range(0, len(known), JUDGED_AT_ONCE):
                own = {case: folded.cases.pop(case).values() for case in known[start : start + JUDGED_AT_ONCE]}
                part = judged(own, _rules, report.stuck)
                await write(connection, share.generation, part, report.stuck)
                cases += len(part)
                tell()
                duty.rest()
    finally:
        consumer.close()
        await connection.close()
    tell()
    return report


async def write(connection: Connection, generation: int, part: Sequence[Judgement], stuck: Stuck) -> None:
    """Copy the rows; when that fails, each case's on its own, so that one does not stop the others."""
    try:
        await tables.fill(connection, generation, part)
    except TRANSIENT:
        raise
    except Exception:  # some of the tables may have been filled
        await connection.execute(tables.DELETE, generation, [one.case_id for one in part])
        for one in part:
            try:
                async with connection.transaction():
                    await tables.replace(connection, generation, [one])
            except TRANSIENT:
                raise
            except Exception as error:
                stuck[one.case_id] = why(error)
