"""The records of the periods that people look at, kept in memory and brought up to date with each answer.

The record of a month is counted once; after that only the cases that changed are read. Every
answer is what counting the live rows of its snapshot would give: `changes` names each case whose rows were replaced.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from events.contracts.terms import UnitKind
from events.store.database import Connection, Pool, snapshot
from sla.counting.incremental import Tally
from sla.counting.periods import Period
from sla.counting.record import Record
from sla.reports import record_queries

STANDS = """
select (select id from generations where state = 'live') as generation,
    (select coalesce(max(position), 0) from changes) as position,
    array(select distinct subject from parked where settled is null and subject is not null) as holes,
    array(select distinct subject from changes where position > $1) as changed
"""
LONGEST = timedelta(days=31)  # of a period that is kept: a case of it takes some kilobytes
KEPT = 3  # periods
COUNTING = 2  # periods counted at the same time: anybody may ask, and the live judge keeps its connections
AT_ONCE = 100  # cases read and counted before others get their turn: some tens of milliseconds


class Stands(NamedTuple):
    """The live generation, the last change of it, the cases of which a fact is parked, and those that changed since."""

    generation: int
    position: int
    holes: frozenset[str]
    changed: frozenset[str]


class Kept:
    """One period's tally, and up to where it goes."""

    def __init__(self, period: Period, kinds: Mapping[str, UnitKind]) -> None:
        self.period, self.kinds = period, kinds
        self.lock = asyncio.Lock()  # of several that ask at once, one counts
        self.tally = Tally(period, kinds)
        self.generation: int | None = None
        self.position: int | None = None
        self.holes: frozenset[str] = frozenset()
        self.record: Record | None = None  # as of there

    def is_at(self, stands: Stands) -> bool:
        """Whether nothing has happened since."""
        return (self.generation, self.position, self.holes) == stands[:3]

    async def catch_up(self, connection: Connection) -> None:
        """Put in again what changed up to the caller's snapshot. A case may be put in twice, so it may break off."""
        stands = await stand(connection, self.position)
        if stands.generation == self.generation:
            touched = sorted(stands.changed | (stands.holes ^ self.holes))
        else:  # the first time, or after a swap
            self.tally, self.generation = Tally(self.period, self.kinds), None
            rows = await connection.fetch(record_queries.CASES_OF, self.period.begins, self.period.ends)
            touched = [row["case_id"] for row in rows]
        for start in range(0, len(touched), AT_ONCE):
            cases = touched[start : start + AT_ONCE]
            found = (await record_queries.rows_of(connection, self.period, cases)).by_case()
            for case_id in cases:
                self.tally.put(case_id, found.get(case_id))
        if touched or self.generation is None:
            self.record = self.tally.record()
        self.generation, self.position, self.holes, _ = stands


class Totals:
    """The periods last asked for."""

    def __init__(self, pool: Pool, kinds: Mapping[str, UnitKind]) -> None:
        self.pool, self.kinds = pool, kinds
        self._kept: OrderedDict[Period, Kept] = OrderedDict()
        self._counting = asyncio.Semaphore(COUNTING)

    async def record(self, period: Period) -> Record:
        """The record of a period; of a month, as sums alone."""
        if period.until - period.since <= LONGEST and (found := await self._kept_record(period)):
            return found
        async with self._counting:
            return await record_queries.the_record(self.pool, period, self.kinds)

    async def _kept_record(self, period: Period) -> Record | None:
        kept = self._kept.setdefault(period, Kept(period, self.kinds))
        self._kept.move_to_end(period)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        async with kept.lock:
            async with self.pool.acquire() as connection:
                if kept.is_at(await stand(connection, kept.position)):
                    return kept.record
            async with self._counting, snapshot(self.pool) as connection:
                await kept.catch_up(connection)
            return kept.record


async def stand(connection: Connection, since: int | None) -> Stands:
    """How far the live rows are, and what of them changed since a position; nothing since None."""
    row = await connection.fetchrow(STANDS, since)
    assert row is not None
    return Stands(row["generation"], row["position"], frozenset(row["holes"]), frozenset(row["changed"]))
