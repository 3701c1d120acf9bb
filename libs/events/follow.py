"""Someone who reads a log and remembers how far: relay, policy, projection and judge are all followers.

One loop: read past the bookmark, up to the horizon; apply; move the bookmark in the same transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import structlog

from events.bell import Bell, Pace
from events.database import TRANSIENT, Connection, Pool
from events.envelope import Recorded
from events.errors import Unreadable, WrongVersion
from events.store import COLUMNS, recorded_from

T = TypeVar("T")
log = structlog.get_logger("events.follow")

# A row at or above the horizon belongs to a transaction that may still be writing: reading past it would lose it.
READ = """
select epoch, tx, position,
       epoch < (select epoch from cluster) or tx < pg_snapshot_xmin(pg_current_snapshot()) as settled, {columns}
from {table}
where (epoch, tx, position) > ($1, $2, $3)
  and ($5 = 1 or (hashtext(subject) & 2147483647) % $5 = $6)
order by epoch, tx, position limit $4
"""
# Not a blocking lock: a second process goes on with its other followers. Ends with the transaction.
TRY_LOCK = "select pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.' || $1, $2))"
OPEN = "insert into bookmarks (name, shard) values ($1, $2) on conflict do nothing"
BOOKMARK = "select epoch, tx, position from bookmarks where name = $1 and shard = $2"
MOVE = """
update bookmarks set epoch = $3, tx = $4, position = $5
where name = $1 and shard = $2 and (epoch, tx, position) = ($6, $7, $8) returning true
"""
PARK = """
insert into parked (follower, subject, place, reason, body) values ($1, $2, $3, $4, $5)
on conflict (follower, place) do update set attempts = parked.attempts + 1, reason = excluded.reason, settled = null
"""
WAIT_LOCK = "select pg_advisory_xact_lock(hashtextextended(current_schema() || '.' || $1, $2))"
REWIND = "update bookmarks set epoch = 0, tx = '0', position = 0 where name = $1"

POLL = 0.25  # seconds between looks when nobody rings: whoever writes wakes the followers of its own process
OVERTAKEN = 0.05  # seconds to the next look when another process was at it
HELD = 0.004  # seconds to the next look when a row waits at the horizon
LOOK_AGAIN = 20  # looks that found nothing before the bookmark is read again: a replay may have moved it back
LONGEST_REASON, LONGEST_SUBJECT = 2000, 200  # characters


class Mark(NamedTuple):
    """A place in a log; everything up to it has been applied."""

    epoch: int
    tx: int
    position: int


START = Mark(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Log(Generic[T]):
    """A table that is read in the order (epoch, tx, position), and how one row of it is understood."""

    table: str
    columns: str
    understand: Callable[[Any], T]


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One row of a log: where it stands, what it is about, what it says, and its bytes for parking."""

    mark: Mark
    subject: str
    place: str
    item: T
    body: bytes


EVENTS: Log[Recorded] = Log("events", COLUMNS, recorded_from)
INBOX: Log[Recorded] = Log("inbox", COLUMNS, recorded_from)


@dataclass(frozen=True, kw_only=True)
class Follower(Generic[T]):
    """`name` is the bookmark: never rename it. `apply` runs inside the transaction that moves the bookmark.

    `touches` names the streams that a row's effect appends to: no two rows of one transaction share one, because a
    stream is loaded once and appended to once. `outside`: the effect leaves the database, so a bookmark that another
    process moved must be noticed before it, not after. `forget` is the SQL that undoes
    all of it before a replay; None: may not be replayed. When `apply` throws, `stuck` says whether the row
    is parked and the others go on, or everything halts until somebody mends it.
    """

    name: str
    log: Log[T]
    apply: Callable[[Connection, Sequence[Entry[T]]], Awaitable[None]]
    stuck: Literal["halt", "park"]
    touches: Callable[[T], Collection[str]] | None = None
    outside: bool = False
    forget: str | None = None
    batch: int = 500
    shards: int = 1


class Overtaken(Exception):
    """Another process moved the bookmark; what was applied here is rolled back."""


