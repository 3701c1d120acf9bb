"""The log → judged rows, in worker processes: each takes a share, a partition number, reads it, judges each case
once, and takes the next. From the inbox it takes pieces instead, of some hundreds of cases.

Partition p of every topic holds the same cases, so workers share nothing but whose turn it is. They are forked before
there is a loop or a connection, with the catalogue loaded and the garbage collector off: they keep many small objects
alive. Each connects at once, while whoever made it is still looking at what there is to fold.
"""

import asyncio
import gc
import multiprocessing
import os
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from ctypes import Array, c_longlong
from datetime import UTC, datetime
from multiprocessing.connection import wait
from multiprocessing.sharedctypes import Synchronized
from typing import NamedTuple, TypeVar

import asyncpg
import uvloop
from confluent_kafka import Consumer

from events.kafka.archive import Segment
from events.store.database import TRANSIENT, Connection
from events.store.envelope import RecordedEvent
from sla.judging.judge import Judgement, Rules
from sla.live import inbox_reader, row_store
from sla.live.inbox_reader import Heard
from sla.live.projector import Stuck, judged, why
from sla.rebuild.log_reader import Place, Reader, connected, shares

JUDGED_AT_ONCE = 1_000  # cases
T = TypeVar("T")
POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Work(NamedTuple):
    """What is to be folded: topic-partitions, each up to (not with) an offset, into a generation's tables; `only` of
    these cases, if not of all.

    `dismissed`: the offsets of records that an operator dismissed. They count in nothing, whoever can read them today.
    `duty`: the share of the time that it works, above 0 and at most 1; the rest it leaves to others. `known_on`: what
    was recorded later counts in nothing. `segments`: files that have the first offsets. `heard`: the inbox is read
    instead.
    """

    generation: int
    ends: Mapping[Place, int]
    dismissed: Mapping[Place, Collection[int]]
    duty: float = 1.0
    only: Collection[str] | None = None
    known_on: datetime | None = None
    segments: Mapping[Place, Sequence[Segment]] = {}
    heard: Heard | None = None


class Report(NamedTuple):
    """What one worker did: records per topic-partition, places that could not be read and why (of each partition number
    the first LISTED), cases that were set aside and why."""

    records: dict[Place, int]
    unreadable: dict[str, str]
    stuck: Stuck

    def counted(self, records: Mapping[Place, int]) -> None:
        """So many more were read of each topic-partition."""
        for place, count in records.items():
            self.records[place] = self.records.get(place, 0) + count

    def add(self, other: "Report") -> None:
        """What another worker did."""
        self.counted(other.records)
        self.unreadable.update(other.unreadable)
        self.stuck.update(other.stuck)


class Counts(NamedTuple):
    """Records read, cases judged, and records that could not be read."""

    events: int
    cases: int
    undecodable: int


class Workers:
    """So many processes, forked here and now; give them work, watch `counts`. `kafka` and `database`: addresses."""

    def __init__(self, count: int, rules: Rules, kafka: str, database: str) -> None:
        fork = multiprocessing.get_context("fork")
        self.count = count
        self._progress = fork.RawArray("q", 3 * count)
        self._taken = fork.Value("i")
        gc.disable()
        gc.freeze()
        begin = (rules, self._progress, self._taken, kafka, database)
        self._pool = ProcessPoolExecutor(count, fork, initializer=_begin, initargs=begin)
        self._pool.submit(os.getpid)  # forks them all

    def fold(self, work: Work) -> "list[Future[Report]]":
        """Have all of them at it; what came of each. Raises in its future what a worker raised, BrokenProcessPool if it
        was killed."""
        self._taken.value = 0
        return [self._pool.submit(_fold, place, work) for place in range(self.count)]

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


class Throttle:
    """Rests after each stretch of work, so that no more than a share of the time is worked."""

    def __init__(self, share: float) -> None:
        self._rest = 1 / share - 1  # seconds of rest for a second of work
        self._since = time.monotonic()

    def rest(self) -> None:
        """At the end of a stretch of work."""
        if self._rest:
            time.sleep((time.monotonic() - self._since) * self._rest)
            self._since = time.monotonic()


# -- inside a worker process ------------------------------------------------------------------------------------------

_rules: Rules
_told: "Array[c_longlong]"  # three counts for each worker, read by the parent
_taken: "Synchronized[int]"  # how many partition numbers somebody works at or is done with
_kafka: Consumer
_database: Connection
_database_url: str
_loop: asyncio.Runner


