"""What a follower saves itself: looks at logs that nobody wrote to, bookmarks that say little, waits for the disk."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from contracts.given import closed, eventually, line, rated, received, say, step, stream

from events.contracts.intake import CustomerRated
from events.operations.metrics import Horizon, standing
from events.store.database import Connection, Pool
from events.store.envelope import RecordedEvent
from events.subscriptions.follower import EVENTS, START, Entry, Follower, Following, bookmark_of
from events.subscriptions.wakeup import Wakeup

RELAY: Any = type("Relay", (), {"published": {}})


class Notes:
    """What was applied, and whether its commit was to wait for the disk."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.waits: list[str] = []

    def follower(self, **more: Any) -> Follower[RecordedEvent]:
        async def apply(connection: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
            self.seen += [entry.item.type for entry in entries]
            self.waits.append(await connection.fetchval("show synchronous_commit"))

        return Follower(name="notes", log=EVENTS, apply=apply, stuck="halt", **more)


def rates(said: RecordedEvent) -> bool:
    return isinstance(said.fact, CustomerRated)


async def test_a_ring_for_one_log_wakes_nobody_who_reads_another() -> None:
    bell = Wakeup()
    other = asyncio.create_task(bell.wait("inbox", bell.rung("inbox"), 30))
    own = asyncio.create_task(bell.wait("events", bell.rung("events"), 30))
    await asyncio.sleep(0)
    bell.ring("events")
    await own
    assert not other.done()
    assert bell.rung("inbox") == 0
    bell.ring_all()
    await other


async def test_rows_without_an_effect_are_passed_by_and_the_bookmark_follows(pool: Pool) -> None:
    """At once in what is told of its distance; in the table with the next effect."""
    notes = Notes()
    following = Following(pool, notes.follower(minds=rates))
    await say(pool, line(stream(), received()))
    await step(following)
    assert await bookmark_of(pool, "notes") == START
    async with pool.acquire() as connection:
        assert (await standing(connection, [following], None, RELAY, Horizon()))["followers"][0]["behind_events"] == 0
    await say(pool, line(stream(), rated(), expected=1))
    await step(following)
    assert notes.seen == ["CustomerRated"]
    assert await bookmark_of(pool, "notes") == following.mark


async def test_a_bookmark_that_was_left_behind_is_saved_in_a_moment_and_at_the_end(pool: Pool) -> None:
    following, bell, stopping = Following(pool, Notes().follower(minds=rates)), Wakeup(), asyncio.Event()
    task = asyncio.create_task(following.run(bell, stopping))
    await say(pool, line(stream(1), received()))
    await eventually(lambda: _stands_at(pool, 1))
    await say(pool, line(stream(2), received(), closed()))
    await eventually(lambda: following.unsaved or _stands_at(pool, 3))
    stopping.set()
    await task
    assert await bookmark_of(pool, "notes") == following.mark
    assert not following.unsaved


async def test_who_was_replayed_meanwhile_is_not_told_as_having_read(pool: Pool) -> None:
    """What a process remembers counts only while the bookmark stands where that process left it."""
    following = Following(pool, Notes().follower(forget="select 1"))
    await say(pool, line(stream(), received(), closed()))
    await step(following)
    await pool.execute("update bookmarks set epoch = 0, tx = '0', position = 0")
    async with pool.acquire() as connection:
        assert (await standing(connection, [following], None, RELAY, Horizon()))["followers"][0]["behind_events"] == 2


async def test_two_processes_pass_by_the_same_rows_and_one_applies(pool: Pool) -> None:
    notes = Notes()
    one, other = (Following(pool, notes.follower(minds=rates)) for _ in range(2))
    await say(pool, line(stream(), received()))
    await step(one)
    await step(other)
    await say(pool, line(stream(), rated(), expected=1))
    await step(one)
    assert await step(other) == 0  # overtaken: the bookmark is not where it left it
    assert await step(other) == 0
    assert notes.seen == ["CustomerRated"]


@pytest.mark.parametrize(
    ("more", "waits"),
    [({}, "off"), ({"writes": ("outgoing",)}, "off"), ({"writes": ("events",)}, "on"), ({"outside": print}, "on")],
)
async def test_only_what_is_said_or_sent_waits_for_the_disk(pool: Pool, more: dict[str, Any], waits: str) -> None:
    """What is derived is derived again from the bookmark, which was lost with it."""
    notes = Notes()
    following = Following(pool, notes.follower(**more))
    await say(pool, line(stream(), received()))
    await step(following)
    assert notes.waits == [waits]
    assert await pool.fetchval("show synchronous_commit") == "on"


async def _stands_at(pool: Pool, rows: int) -> bool:
    mark = await bookmark_of(pool, "notes")
    count = "select count(*) from events where (epoch, tx, position) <= ($1, $2, $3)"
    return bool(await pool.fetchval(count, *mark) == rows)
