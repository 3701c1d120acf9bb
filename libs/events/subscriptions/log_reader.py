"""The end of a log, read once for all followers of a process.

Followers of one log stand at nearly the same place. Whoever comes first to the end reads on from there; the others are
given the same lines, decoded once. Who stands elsewhere (far behind, or moved on by another process) reads for itself.
"""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from events.errors import Unreadable
from events.store.database import Pool
from events.store.envelope import RecordedEvent
from events.store.store import COLUMNS, recorded_from
from events.subscriptions.wakeup import Wakeup

T = TypeVar("T")

# A row at or above the horizon belongs to a transaction that may still be writing: reading past it would lose it.
# The horizon stands in a sub-select so that it is asked for once, not once a row.
READ = """
select epoch, tx, position, epoch < (select epoch from cluster)
       or tx < (select pg_snapshot_xmin(pg_current_snapshot())) as settled, {columns}
from {table}
where (epoch, tx, position) > ($1, $2, $3)
  and ($5 = 1 or (hashtext(subject) & 2147483647) % $5 = $6)
order by epoch, tx, position limit $4
"""
KEEP = 10_000  # lines that are remembered for those who come later
FRESH, FRESH_HELD = 0.05, 0.003  # seconds for which a look that found nothing, or a row at the horizon, serves all


class LogPosition(NamedTuple):
    """A place in a log; everything up to it has been applied."""

    epoch: int
    tx: int
    position: int


START = LogPosition(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Log(Generic[T]):
    """A table that is read in the order (epoch, tx, position), and how one row of it is understood."""

    table: str
    columns: str
    understand: Callable[[Any], T]


class Entry(NamedTuple, Generic[T]):
    """One row of a log: where it stands, and what it says (an Unreadable when it cannot be understood)."""

    mark: LogPosition
    row: Any
    item: T

    @property
    def subject(self) -> str:
        """What it is about: the case, or the stream."""
        subject: str = self.row["subject"]
        return subject

    @property
    def place(self) -> str:
        """What it is parked under: the event's id, or its position in a log of something else."""
        return f"{self.row['stream']}@{self.row['version']}" if "stream" in self.row else str(self.mark.position)


EVENTS: Log[RecordedEvent] = Log("events", COLUMNS, recorded_from)
INBOX: Log[RecordedEvent] = Log("inbox", COLUMNS, recorded_from)


class Line:
    """A settled row, and what was understood by whoever looked at it last."""

    __slots__ = ("_entry", "_understood", "mark", "row")

    def __init__(self, mark: LogPosition, row: Any) -> None:
        self.mark, self.row = mark, row
        self._understood: Callable[[Any], Any] | None = None
        self._entry: Entry[Any]

    def entry(self, understand: Callable[[Any], Any]) -> Entry[Any]:
        """The row as an entry."""
        if self._understood is not understand:
            row = self.row
            try:
                item = understand(row)
            except Unreadable as error:
                item = error
            self._understood, self._entry = understand, Entry(self.mark, row, item)
        return self._entry


class Tail:
    """The last settled rows of a table (or of one shard of it): everything after `begin`, up to the last line."""

    def __init__(
        self, pool: Pool, table: str, columns: str, shards: int = 1, shard: int = 0, bell: Wakeup | None = None
    ) -> None:
        self.pool, self.table, self.shards, self.shard, self.bell = pool, table, shards, shard, bell
        self._query = READ.format(table=table, columns=columns)
        self._begin = START
        self._lines: list[Line] = []
        self._reading = asyncio.Lock()
        self._looked, self._held = 0.0, False  # when the end was last read from, in monotonic seconds; what it found

    @property
    def _end(self) -> LogPosition:
        return self._lines[-1].mark if self._lines else self._begin

    async def after(self, mark: LogPosition, limit: int) -> tuple[Sequence[Line], bool]:
        """The settled rows after a place, at most `limit`, and whether the next one waits at the horizon."""
        if not self._begin <= mark < self._end:
            async with self._reading:
                if mark == self._end and self._is_fresh():
                    return [], self._held
                if not self._begin <= mark < self._end:  # nobody has read it meanwhile
                    return await self._read(mark, limit)
        first = bisect_right(self._lines, mark, key=lambda line: line.mark)
        return self._lines[first : first + limit], False

    def _is_fresh(self) -> bool:
        """Whether somebody has looked at the end since the bell rang, and just now: others need not."""
        if self.bell is None or self._looked <= self.bell.at(self.table):
            return False
        return time.monotonic() - self._looked < (FRESH_HELD if self._held else FRESH)

    async def _read(self, mark: LogPosition, limit: int) -> tuple[Sequence[Line], bool]:
        looked = time.monotonic()
        rows = await self.pool.fetch(self._query, *mark, limit, self.shards, self.shard)
        settled = [Line(LogPosition(row["epoch"], row["tx"], row["position"]), row) for row in rows if row["settled"]]
        if mark > self._end:  # another process has moved the bookmark: what we remember ends before it
            self._begin, self._lines = mark, []
        if mark == self._end:
            self._held = len(settled) < len(rows)
            self._looked = looked if self._held or len(rows) < limit else 0.0  # a full page is not the end
            self._lines += settled
            if len(self._lines) > 2 * KEEP:
                self._begin = self._lines[-KEEP - 1].mark
                del self._lines[:-KEEP]
        return settled, len(settled) < len(rows)


class Tails:
    """One Tail for each log that the followers of a process read."""

    def __init__(self, pool: Pool, bell: Wakeup) -> None:
        self.pool, self.bell = pool, bell
        self._tails: dict[tuple[str, str, int, int], Tail] = {}

    def of(self, log: Log[Any], shards: int, shard: int) -> Tail:
        key = log.table, log.columns, shards, shard
        if key not in self._tails:
            self._tails[key] = Tail(self.pool, *key, bell=self.bell)
        return self._tails[key]
