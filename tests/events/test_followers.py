"""Followers that an operator paused: nothing is applied by anybody until they are resumed, and they end at once."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from contracts.given import CASES, Rate, catch_up, eventually, line, received, say, step, stream

from events.commands.decider import Decider
from events.commands.handle import Moment
from events.contracts.intake import ApplicationReceived
from events.errors import Conflict
from events.operations import followers, parked
from events.operations.metrics import Horizon, standing
from events.operations.operator_action import OperatorAction
from events.store.database import Connection, Pool
from events.store.envelope import Cause, RecordedEvent
from events.subscriptions.follower import EVENTS, Entry, Follower, Following, LogPosition
from events.subscriptions.policy import obey
from events.subscriptions.wakeup import Wakeup

SEEN = "select id from seen order by number"
ACTS = "select count(*) from events where type = 'OperatorActed'"


@pytest.fixture(autouse=True)
async def seen(pool: Pool) -> None:
    """The effect: a row for each fact that was applied."""
    await pool.execute("create table seen (number serial, id text unique)")


@pytest.fixture
async def order(pool: Pool) -> OperatorAction:
    cause = Cause(correlation="o", causation="o", actor="staff-qn-07")
    now = await pool.fetchval("select clock_timestamp()")
    return OperatorAction(service="intake", cause=cause, moment=Moment(now=now), why="under-repair")


def writer(during: Callable[[], Any] | None = None, **more: Any) -> Follower[RecordedEvent]:
    """Notes each fact of a case; `during` happens in the middle of it."""

    async def note(connection: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
        await connection.executemany(
            "insert into seen (id) values ($1)", [(entry.item.id,) for entry in entries if minds(entry.item)]
        )
        if during is not None:
            await during()

    return Follower(name="seen", log=EVENTS, apply=note, minds=minds, stuck="park", forget="delete from seen", **more)


def minds(said: RecordedEvent) -> bool:
    """What operators do is on the same log."""
    return isinstance(said.fact, ApplicationReceived)


def policy() -> Follower[RecordedEvent]:
    """Rates what is received, in one statement with its bookmark."""
    decider: Decider[Any, Any] = CASES
    return obey("rates", decider, lambda heard: [(heard.subject, Rate(5))], hears=(ApplicationReceived,), log="events")


async def ids(pool: Pool) -> list[str]:
    return [row["id"] for row in await pool.fetch(SEEN)]


async def test_a_paused_follower_applies_nothing_and_goes_on_where_it_stood(pool: Pool, order: OperatorAction) -> None:
    """Not in the process that had read its bookmark, not in another, not after a restart."""
    here, there = Following(pool, writer()), Following(pool, writer())
    await say(pool, line(stream(1), received(1)))
    await catch_up(here)
    await catch_up(there)
    await followers.pause(pool, here.follower, order)
    await say(pool, line(stream(2), received(2)))
    for one in (here, here, there, there, Following(pool, writer())):
        assert await step(one) == 0
    assert (here.paused, there.paused) == (True, True)
    await followers.resume(pool, here.follower, order)
    await catch_up(here)
    assert await ids(pool) == [f"{stream(1)}@1", f"{stream(2)}@1"]


async def test_what_is_being_applied_when_the_pause_comes_is_rolled_back(pool: Pool, order: OperatorAction) -> None:
    """When the order is answered nothing of the follower commits any more."""
    await say(pool, line(stream(1), received(1)))

    async def pausing() -> None:
        await followers.pause(pool, writer(), order)

    following = Following(pool, writer(pausing))
    assert await step(following) == 0
    assert await ids(pool) == []
    assert await pool.fetchval(ACTS) == 1
    assert await pool.fetch("select 1 from parked") == []


async def test_a_policy_says_nothing_while_it_is_paused(pool: Pool, order: OperatorAction) -> None:
    """Its append and its bookmark are one statement; that one refuses too, and so does passing by."""
    following = Following(pool, policy())
    await catch_up(following)
    await followers.pause(pool, following.follower, order)
    await say(pool, line(stream(1), received(1)))
    bell, stopping = Wakeup(), asyncio.Event()
    task = asyncio.create_task(following.run(bell, stopping))
    await eventually(lambda: following.paused)
    assert await pool.fetchval("select count(*) from events where type = 'CustomerRated'") == 0
    await followers.resume(pool, following.follower, order)
    await eventually(lambda: pool.fetchval("select true from events where type = 'CustomerRated'"))
    stopping.set()
    bell.ring_all()
    await task


async def test_what_leaves_the_database_is_not_sent_while_paused(pool: Pool, order: OperatorAction) -> None:
    """It is noticed before the effect: what is sent cannot be rolled back."""
    sent: list[LogPosition] = []
    following = Following(pool, writer(outside=sent.append))
    await catch_up(following)
    await followers.pause(pool, following.follower, order)
    await say(pool, line(stream(1), received(1)))
    assert [await step(following), await step(following)] == [0, 0]
    assert sent == []


async def test_a_stop_does_not_wait_for_who_is_paused(pool: Pool, order: OperatorAction) -> None:
    """Whatever lies before it; and no bell hurries it meanwhile."""
    following, bell, stopping = Following(pool, writer()), Wakeup(), asyncio.Event()
    await followers.pause(pool, following.follower, order)
    await say(pool, line(stream(1), received(1)))
    task = asyncio.create_task(following.run(bell, stopping))
    await eventually(lambda: following.paused)
    stopping.set()
    await asyncio.wait_for(task, 5)
    assert await ids(pool) == []


async def test_no_bell_hurries_who_is_paused(pool: Pool, order: OperatorAction) -> None:
    """Under load it rings hundreds of times a second; who may do nothing does not listen."""

    class Listened(Wakeup):
        listened = 0

        async def wait(self, log: str, since: int, seconds: float) -> None:
            self.listened += 1
            await super().wait(log, since, seconds)

    following, bell, stopping = Following(pool, writer()), Listened(), asyncio.Event()
    await followers.pause(pool, following.follower, order)
    task = asyncio.create_task(following.run(bell, stopping))
    await eventually(lambda: following.paused)
    assert bell.listened == 0
    await followers.resume(pool, following.follower, order)
    await eventually(lambda: bell.listened)
    stopping.set()
    bell.ring_all()
    await task


async def test_a_pause_is_of_all_shards(pool: Pool, order: OperatorAction) -> None:
    """Those that never ran, too; it is one act."""
    follower = writer(shards=3)
    await followers.pause(pool, follower, order)
    for number in range(9):
        await say(pool, line(stream(number), received(number)))
    for shard in range(3):
        await step(Following(pool, follower, shard))
    assert await ids(pool) == []
    await followers.resume(pool, follower, order)
    for shard in range(3):
        await catch_up(Following(pool, follower, shard))
    assert len(await ids(pool)) == 9
    assert await pool.fetchval(ACTS) == 2


async def test_what_a_paused_follower_parked_is_not_applied_either(pool: Pool, order: OperatorAction) -> None:
    """Not at a start, which says nothing of it, and not by hand, which says why."""
    await say(pool, line(stream(1), received(1)))

    async def fail() -> None:
        raise ValueError("not yet")

    await step(Following(pool, writer(fail)))
    id = await pool.fetchval("select id from parked")
    mended = [Following(pool, writer())]
    await followers.pause(pool, writer(), order)
    assert await parked.retry(pool, mended) == 0
    with pytest.raises(Conflict, match="paused"):
        await parked.retry_one(pool, mended, id, order)
    await followers.resume(pool, writer(), order)
    assert await parked.retry(pool, mended) == 1
    assert await ids(pool) == [f"{stream(1)}@1"]


async def test_a_paused_follower_is_shown_as_behind_and_by_whom(pool: Pool, order: OperatorAction) -> None:
    """It is no trouble of its own: the service stays ready."""
    following = Following(pool, writer())
    relay: Any = type("Sent", (), {"published": {}})
    await followers.pause(pool, following.follower, order)
    await say(pool, line(stream(1), received(1)))
    await step(following)
    async with pool.acquire() as connection:
        (shown,) = (await standing(connection, [following], None, relay, Horizon()))["followers"]
    assert (shown["paused_by"], shown["paused_why"], shown["trouble"]) == ("staff-qn-07", "under-repair", None)
    assert shown["paused_at"] is not None
    assert shown["behind_events"] == 2  # the order itself is a fact


async def test_a_rewound_follower_reads_again_what_was_recorded_since(pool: Pool, order: OperatorAction) -> None:
    """And what stands behind it in the log, whenever it was recorded; said once, with its effect."""
    read: list[str] = []

    async def note(_: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
        read.extend(entry.item.id for entry in entries if minds(entry.item))

    def judge() -> Following[RecordedEvent]:
        return Following(pool, Follower(name="judge", log=EVENTS, apply=note, stuck="park", by_set=True))

    for number, day in enumerate((10, 12, 11, 14), start=1):
        await say(pool, line(stream(number), received(number), recorded_at=_july(day)))
    await catch_up(judge())
    read.clear()
    await followers.back(pool, judge().follower, order, _july(12))
    assert await pool.fetchval(ACTS) == 1
    await catch_up(judge())
    assert read == [f"{stream(number)}@1" for number in (2, 3, 4)]

    with pytest.raises(Conflict, match="has read nothing that was recorded since") as nothing:
        await followers.back(pool, judge().follower, order, _july(28) + timedelta(days=36_500))
    assert nothing.value.field == "to"
    await pool.execute("update bookmarks set epoch = 0, tx = '0', position = 0")
    with pytest.raises(Conflict):  # it never goes forward
        await followers.back(pool, judge().follower, order, _july(10))
    assert await pool.fetchval(ACTS) == 1


def _july(day: int) -> datetime:
    return datetime(2017, 7, day, 8, tzinfo=UTC)


async def test_a_replayed_follower_forgets_and_reads_again(pool: Pool, order: OperatorAction) -> None:
    """In the transaction in which it is said."""
    following = Following(pool, writer())
    await say(pool, line(stream(1), received(1)))
    await catch_up(following)
    await pool.execute("insert into seen (id) values ('wrong')")
    await followers.again(pool, following.follower, order)
    assert await ids(pool) == []
    await catch_up(Following(pool, writer()))
    assert await ids(pool) == [f"{stream(1)}@1"]
    assert await pool.fetchval(ACTS) == 1
