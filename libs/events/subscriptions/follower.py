"""Someone who reads a log and remembers how far: relay, policy, projection and judge are all followers.

One loop: read past the bookmark, up to the horizon; apply; move the bookmark in the same transaction.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import structlog

from events.errors import Unreadable, WrongVersion
from events.store.database import TRANSIENT, Connection, Pool
from events.store.store import Append, append
from events.subscriptions.log_reader import EVENTS, INBOX, START, Entry, Log, LogPosition, Tail
from events.subscriptions.wakeup import Pace, Wakeup, rest
from events.text_safety import storable

__all__ = [
    "EVENTS",
    "INBOX",
    "START",
    "Entry",
    "Follower",
    "Following",
    "Log",
    "LogPosition",
    "bookmark_of",
    "park",
    "replay",
    "rewind",
]

T = TypeVar("T")
log = structlog.get_logger("events.follow")

# Neither blocks: a second process goes on with its other followers. The lock ends with the transaction.
TAKE_TURN = "select epoch, tx, position, paused from take_turn($1, $2, $3)"
TRY_LOCK = "select pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.' || $1, $2))"
OPEN = "insert into bookmarks (name, shard) values ($1, $2) on conflict do nothing"
BOOKMARK = "select epoch, tx, position, paused_at is not null as paused from bookmarks where name = $1 and shard = $2"
# A paused bookmark does not move: who had read on before the pause is rolled back, and finds out when it looks again.
# So a pause costs those who work nothing. move(), which goes with an append, does the same.
MOVE = """
update bookmarks set epoch = $3, tx = $4, position = $5
where name = $1 and shard = $2 and (epoch, tx, position) = ($6, $7, $8) and paused_at is null returning true
"""
# Over rows without an effect; lost in a crash, they are passed by once more, so nothing waits for the disk.
SAVE = MOVE + ", set_config('synchronous_commit', 'off', true)"
PARK = """
insert into parked (follower, subject, place, reason, body) values ($1, $2, $3, $4, $5)
on conflict (follower, place) do update set attempts = parked.attempts + 1, reason = excluded.reason,
    (settled, settled_by, settled_at, settled_why) = (
        select parked.settled, parked.settled_by, parked.settled_at, parked.settled_why
        where parked.settled = 'dismissed'  -- a replay comes by again; what an operator decided stands
    )
"""
WAIT_LOCK = "select pg_advisory_xact_lock(hashtextextended(current_schema() || '.' || $1, $2))"
REWIND = "update bookmarks set epoch = 0, tx = '0', position = 0 where name = $1"
# Before the first row that was recorded at an instant or later: what lies behind it was heard later, whenever said.
REWIND_TO = """
update bookmarks set (epoch, tx, position) = (first.epoch, first.tx, first.position - 1)
from (select epoch, tx, position from {table} where recorded_at >= $2 order by epoch, tx, position limit 1) as first
where name = $1 and (bookmarks.epoch, bookmarks.tx, bookmarks.position) >= (first.epoch, first.tx, first.position)
returning true
"""

POLL = 0.25  # seconds between looks when nobody rings: whoever writes wakes the followers of its own process
OVERTAKEN = 0.05  # seconds to the next look when another process was at it
HELD = 0.004  # seconds to the next look when a row waits at the horizon
UNSAVED = 0.05  # seconds for which a bookmark may stay behind, over rows without an effect
LOOK_AGAIN = 20  # looks that found nothing before the bookmark is read again: a replay may have moved it back
LONGEST_REASON, LONGEST_SUBJECT = 2000, 200  # characters


Says: TypeAlias = Callable[[Connection, Sequence[Entry[T]]], Awaitable[Sequence[Append]]]


async def bookmark_of(connection: Connection | Pool, name: str) -> LogPosition:
    """How far a follower that is not sharded has come."""
    row = await connection.fetchrow(BOOKMARK, name, 0)
    return START if row is None else _mark(row)


@dataclass(frozen=True, kw_only=True)
class Follower(Generic[T]):
    """`name` is the bookmark: never rename it. `apply` runs inside the transaction that moves the bookmark; a follower
    whose whole effect is an append `says` it instead, and both are one statement.

    `minds` says which items have an effect at all; over a batch where none has, the bookmark moves a little later.
    `touches` names the streams that a row's effect appends to: no two rows of one transaction share one, because a
    stream is loaded once and appended to once. `outside`: the effect leaves the database and cannot be taken back;
    it is told the bookmark first, under the lock. `forget` is the SQL that undoes all of it before a replay; None: may
    not be replayed. When `apply` throws, `stuck` says whether the row is parked and the others go on, or everything
    halts until somebody mends it. `writes` are the logs that `apply` writes to, whose readers are woken after it.
    `by_set`: its effect is a function of all facts of a case, so it cannot go on without one that it parked: that one
    is mended or voided, not dismissed. And applied again it changes only what was wrong, so it may be rewound.
    """

    name: str
    log: Log[T]
    stuck: Literal["halt", "park"]
    apply: Callable[[Connection, Sequence[Entry[T]]], Awaitable[None]] | None = None
    says: Says[T] | None = None
    minds: Callable[[T], bool] | None = None
    touches: Callable[[T], Collection[str]] | None = None
    outside: Callable[[LogPosition], None] | None = None
    forget: str | None = None
    batch: int = 500
    shards: int = 1
    writes: tuple[str, ...] = ()
    by_set: bool = False

    @property
    def redone(self) -> bool:
        """Whether a crash may take the effect back together with the bookmark: it says nothing, it only derives."""
        return self.outside is None and EVENTS.table not in self.wakes

    @property
    def wakes(self) -> tuple[str, ...]:
        """The logs whose readers have news when it has taken effect."""
        return self.writes if self.says is None else (*self.writes, EVENTS.table)

    async def take_effect(self, connection: Connection, entries: Sequence[Entry[T]]) -> None:
        """Apply or say it, in the caller's transaction."""
        if self.apply is not None:
            await self.apply(connection, entries)
        if self.says is not None:
            await append(connection, await self.says(connection, entries))


