"""Kafka → judged rows, in worker processes: each takes whole partition numbers, reads them once, judges each case once.

Partition p of every topic holds the same cases, so workers share nothing. They are forked before there is a loop or a
connection, with the catalogue loaded and the garbage collector off: they keep many small objects alive.
"""

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
from typing import NamedTuple

import asyncpg
import uvloop

from events.database import TRANSIENT, Connection
from sla import tables
from sla.judge import Judgement, Rules
from sla.projector import Stuck, judged, why
from sla.reading import Place, Reader, numbered

JUDGED_AT_ONCE = 1_000  # cases
POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


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
    for own in sorted(numbered(ends), key=lambda own: sum(own.values()), reverse=True):
        min(shares, key=lambda share: sum(share.values())).update(own)
    return shares


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
    """Read, judge, copy. What is read next is fetched by the client's own threads meanwhile."""
    report = Report({}, {}, {})
    reader = Reader(share.kafka, share.ends, share.dismissed)
    connection = await _connect(share.database)
    try:
        for part in _parts(place, share, reader, report):
            await write(connection, share.generation, part, report.stuck)
    finally:
        reader.close()
        await connection.close()
    return report


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


def _parts(place: int, share: Share, reader: Reader, report: Report) -> Iterator[list[Judgement]]:
    """What is judged, some cases at a time; the counts are told on the way."""
    events = cases = undecodable = 0
    duty = Duty(share.duty)

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