@dataclass(slots=True)
class Following(Generic[T]):
    """One follower at work on one shard of its log, in this process."""

    pool: Pool
    follower: Follower[T]
    shard: int = 0
    mark: Mark | None = None
    until: Mark | None = None  # do not read past it
    trouble: str | None = None  # the last error, shown in /followers
    idle: int = 0  # looks in a row that found nothing

    async def step(self) -> tuple[int, bool]:
        """Apply what has settled since the bookmark: (rows applied, whether rows wait at the horizon)."""
        try:
            entries, held = await self._read()
            for chunk in self._chunks(entries):
                await self._apply(chunk)
        except Overtaken:
            self.mark = None
            return 0, False
        return len(entries), held

    async def _read(self) -> tuple[list[Entry[T]], bool]:
        f = self.follower
        async with self.pool.acquire() as connection:
            if self.mark is None:
                row = await connection.fetchrow(BOOKMARK, f.name, self.shard)
                if row is None:
                    await connection.execute(OPEN, f.name, self.shard)
                    row = await connection.fetchrow(BOOKMARK, f.name, self.shard)
                assert row is not None
                self.mark = Mark(*row)
            query = READ.format(table=f.log.table, columns=f.log.columns)
            rows = await connection.fetch(query, *self.mark, f.batch, f.shards, self.shard)
        self.idle = 0 if rows else self.idle + 1
        if self.idle == LOOK_AGAIN:
            self.mark, self.idle = None, 0
        entries: list[Entry[T]] = []
        for row in rows:
            mark = Mark(row["epoch"], row["tx"], row["position"])
            if self.until is not None and mark > self.until:
                return entries, False
            if not row["settled"]:
                return entries, True
            place = f"{row['stream']}@{row['version']}" if "stream" in row else str(mark.position)
            try:
                item: Any = f.log.understand(row)
            except Unreadable as error:
                item = error
            entries.append(Entry(mark, row["subject"], place, item, row["data"]))
        return entries, False

    def _chunks(self, entries: list[Entry[T]]) -> Iterator[list[Entry[T]]]:
        """What goes into one transaction: up to the next row that touches a stream again. Unreadable rows alone."""
        chunk: list[Entry[T]] = []
        touched: set[str] = set()
        for entry in entries:
            streams = self._touches(entry)
            if chunk and (streams is None or not touched.isdisjoint(streams)):
                yield chunk
                chunk, touched = [], set()
            chunk.append(entry)
            if streams is None:
                yield chunk
                chunk = []
            else:
                touched.update(streams)
        if chunk:
            yield chunk

    def _touches(self, entry: Entry[T]) -> Collection[str] | None:
        """The streams of a row's effect; None for one that goes alone: it is unreadable, or asking already throws."""
        if isinstance(entry.item, Unreadable):
            return None
        if self.follower.touches is None:
            return ()
        try:
            return self.follower.touches(entry.item)
        except Exception:
            return None

    async def _apply(self, chunk: list[Entry[T]]) -> None:
        """One transaction; when it fails, each row again on its own, never with savepoints (they keep the number)."""
        try:
            if isinstance(chunk[0].item, Unreadable):
                raise chunk[0].item
            await self._commit(chunk)
        except (Overtaken, *TRANSIENT):
            raise
        except Exception as error:
            if len(chunk) == 1:
                await self._give_up(chunk[0], error)
            else:
                for entry in chunk:
                    await self._apply([entry])

    async def _commit(self, chunk: Sequence[Entry[Any]], *, parking: Exception | None = None) -> None:
        f, since, until = self.follower, self.mark, chunk[-1].mark
        assert since is not None
        async with self.pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval(TRY_LOCK, f.name, self.shard):
                raise Overtaken
            if f.outside:  # what is sent cannot be taken back
                row = await connection.fetchrow(BOOKMARK, f.name, self.shard)
                if row is None or Mark(*row) != since:
                    raise Overtaken
            if parking is None:
                await f.apply(connection, chunk)
            else:
                stuck = chunk[0]
                await park(connection, f.name, stuck.subject, stuck.place, parking, stuck.body)
            if not await connection.fetchval(MOVE, f.name, self.shard, *until, *since):
                raise Overtaken
        self.mark = until

    async def _give_up(self, entry: Entry[Any], error: Exception) -> None:
        if self.follower.stuck == "halt":
            raise error
        log.error("parked", follower=self.follower.name, place=entry.place, case_id=entry.subject, exc_info=error)
        await self._commit([entry], parking=error)

    async def run(self, bell: Bell, stopping: asyncio.Event) -> None:
        """Step until told to stop; then once more until nothing is left (what can be done is done)."""
        pause, pace = POLL, Pace()
        while True:
            await pace.keep()
            heard = bell.rung
            try:
                applied, held = await self.step()
                self.trouble, pause = None, POLL
            except WrongVersion:  # somebody's command was first: decide again on what it said
                self.mark, applied, held = None, 0, True
            except TRANSIENT as error:
                self.trouble, applied, held = f"waiting: {type(error).__name__}: {error}", 0, False
                self.mark, pause = None, min(pause * 2, 1.0)
                log.warning("waiting", follower=self.follower.name, error=repr(error))
            except Exception as error:
                self.trouble, applied, held = f"halted: {type(error).__name__}: {error}", 0, False
                self.mark, pause = None, min(pause * 2, 5.0)
                log.error("halted", follower=self.follower.name, exc_info=error)
            if applied:
                bell.ring()
            elif stopping.is_set() and (not held or self.trouble):
                return
            else:
                overtaken = self.mark is None and self.trouble is None
                await bell.wait(heard, HELD if held else OVERTAKEN if overtaken else pause)


async def park(
    connection: Connection, follower: str, subject: str, place: str, reason: Exception | str, body: bytes
) -> None:
    """Set something aside with its reason and its bytes. Any text can be stored: what is no text is replaced."""
    if isinstance(reason, Exception):
        reason = f"{type(reason).__name__}: {reason}"
    await connection.execute(
        PARK, follower, storable(subject)[:LONGEST_SUBJECT], place, storable(reason)[:LONGEST_REASON], body
    )


def storable(text: str) -> str:
    """The text as Postgres can hold it: without zero characters and halves of characters."""
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")


async def replay(pool: Pool, follower: Follower[Any]) -> None:
    """Forget everything the follower made and read its log again from the start."""
    if follower.forget is None:
        raise ValueError(f"{follower.name} does not say how to forget, so it cannot be replayed")
    async with pool.acquire() as connection, connection.transaction():
        for shard in range(follower.shards):
            await connection.execute(WAIT_LOCK, follower.name, shard)
        await connection.execute(follower.forget)
        await connection.execute(REWIND, follower.name)
