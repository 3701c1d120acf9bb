"""`python -m sla.rule_changes.whatif RUN`: judge every case of the inbox under supposed rules, and report.

A process of its own with one worker per core, each on a piece of the inbox: it writes nothing but the run's row.
"""

import argparse
import asyncio
import gc
import multiprocessing
import os
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from multiprocessing.connection import wait as wait_for

import asyncpg
import msgspec
import structlog
import uvloop

from deadlines.inforce import InForce
from deadlines.load import load
from events.service import logs
from events.settings import Settings
from events.store import database
from events.store.database import Connection
from sla.judging.case_rules import Rules, with_published
from sla.judging.judge import judge
from sla.judging.rows import CycleRow
from sla.live import inbox_reader, queries
from sla.live.inbox_reader import Piece
from sla.live.projector import caught_up
from sla.rule_changes import whatif_runs
from sla.rule_changes.impact import Change, Reach, Standing, differences

STANDING = f"""
select {", ".join(Standing._fields)} from cycles
where generation = (select id from generations where state = 'live')
    and case_id > $1 and ($2::text is null or case_id <= $2) order by case_id, cycle
"""
CHANGES = msgspec.msgpack.Decoder(list[Change])  # a fifth of what pickling them costs both sides
log = structlog.get_logger("sla.whatif")


@dataclass(frozen=True, slots=True)
class Both:
    """The rules in force and the supposed ones, and the instant at which "overdue now" is asked."""

    before: Rules
    after: Rules
    reach: Reach
    now: datetime


class Worker:
    """One process of the pool: a connection of its own, and the rules that it was forked with."""

    both: Both
    loop: AbstractEventLoop
    connection: Connection

    @classmethod
    def start(cls, url: str, both: Both) -> None:
        cls.both, cls.loop = both, uvloop.new_event_loop()
        cls.connection = cls.loop.run_until_complete(
            asyncpg.connect(url, server_settings={"jit": "off", "enable_seqscan": "off"})
        )
        gc.disable()  # a piece's facts die with the piece
        threading.Thread(target=_end_with_the_parent, daemon=True).start()

    @classmethod
    def judge(cls, piece: Piece) -> tuple[int, bytes]:
        """The cases of a piece under both rules: how many, and what differs, as `CHANGES` reads it."""
        count, cases, standing = cls.loop.run_until_complete(cls.read(piece.after, piece.until))
        changes: list[Change] = []
        for case_id, facts in cases.items():
            after = judge(facts, cls.both.after).cycles
            before: Sequence[Standing | CycleRow] = standing.get(case_id, ())
            if len(before) != len(after):  # not known how they stand, or not as they should: judged here
                before = judge(facts, cls.both.before).cycles
            changes += differences(before, after, cls.both.now)
        return count, msgspec.msgpack.encode(changes)

    @classmethod
    async def read(cls, after: str, until: str | None) -> tuple[int, inbox_reader.Cases, dict[str, list[Standing]]]:
        """A piece in one snapshot: how many cases, the facts of those that may change, and how they stand.

        While the live judge is behind nothing is known of how they stand, and all are read.
        """
        async with cls.connection.transaction(isolation="repeatable_read", readonly=True):
            standing: dict[str, list[Standing]] = {}
            known = await caught_up(cls.connection)
            if known:
                rows = [Standing(*row) for row in await cls.connection.fetch(STANDING, after, until)]
                standing = {case: list(own) for case, own in groupby(rows, lambda row: row.case_id)}
                reached = [case for case, own in standing.items() if cls.both.reach.may_change(own)]
                if len(reached) < len(standing):
                    return len(standing), await inbox_reader.those(cls.connection, reached), standing
            # The whole piece: one range of an index, which costs the database a third of looking up each case.
            if until is None:
                cases = await inbox_reader.rest(cls.connection, inbox_reader.EVER, after=after)
            else:
                cases = await inbox_reader.between(cls.connection, inbox_reader.EVER, after=after, until=until)
            return len(standing) if known else len(cases), cases, standing