def _mark(row: Any) -> LogPosition:
    return LogPosition(row["epoch"], row["tx"], row["position"])


class Overtaken(Exception):
    """Another process moved the bookmark, or it was paused; what was applied here is rolled back."""


@dataclass(slots=True)
class Following(Generic[T]):
    """One follower at work on one shard of its log, in this process."""

    pool: Pool
    follower: Follower[T]
    shard: int = 0
    tail: Tail | None = None  # shared with the other followers of the process; its own where none is given
    mark: LogPosition | None = None  # how far it has read
    saved: LogPosition | None = None  # where its bookmark stands: at `mark`, or before rows without an effect
    unsaved_since: float = 0.0  # monotonic seconds
    until: LogPosition | None = None  # do not read past it
    trouble: str | None = None  # the last error, shown in /followers
    idle: int = 0  # looks in a row that found nothing
    paused: bool = False  # the bookmark was, when it was read last: nothing is applied

    async def step(self) -> tuple[int, bool]:
        """Apply what has settled since the bookmark: (rows applied, whether rows wait at the horizon)."""
        try:
            if self.unsaved and time.monotonic() - self.unsaved_since > UNSAVED:
                await self.save()
            entries, held = await self._read()
            for chunk in self._chunks(entries):
                await self._apply(chunk)
        except Overtaken:
            self.mark = None
            return 0, False
        return len(entries), held

    async def _read(self) -> tuple[list[Entry[T]], bool]:
        f = self.follower
        if self.tail is None:
            self.tail = Tail(self.pool, f.log.table, f.log.columns, f.shards, self.shard)
        if self.mark is None:
            self.mark = self.saved = await self._bookmark()
        if self.mark is None:
            return [], False
        lines, held = await self.tail.after(self.mark, f.batch)
        self.idle = 0 if lines or held else self.idle + 1
        if self.idle == LOOK_AGAIN:
            self.mark, self.idle = None, 0
        entries: list[Entry[T]] = [line.entry(f.log.understand) for line in lines]
        if self.until is not None and entries and entries[-1].mark > self.until:
            return [entry for entry in entries if entry.mark <= self.until], False
        return entries, held

    async def _bookmark(self) -> LogPosition | None:
        """Where the bookmark stands; None while it is paused."""
        f = self.follower
        async with self.pool.acquire() as connection:
            row = await connection.fetchrow(BOOKMARK, f.name, self.shard)
            if row is None:
                await connection.execute(OPEN, f.name, self.shard)
                row = await connection.fetchrow(BOOKMARK, f.name, self.shard)
        assert row is not None
        self.paused = row["paused"]
        return None if self.paused else _mark(row)

    def _chunks(self, entries: list[Entry[T]]) -> Iterator[list[Entry[T]]]:
        """What goes into one transaction: up to the next row that touches a stream again. Unreadable rows alone."""
        if self.follower.touches is None and not any(isinstance(entry.item, Unreadable) for entry in entries):
            if entries:
                yield entries
            return
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
            if self._concerns_nobody(chunk):
                self._pass_by(chunk[-1].mark)
            elif self.follower.says is not None:
                await self._say(chunk, self.follower.says)
            else:
                await self._commit(chunk)
        except (Overtaken, *TRANSIENT):
            raise
        except Exception as error:
            if len(chunk) == 1:
                await self._give_up(chunk[0], error)
            else:
                for entry in chunk:
                    await self._apply([entry])

    def _concerns_nobody(self, chunk: Sequence[Entry[T]]) -> bool:
        minds = self.follower.minds
        return minds is not None and not any(minds(entry.item) for entry in chunk)

    def _pass_by(self, until: LogPosition) -> None:
        """Go on over rows without an effect. The bookmark follows with the next effect, or in a moment (`save`)."""
        if not self.unsaved:
            self.unsaved_since = time.monotonic()
        self.mark = until

    @property
    def unsaved(self) -> bool:
        """Whether the bookmark stands before rows that were read and have no effect."""
        return self.mark is not None and self.mark != self.saved

    async def save(self) -> None:
        """Move the bookmark over what was passed by. It needs no lock: there is nothing to do twice.

        Raises Overtaken when another process has moved it, or it was paused.
        """
        assert self.mark is not None
        if not await self.pool.fetchval(SAVE, *self._move_to(self.mark)):
            raise Overtaken
        self.saved = self.mark

    def _moved(self, until: LogPosition) -> None:
        self.mark = self.saved = until

    async def _say(self, chunk: Sequence[Entry[T]], says: Says[T]) -> None:
        """Load and decide, then append and move in one statement. Of two processes the second finds either moved."""
        async with self.pool.acquire() as connection:
            if appends := await says(connection, chunk):
                await append(connection, appends, moving=self._move_to(chunk[-1].mark))
                self._moved(chunk[-1].mark)
                return
        self._pass_by(chunk[-1].mark)

    def _move_to(self, until: LogPosition) -> tuple[str | int, ...]:
        assert self.saved is not None
        return (self.follower.name, self.shard, *until, *self.saved)

    async def _commit(self, chunk: Sequence[Entry[Any]], *, parking: Exception | None = None) -> None:
        f, since, until = self.follower, self.saved, chunk[-1].mark
        async with self.pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(TAKE_TURN, f.name, self.shard, f.redone)
            if row is None or row["paused"] or _mark(row) != since:
                raise Overtaken
            if f.outside is not None:
                f.outside(_mark(row))
            if parking is None:
                await f.take_effect(connection, chunk)
            else:
                stuck = chunk[0]
                await park(connection, f.name, stuck.subject, stuck.place, parking, stuck.row["data"])
            if not await connection.fetchval(MOVE, *self._move_to(until)):
                raise Overtaken
        self._moved(until)

    async def _give_up(self, entry: Entry[Any], error: Exception) -> None:
        if self.follower.stuck == "halt":
            raise error
        log.error("parked", follower=self.follower.name, place=entry.place, case_id=entry.subject, exc_info=error)
        await self._commit([entry], parking=error)

    async def run(self, bell: Wakeup, stopping: asyncio.Event) -> None:
        """Step until told to stop; then once more until nothing is left (what can be done is done)."""
        pause, pace, table = POLL, Pace(), self.follower.log.table
        while True:
            await pace.keep()
            heard, saved = bell.rung(table), self.saved
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
            if self.saved != saved:
                bell.ring(*self.follower.wakes)
            if applied:
                continue
            if stopping.is_set() and (not held or self.trouble):
                with suppress(Overtaken, *TRANSIENT):
                    if self.unsaved:
                        await self.save()
                return
            elif self.paused:  # no bell hurries it, only the end
                await rest(stopping, POLL)
            else:
                overtaken = self.mark is None and self.trouble is None
                idle = HELD if held else OVERTAKEN if overtaken else UNSAVED if self.unsaved else pause
                await bell.wait(table, heard, idle)


