"""The changes of live cases: to the compacted topic `sla.cases`, and to whoever follows over SSE."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import structlog
from aiokafka import AIOKafkaProducer

from events.kafka.topics import partition_of
from events.store.database import TRANSIENT, Connection, Pool
from events.subscriptions.follower import POLL, Entry, Follower, Log
from events.subscriptions.wakeup import Pace, Wakeup

# Only the holder of the judge's lock writes `changes`: what is committed is all there is below the highest position.
AFTER = "select position, subject, data, swap, hole from changes where position > $1 order by position limit $2"
LAST = "select coalesce(max(position), 0) from changes"
PAGE = 500
log = structlog.get_logger("sla.changes")


class Change(NamedTuple):
    """A case's status as JSON, with the position as its rising `revision`, and the swap that changed it, if one did.

    `hole`: all that changed is that the case became incomplete, or complete again.
    """

    position: int
    case_id: str
    status: bytes
    swap: str | None
    hole: bool


def change_of(row: Any) -> Change:
    position: int = row["position"]
    return Change(position, row["subject"], b'{"revision":%d,' % position + row["data"][1:], row["swap"], row["hole"])


CHANGES: Log[Change] = Log("changes", "subject, data, swap, hole", change_of)


def publisher(producer: AIOKafkaProducer, topic: str) -> Follower[Change]:
    """`sla.cases`: the latest status per case. A crash may repeat some; the topic is compacted by case."""

    async def apply(_: Connection, entries: Sequence[Entry[Change]]) -> None:
        latest = {entry.item.case_id: entry.item.status for entry in entries}
        partitions: dict[int, list[tuple[bytes, bytes]]] = {}
        for case_id, status in latest.items():
            key = case_id.encode()
            partitions.setdefault(partition_of(key), []).append((key, status))
        sent = []
        for partition, records in partitions.items():
            batch = producer.create_batch()
            for key, value in records:
                if batch.append(key=key, value=value, timestamp=None) is None:
                    batch.close()
                    sent.append(await producer.send_batch(batch, topic, partition=partition))
                    batch = producer.create_batch()
                    batch.append(key=key, value=value, timestamp=None)
            batch.close()
            sent.append(await producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*sent)

    return Follower(name="sla.cases", log=CHANGES, apply=apply, stuck="halt", outside=lambda _: None)


class Hub:
    """One reader of `changes` for all subscribers of this process; who is too slow reads on from the table."""

    def __init__(self, pool: Pool, bell: Wakeup) -> None:
        self.pool, self.bell = pool, bell
        self._subscribers: set[asyncio.Queue[Change | None]] = set()
        self._position: int | None = None  # None: nobody follows, so nothing is read

    async def run(self, stopping: asyncio.Event) -> None:
        pace = Pace()
        while not stopping.is_set():
            await pace.keep()
            rung = self.bell.rung(CHANGES.table)
            changes: list[Change] = []
            try:
                if not self._subscribers:
                    self._position = None
                elif self._position is not None:
                    changes = await self._page(self._position)
            except TRANSIENT as error:
                log.warning("waiting", doing="stream", error=repr(error))
            for change in changes:
                self._position = change.position
                for queue in list(self._subscribers):
                    self._give(queue, change)
            if not changes:
                await self.bell.wait(CHANGES.table, rung, POLL)
        for queue in self._subscribers:
            with suppress(asyncio.QueueFull):
                queue.put_nowait(None)

    async def follow(self, after: int | None) -> AsyncIterator[Change]:
        """Changes after a position, first from the table, then as they come. None: only those to come."""
        queue: asyncio.Queue[Change | None] = asyncio.Queue(maxsize=PAGE * 2)
        position = after if after is not None else await self._last()
        self._subscribers.add(queue)
        if self._position is None:  # before our own reading ends, so that nothing falls between
            self._position = await self._last()
        try:
            while page := await self._page(position):
                for change in page:
                    yield change
                    position = change.position
            while True:
                news = await queue.get()
                if news is None:
                    return
                if news.position > position:
                    yield news
                    position = news.position
        finally:
            self._subscribers.discard(queue)

    def _give(self, queue: asyncio.Queue[Change | None], change: Change) -> None:
        try:
            queue.put_nowait(change)
        except asyncio.QueueFull:  # it reconnects with Last-Event-ID and reads on from the table
            self._subscribers.discard(queue)
            queue.get_nowait()
            queue.put_nowait(None)

    async def _page(self, after: int) -> list[Change]:
        return [change_of(row) for row in await self.pool.fetch(AFTER, after, PAGE)]

    async def _last(self) -> int:
        last: int = await self.pool.fetchval(LAST)
        return last
