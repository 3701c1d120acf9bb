"""Kafka → judged rows, in worker processes: each takes a partition number, reads it once, judges each case once, and
takes the next.

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
from typing import NamedTuple

import asyncpg
import uvloop
from confluent_kafka import Consumer

from events.database import TRANSIENT, Connection
from sla import tables
from sla.judge import Judgement, Rules
from sla.projector import Stuck, judged, why
from sla.reading import Place, Reader, connected, numbered

JUDGED_AT_ONCE = 1_000  # cases
POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Work(NamedTuple):
    """What is to be folded: topic-partitions, each up to (not with) an offset, into a generation's tables; `only` of
    these cases, if not of all.

    `dismissed`: the offsets of records that an operator dismissed. They count in nothing, whoever can read them today.
    `duty`: the share of the time that it works, above 0 and at most 1; the rest it leaves to others.
    """

    generation: int
    ends: Mapping[Place, int]
    dismissed: Mapping[Place, Collection[int]]
    duty: float = 1.0
    only: Collection[str] | None = None


class Report(NamedTuple):
    """What one worker did: records per topic-partition, places that could not be read and why (of each partition number
    the first LISTED), cases that were set aside and why."""

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


# -- inside a worker process ------------------------------------------------------------------------------------------

_rules: Rules
_told: "Array[c_longlong]"  # three counts for each worker, read by the parent
_taken: "Synchronized[int]"  # how many partition numbers somebody works at or is done with
_kafka: Consumer
_database: Connection
_loop: asyncio.Runner


def _begin(rules: Rules, told: "Array[c_longlong]", taken: "Synchronized[int]", kafka: str, database: str) -> None:
    global _rules, _told, _taken, _kafka, _database, _loop  # a process of its own, begun once
    _rules, _told, _taken = rules, told, taken
    parent = multiprocessing.parent_process()
    assert parent is not None
    # A parent that is killed cannot end us.
    threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()
    loop = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    _loop, _kafka, _database = loop, connected(kafka), loop.run(_connect(database))


def _fold(place: int, work: Work) -> Report:
    return _loop.run(_worker(place, work))


async def _worker(place: int, work: Work) -> Report:
    """Read, judge, copy. What is read next is fetched by the client's own threads meanwhile."""
    report = Report({}, {}, {})
    reader = Reader(_kafka, _turns(numbered(work.ends)), work.dismissed, work.only)
    for part in _parts(place, work.duty, reader, report):
        await write(_database, work.generation, part, report.stuck)
    return report


def _turns(numbers: Sequence[Mapping[Place, int]]) -> Iterator[Mapping[Place, int]]:
    """The partition numbers that are this worker's: always the largest that nobody has taken."""
    largest_first = sorted(numbers, key=lambda own: sum(own.values()), reverse=True)
    while True:
        with _taken.get_lock():
            turn = _taken.value
            _taken.value += 1
        if turn >= len(largest_first):
            return
        yield largest_first[turn]


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


def _parts(place: int, share_of_time: float, reader: Reader, report: Report) -> Iterator[list[Judgement]]:
    """What is judged, some cases at a time; the counts are told on the way."""
    events = cases = undecodable = 0
    duty = Duty(share_of_time)

    def tell(read: int) -> None:
        _told[place * 3 : place * 3 + 3] = [*Counts(events + read, cases, undecodable)]
        duty.rest()

    for found in reader.read(tell):
        report.records.update((one.place, one.records) for one in found.partitions)
        report.unreadable.update(found.unreadable)
        events += found.records
        undecodable += found.undecodable
        known = sorted(found.cases)
        for start in range(0, len(known), JUDGED_AT_ONCE):
            own = {case: found.cases.pop(case).values() for case in known[start : start + JUDGED_AT_ONCE]}
            part = judged(own, _rules, report.stuck)
            cases += len(part)
            tell(0)
            yield part
    tell(0)


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