async def park(
    connection: Connection, follower: str, subject: str, place: str, reason: Exception | str, body: bytes
) -> None:
    """Set something aside with its reason and its bytes. Any text can be stored: what is no text is replaced."""
    if isinstance(reason, Exception):
        reason = f"{type(reason).__name__}: {reason}"
    await connection.execute(
        PARK, follower, storable(subject)[:LONGEST_SUBJECT], place, storable(reason)[:LONGEST_REASON], body
    )


async def replay(connection: Connection, follower: Follower[Any]) -> None:
    """Forget everything the follower made, so that it reads its log again from the start; in the caller's transaction.

    Raises ValueError for a follower that does not say how to forget.
    """
    if follower.forget is None:
        raise ValueError(f"{follower.name} does not say how to forget, so it cannot be replayed")
    for shard in range(follower.shards):
        await connection.execute(WAIT_LOCK, follower.name, shard)
    await connection.execute(follower.forget)
    await connection.execute(REWIND, follower.name)


async def rewind(connection: Connection, follower: Follower[Any], to: datetime) -> bool:
    """Let it read again what was recorded from an instant on; whether there is such a row behind its bookmark.

    Raises ValueError for a follower whose effect is no function of all facts of a case: it would do it twice.
    """
    if not follower.by_set:
        raise ValueError(f"{follower.name} would do again what it did, so it cannot be rewound")
    for shard in range(follower.shards):
        await connection.execute(WAIT_LOCK, follower.name, shard)
    return bool(await connection.fetch(REWIND_TO.format(table=follower.log.table), follower.name, to))
