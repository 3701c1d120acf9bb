"""The order in which a log is read: with many writers at once a reader loses nothing and sees each stream in order."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from contracts.given import eventually, line, rated, received, say, step, stream

from events.errors import WrongVersion
from events.store.database import Connection, Pool
from events.store.envelope import RecordedEvent
from events.store.store import append, load
from events.subscriptions.follower import EVENTS, Entry, Follower, Following
from events.subscriptions.wakeup import Wakeup

WRITERS, STREAMS, APPENDS = 8, 5, 40


def _reader(seen: list[RecordedEvent]) -> Follower[RecordedEvent]:
    async def note(_: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
        seen.extend(entry.item for entry in entries)

    return Follower(name="reader", log=EVENTS, apply=note, stuck="halt", batch=7)


async def test_a_reader_behind_eight_writers_loses_nothing_and_keeps_the_order_of_streams(pool: Pool) -> None:
    """Transactions of all lengths commit in any order; what the horizon lets through is settled."""
    seen: list[RecordedEvent] = []
    stopping = asyncio.Event()
    reader = asyncio.create_task(Following(pool, _reader(seen)).run(Wakeup(), stopping))
    gate = asyncio.Semaphore(WRITERS)

    async def write(turn: int) -> None:
        """Load, decide, append, and hold the transaction open for a while, as `also` does."""
        name = stream(turn % STREAMS)
        async with gate:
            while True:
                try:
                    async with pool.acquire() as connection, connection.transaction():
                        past = (await load(connection, name))[name]
                        fact = rated(turn % STREAMS) if past else received(turn % STREAMS)
                        await append(connection, [line(name, fact, expected=len(past))])
                        for _ in range(turn % 4):
                            await connection.execute("select 1")
                    return
                except WrongVersion:
                    continue

    await asyncio.gather(*(write(turn) for turn in range(APPENDS * STREAMS)))
    await eventually(lambda: len(seen) >= APPENDS * STREAMS)
    stopping.set()
    await reader
    versions = defaultdict(list)
    for fact in seen:
        versions[fact.stream].append(fact.version)
    assert versions == {stream(number): list(range(1, APPENDS + 1)) for number in range(STREAMS)}


async def test_a_row_behind_an_open_transaction_waits_and_is_not_passed_over(pool: Pool) -> None:
    """The earlier transaction commits last; a reader that followed a counter would never see its row."""
    seen: list[RecordedEvent] = []
    following = Following(pool, _reader(seen))
    async with pool.acquire() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await append(slow, [line(stream(1), received(1))])
        await say(pool, line(stream(2), received(2)))
        assert await following.step() == (0, True)
        assert await pool.fetchval("select max(position) from events") == 2  # what a naive reader would go on from
        await transaction.commit()
    assert await step(following) == 2
    assert [fact.stream for fact in seen] == [stream(1), stream(2)]


async def test_what_was_settled_before_an_open_transaction_is_read_at_once(pool: Pool) -> None:
    """Only what comes after the open transaction waits."""
    seen: list[RecordedEvent] = []
    following = Following(pool, _reader(seen))
    await say(pool, line(stream(1), received(1)))
    async with pool.acquire() as slow, slow.transaction():
        await append(slow, [line(stream(2), received(2))])
        await say(pool, line(stream(3), received(3)))
        assert await following.step() == (1, True)
        assert await following.step() == (0, True)
    assert await step(following) == 2


async def test_an_aborted_transaction_holds_nobody_back(pool: Pool) -> None:
    """Its row never was; readers go on."""
    seen: list[RecordedEvent] = []
    following = Following(pool, _reader(seen))
    async with pool.acquire() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await append(slow, [line(stream(1), received(1))])
        await say(pool, line(stream(2), received(2)))
        await transaction.rollback()
    assert await step(following) == 1


async def test_an_adopted_log_is_read_on_although_its_numbers_began_again(pool: Pool) -> None:
    """After a restore transaction numbers are lower; the epoch puts the new rows behind the old ones."""
    seen: list[RecordedEvent] = []
    following = Following(pool, _reader(seen))
    # as it is in the restored cluster: the old log's numbers are far above the new horizon
    await pool.execute("alter table events disable trigger events_append_only")
    await say(pool, line(stream(1), received(1)))
    await pool.execute("update events set tx = '99999999'")
    assert await following.step() == (0, True)
    await pool.execute("update cluster set epoch = 2")
    await say(pool, line(stream(1), rated(1), expected=1))
    assert await step(following) == 2
    assert [fact.version for fact in seen] == [1, 2]