def _end_with_the_parent() -> None:
    """A worker whose parent was killed would wait for its next piece for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for([parent.sentinel])
    os._exit(1)


async def both_of(settings: Settings, run: int) -> Both:
    """What a run compares. Raises CatalogueError when the supposed rules contradict those in force."""
    pool = await database.connect(settings.database_url, size=2)
    try:
        in_force = InForce(load(settings.onedoor_catalogue), "events")
        await in_force.refresh(pool)
        applied = await queries.applied(pool)
        async with pool.acquire() as connection:
            supposed, now = await whatif_runs.asked(connection, run)
    finally:
        await pool.close()
    before = with_published(in_force.catalogue, in_force.facts, applied)
    after = supposed.rules(before)
    before.catalogue.build()
    after.catalogue.build()
    return Both(before, after, Reach.of(before, after), now)


class Run:
    """The parent: cuts the inbox, hands out the pieces, tells how far it is, and keeps the result."""

    def __init__(self, settings: Settings, run: int, workers: ProcessPoolExecutor) -> None:
        self.settings, self.run, self.workers = settings, run, workers
        self.cases, self.changes = 0, list[Change]()

    async def work(self, connection: Connection) -> None:
        started = time.monotonic()
        pieces = await inbox_reader.pieces(connection)
        done = 0
        for finished in self._finished(pieces):
            for future in finished:
                count, changes = future.result()
                self.cases += count
                self.changes += CHANGES.decode(changes)
                done += 1
            seconds = time.monotonic() - started
            await whatif_runs.progress(connection, self.run, self.cases * len(pieces) // done, self.cases, seconds)
        seconds = time.monotonic() - started
        self.changes.sort(key=lambda change: (change.case_id, change.cycle))
        await whatif_runs.finish(connection, self.run, self.cases, seconds, self.changes)
        log.info("judged", run=self.run, cases=self.cases, changes=len(self.changes), seconds=round(seconds, 2))

    def _finished(self, pieces: Sequence[Piece]) -> Iterator[set["Future[tuple[int, bytes]]"]]:
        waiting = {self.workers.submit(Worker.judge, piece) for piece in pieces}
        while waiting:
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield finished


async def supervised(settings: Settings, run: int, workers: ProcessPoolExecutor) -> int:
    """Work under the lock that says that this run lives; whatever goes wrong is in the run's row."""
    connection = await asyncpg.connect(settings.database_url)
    try:
        if not await connection.fetchval(whatif_runs.LOCK):
            return 1
        try:
            await Run(settings, run, workers).work(connection)
        except Exception as error:
            log.error("what-if failed", run=run, exc_info=error)
            await whatif_runs.fail(connection, run, f"{type(error).__name__}: {error}")
            return 1
    finally:
        await connection.close()
    return 0


async def _failed(settings: Settings, run: int, error: Exception) -> None:
    connection = await asyncpg.connect(settings.database_url)
    await whatif_runs.fail(connection, run, f"{type(error).__name__}: {error}")
    await connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sla.rule_changes.whatif", description=__doc__)
    parser.add_argument("run", type=int, help="an opened run: POST /what-if opens one")
    run: int = parser.parse_args().run
    settings = Settings()
    logs.configure("sla")
    try:
        both = asyncio.run(both_of(settings, run))
    except Exception as error:
        log.error("what-if failed", run=run, exc_info=error)
        asyncio.run(_failed(settings, run, error))
        return 1
    # Forked before this process has a loop or a connection: the workers inherit the calendars as they were built. The
    # pool forks all of them with the first thing that it is given.
    with ProcessPoolExecutor(
        os.cpu_count() or 1, multiprocessing.get_context("fork"), Worker.start, (settings.database_url, both)
    ) as workers:
        workers.submit(os.getpid).result()
        return uvloop.run(supervised(settings, run, workers))


if __name__ == "__main__":
    raise SystemExit(main())