def _begin(rules: Rules, told: "Array[c_longlong]", taken: "Synchronized[int]", kafka: str, database: str) -> None:
    global _rules, _told, _taken, _kafka, _database, _database_url, _loop  # a process of its own, begun once
    _rules, _told, _taken, _database_url = rules, told, taken, database
    parent = multiprocessing.parent_process()
    assert parent is not None
    # A parent that is killed cannot end us.
    threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()
    loop = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    _loop, _kafka, _database = loop, connected(kafka), loop.run(_connect(database))


def _fold(place: int, work: Work) -> Report:
    return _loop.run(_from_log(place, work) if work.heard is None else _from_inbox(place, work, work.heard))


async def _from_log(place: int, work: Work) -> Report:
    """Read, judge, copy. What is read next is fetched by the client's own threads meanwhile."""
    report, telling = Report({}, {}, {}), Telling(place, work.duty)
    turns = _turns(shares(work.ends))
    reader = Reader(_kafka, turns, work.dismissed, work.segments, work.only, work.known_on)
    for found in reader.read(telling.tell):
        report.counted({one.place: one.records for one in found.partitions})
        report.unreadable.update(found.unreadable)
        telling.add(found.records, found.undecodable)
        known = sorted(found.cases)
        for start in range(0, len(known), JUDGED_AT_ONCE):
            own = {case: found.cases.pop(case).values() for case in known[start : start + JUDGED_AT_ONCE]}
            await _judge(own, work.generation, report, telling)
    telling.tell(0)
    return report


async def _from_inbox(place: int, work: Work, heard: Heard) -> Report:
    """The same of what was heard of the log."""
    report, telling = Report({}, {}, {}), Telling(place, work.duty)
    # The other one reads no instants as such.
    connection = await asyncpg.connect(_database_url, server_settings={"jit": "off", "enable_seqscan": "off"})
    try:
        for piece in _turns(heard.pieces):
            cases = await inbox_reader.piece(connection, heard.snapshot, piece, work.known_on or inbox_reader.EVER)
            telling.add(sum(map(len, cases.values())), 0)
            await _judge(cases, work.generation, report, telling)
    finally:
        await connection.close()
    return report


async def _judge(
    cases: Mapping[str, Collection[RecordedEvent]], generation: int, report: Report, telling: "Telling"
) -> None:
    part = judged(cases, _rules, report.stuck)
    telling.judged(len(part))
    await write(_database, generation, part, report.stuck)


def _turns(shares: Sequence[T]) -> Iterator[T]:
    """Those that are this worker's: always the first that nobody has taken."""
    while True:
        with _taken.get_lock():
            turn = _taken.value
            _taken.value += 1
        if turn >= len(shares):
            return
        yield shares[turn]


async def _connect(database: str) -> Connection:
    # A database that dies takes the run with it: no row need be on the disk before the swap, which waits for all.
    connection = await asyncpg.connect(database, server_settings={"synchronous_commit": "off"})
    # Half of a COPY's time would go into turning each instant into UTC, which all of ours are.
    await connection.set_type_codec(
        "timestamptz", schema="pg_catalog", format="tuple", encoder=_in_microseconds, decoder=tuple
    )
    return connection


def _in_microseconds(instant: datetime) -> tuple[int]:
    since = instant - POSTGRES_EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds,)


class Telling:
    """A worker's counts, told to the parent on the way; it rests when it has told them."""

    def __init__(self, place: int, share_of_time: float) -> None:
        self._place, self._duty = place, Throttle(share_of_time)
        self._events = self._cases = self._undecodable = 0

    def tell(self, read: int) -> None:
        """So many records were read of what is at hand, beside those of before."""
        counts = Counts(self._events + read, self._cases, self._undecodable)
        _told[self._place * 3 : self._place * 3 + 3] = [*counts]
        self._duty.rest()

    def add(self, events: int, undecodable: int) -> None:
        """What was at hand has been read."""
        self._events += events
        self._undecodable += undecodable

    def judged(self, cases: int) -> None:
        """So many more."""
        self._cases += cases
        self.tell(0)


async def write(connection: Connection, generation: int, part: Sequence[Judgement], stuck: Stuck) -> None:
    """Copy the rows; when that fails, each case's on its own, so that one does not stop the others."""
    try:
        await row_store.fill(connection, generation, part)
    except TRANSIENT:
        raise
    except Exception:  # some of the tables may have been filled
        await connection.execute(row_store.DELETE, generation, [one.case_id for one in part])
        for one in part:
            try:
                async with connection.transaction():
                    await row_store.replace(connection, generation, [one])
            except TRANSIENT:
                raise
            except Exception as error:
                stuck[one.case_id] = why(error)
