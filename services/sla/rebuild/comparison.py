"""Two generations compared at one cut. The live judge is held up only for the cases that moved since the last look.

All rows are hashed in a snapshot, while the judge goes on. Then, round by round, the cases that either side wrote since
are hashed again; the last round holds the judge's lock. `changes` names what the live side wrote, whatever made it do
so; the building side writes what it reads of the inbox, and only here.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from events.store.database import Connection, Pool, snapshot
from events.store.envelope import RecordedEvent
from events.subscriptions.follower import WAIT_LOCK, Following, LogPosition, bookmark_of
from sla.live.projector import NAME as JUDGE
from sla.rebuild.certificate import Rows

LIVE = "select id from generations where state = 'live'"
# The live judge is past everything that had a number when the rebuild took its offsets.
PAST = """
select pg_snapshot_xmin(pg_current_snapshot()) >= $4 and not exists (
    select from inbox where (epoch, tx, position) > ($1, $2, $3)
    and (tx < $4 or epoch < (select epoch from cluster)))
"""
DIFFERENCES = """
select coalesce(a.case_id, b.case_id) from case_hashes($1) a full join case_hashes($2) b on a.case_id = b.case_id
where a.hash is distinct from b.hash or a.rows is distinct from b.rows
"""
SUMS = "select coalesce(sum(hash), 0)::text as hash, coalesce(sum(rows), 0)::bigint as rows from case_hashes($1)"
HASHES = "select case_id, hash, rows from case_hashes($1) where case_id = any($2)"
CHANGES = "select coalesce(max(position), 0) from changes"
WRITTEN = "select distinct subject from changes where position > $1 and position <= $2"
HEARD = """
select distinct subject from inbox
where (epoch, tx, position) > ($1, $2, $3) and (epoch, tx, position) <= ($4, $5, $6)
"""
FEW = 100  # cases that may be left for the round that holds the judge up
ROUNDS = 20  # at most, before that: a judge that is always at work would never leave so few
WHOLE = 3600.0  # seconds that hashing everything may take; it only reads, so nobody waits for it
UNHURRIED = "set local statement_timeout = 0"

Hashes = dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two generations at one cut: the cases whose rows differ, and the fingerprint of the new one."""

    replaced: int
    rows: int
    hash: str
    differing: tuple[str, ...]


class Comparing:
    """A comparison on its way: what differs and what the new rows add up to, as of the last look."""

    def __init__(
        self, pool: Pool, following: Following[RecordedEvent], generation: int, only: frozenset[str] | None = None
    ) -> None:
        """`only`: nothing but these cases is compared."""
        self.pool, self.following, self.generation, self.only = pool, following, generation, only
        self.live = self.position = self.hash = self.rows = 0
        self.differing: set[str] = set()
        self.touched: set[str] = set()  # the cases of the last round

    async def begin(self, ceiling: int) -> bool:
        """Hash everything. False while the live judge is not past `ceiling`: let it go on and come again."""
        await self._catch_up(await bookmark_of(self.pool, JUDGE))
        if not await self.pool.fetchval(PAST, *await bookmark_of(self.pool, JUDGE), ceiling):
            return False
        async with snapshot(self.pool) as connection:
            await connection.execute(UNHURRIED)
            self.live = await connection.fetchval(LIVE)
            self.position = await connection.fetchval(CHANGES)
            if self.only is None:
                rows = await connection.fetch(DIFFERENCES, self.live, self.generation, timeout=WHOLE)
                self.differing = {row[0] for row in rows}
                sums = await connection.fetchrow(SUMS, self.generation, timeout=WHOLE)
                assert sums is not None
                self.hash, self.rows = int(sums["hash"]), sums["rows"]
            else:
                live = await self._hashes(connection, self.live, self.only)
                new = await self._hashes(connection, self.generation, self.only)
                self.differing = {case for case in self.only if live.get(case) != new.get(case)}
                self.hash, self.rows = sum(hash for hash, _ in new.values()), sum(rows for _, rows in new.values())
        for _ in range(ROUNDS):
            if await self._round() <= FEW:
                break
        return True

    async def finish(self, connection: Connection, stuck: Collection[str] = ()) -> Comparison:
        """The last round, in the caller's transaction, which holds the judge's lock from here on.

        Cases that are `stuck` have no rows to compare.
        """
        await connection.execute(WAIT_LOCK, JUDGE, 0)
        await self._round()
        return Comparison(
            replaced=self.live, rows=self.rows, hash=_spelt(self.hash),
            differing=tuple(sorted(self.differing.difference(stuck))),
        )  # fmt: skip

    async def _round(self) -> int:
        """Look again at the cases that either side wrote since the last look; how many these were."""
        until = await bookmark_of(self.pool, JUDGE)
        since = await bookmark_of(self.pool, self.following.follower.name)
        heard = self._compared({row[0] for row in await self.pool.fetch(HEARD, *since, *until)})
        for hash, rows in (await self._hashes(self.pool, self.generation, heard)).values():
            self.hash, self.rows = self.hash - hash, self.rows - rows
        await self._catch_up(until)
        async with snapshot(self.pool) as connection:
            position: int = await connection.fetchval(CHANGES)
            written = self._compared({row[0] for row in await connection.fetch(WRITTEN, self.position, position)})
            touched = heard | written
            live = await self._hashes(connection, self.live, touched)
            new = await self._hashes(connection, self.generation, touched)
        self.differing -= touched
        self.differing |= {case for case in touched if live.get(case) != new.get(case)}
        for case in heard & new.keys():
            self.hash, self.rows = self.hash + new[case][0], self.rows + new[case][1]
        self.position, self.touched = position, touched
        return len(touched)

    def _compared(self, cases: set[str]) -> set[str]:
        return cases if self.only is None else cases & self.only

    async def _catch_up(self, until: LogPosition) -> None:
        """Follow the inbox up to where the live judge stood; never past it."""
        self.following.until = until
        while (await self.following.step())[0]:
            pass

    @staticmethod
    async def _hashes(connection: Connection | Pool, generation: int, cases: Iterable[str]) -> Hashes:
        rows = await connection.fetch(HASHES, generation, list(cases))
        return {row["case_id"]: (row["hash"], row["rows"]) for row in rows}


async def fingerprint(pool: Pool, generation: int) -> Rows:
    """All rows of a generation as they stand."""
    async with pool.acquire() as connection, connection.transaction(readonly=True):
        await connection.execute(UNHURRIED)
        sums = await connection.fetchrow(SUMS, generation, timeout=WHOLE)
        assert sums is not None
        return Rows(rows=sums["rows"], hash=_spelt(int(sums["hash"])))


def _spelt(hash: int) -> str:
    # In hexadecimal, because a sum of signed numbers may begin with a minus, which no reference in a fact does.
    return f"{hash % (2**63 - 1):016x}"
