"""Followers: effect and bookmark commit together, one bad row stops nobody else, and nothing is applied twice."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import asyncpg
import pytest
from contracts.given import case_id, closed, eventually, line, rated, received, say, step, stream

from events.store.database import Connection, Pool
from events.store.envelope import RecordedEvent
from events.subscriptions.follower import EVENTS, Entry, Follower, Following, replay
from events.subscriptions.wakeup import Wakeup

SEEN = "select stream || '@' || version from seen order by number"
PARKED = "select subject, place, reason, body, attempts from parked order by id"
MARK = "select epoch, tx, position from bookmarks where name = 'seen'"


@pytest.fixture(autouse=True)
async def seen(pool: Pool) -> None:
    """The effect: a row for each fact that was applied; a second one for the same fact is an error."""
    await pool.execute("create table seen (number serial, stream text, version integer, unique (stream, version))")


def writer(
    bad: Callable[[RecordedEvent], bool] = lambda _: False, *, stuck: Literal["halt", "park"] = "park", **more: Any
) -> Follower[RecordedEvent]:
    """Notes each fact, then throws on the bad ones: what was noted before must be gone."""

    async def note(connection: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
        for entry in entries:
            await connection.execute(
                "insert into seen (stream, version) values ($1, $2)", entry.item.stream, entry.item.version
            )
            if bad(entry.item):
                raise ValueError(f"cannot read \x00 {entry.item.id}")

    forget = more.pop("forget", "delete from seen")
    return Follower(name="seen", log=EVENTS, apply=note, stuck=stuck, forget=forget, **more)


async def _ids(pool: Pool) -> list[str]:
    return [row[0] for row in await pool.fetch(SEEN)]


@asynccontextmanager
async def running(*followings: Following[Any]) -> AsyncIterator[None]:
    """The loops at work, as in a service, until the end of the block."""
    stopping, bell = asyncio.Event(), Wakeup()
    tasks = [asyncio.create_task(one.run(bell, stopping)) for one in followings]
    yield
    stopping.set()
    await asyncio.gather(*tasks)


async def _three(pool: Pool) -> list[str]:
    """Three cases with one fact each."""
    for number in (1, 2, 3):
        await say(pool, line(stream(number), received(number)))
    return [f"{stream(number)}@1" for number in (1, 2, 3)]


async def test_facts_are_applied_once_in_order(pool: Pool) -> None:
    """A second look finds nothing new, in this process and in the next."""
    ids = await _three(pool)
    following = Following(pool, writer())
    assert await step(following) == 3
    assert await step(following) == 0
    assert await step(Following(pool, writer())) == 0
    assert await _ids(pool) == ids


async def test_a_batch_is_as_long_as_the_follower_says(pool: Pool) -> None:
    """The rest comes with the next step."""
    await _three(pool)
    following = Following(pool, writer(batch=2))
    assert [await step(following), await step(following)] == [2, 1]


async def test_a_crash_after_the_effect_leaves_neither_effect_nor_bookmark(pool: Pool) -> None:
    """Half of a step is nothing; the next try does all of it."""
    ids = await _three(pool)
    with pytest.raises(ValueError, match="cannot read"):
        await step(Following(pool, writer(lambda fact: fact.id == ids[2], stuck="halt")))
    assert await pool.fetchrow(MARK) is not None
    assert tuple(await pool.fetchrow(MARK) or ()) > (0, 0, 0)  # the two before were tried again alone
    assert await _ids(pool) == ids[:2]
    assert await step(Following(pool, writer())) == 1
    assert await _ids(pool) == ids


async def test_one_bad_row_is_parked_and_the_others_go_on(pool: Pool) -> None:
    """With its case, its place, the reason and its bytes; whatever a message holds, it can be stored."""
    ids = await _three(pool)
    following = Following(pool, writer(lambda fact: fact.id == ids[1]))
    assert await step(following) == 3
    assert await _ids(pool) == [ids[0], ids[2]]
    parked = await pool.fetch(PARKED)
    assert [(row["subject"], row["place"]) for row in parked] == [(case_id(2), ids[1])]
    assert "ValueError: cannot read" in parked[0]["reason"]
    assert parked[0]["body"] == await pool.fetchval("select data from events where stream = $1", stream(2))
    assert await step(following) == 0


@pytest.mark.parametrize("statement", ["select 1/0", "selec", "insert into seen (version) values ('x')"])
async def test_a_row_that_breaks_the_transaction_is_parked_too(pool: Pool, statement: str) -> None:
    """An error of the database is an error of the row; the parking has a transaction of its own."""

    async def apply(connection: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
        if entries[0].item.version == 1:
            await connection.execute(statement)

    await say(pool, line(stream(), received(), rated()))
    follower = Follower(name="seen", log=EVENTS, apply=apply, stuck="park", batch=1)
    following = Following(pool, follower)
    assert [await step(following), await step(following)] == [1, 1]
    assert [row["place"] for row in await pool.fetch(PARKED)] == [f"{stream()}@1"]


async def test_a_value_that_the_driver_cannot_encode_is_parked_too(pool: Pool) -> None:
    """It is not the database that is away."""

    async def apply(connection: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
        await connection.execute("insert into seen (version) values ($1)", 2**40)

    await say(pool, line(stream(), received()))
    await step(Following(pool, Follower(name="seen", log=EVENTS, apply=apply, stuck="park")))
    assert "DataError" in (await pool.fetch(PARKED))[0]["reason"]


async def test_a_bad_row_halts_who_may_not_pass_it_and_mending_lets_them_go_on(pool: Pool) -> None:
    """The trouble is shown while it lasts; what came before was applied, what comes after waits."""
    ids = await _three(pool)
    broken = {ids[1]}
    following = Following(pool, writer(lambda fact: fact.id in broken, stuck="halt"))
    async with running(following):
        await eventually(lambda: following.trouble)
        assert following.trouble is not None
        assert following.trouble.startswith("halted: ValueError")
        assert await _ids(pool) == ids[:1]
        assert await pool.fetch(PARKED) == []
        broken.clear()
        await eventually(lambda: following.trouble is None)
    assert await _ids(pool) == ids


async def test_two_processes_with_one_name_apply_each_row_once(pool: Pool) -> None:
    """Whoever holds the lock works; the other finds the bookmark moved and goes on from there."""
    async with running(*(Following(pool, writer(batch=3)) for _ in range(3))):
        ids = []
        for number in range(30):
            ids += [fact.id for fact in await say(pool, line(stream(number), received(number), rated(number)))]
        await eventually(lambda: _all_there(pool, 60))
    assert await _ids(pool) == ids
    assert await pool.fetch(PARKED) == []


async def _all_there(pool: Pool, count: int) -> bool:
    return len(await _ids(pool)) == count


async def test_shards_share_the_log_by_case(pool: Pool) -> None:
    """Each case is one shard's, whole and in order; together they have everything."""
    for number in range(20):
        await say(pool, line(stream(number), received(number), rated(number)))
    parts = []
    for shard in range(3):
        before = len(await _ids(pool))
        await step(Following(pool, writer(shards=3), shard))
        parts.append((await _ids(pool))[before:])
    assert sum(len(part) for part in parts) == 40
    assert all(part for part in parts)
    cases = [{id.partition("@")[0] for id in part} for part in parts]
    assert sum(len(part) for part in cases) == 20
    assert all(part.index(f"{case}@1") < part.index(f"{case}@2") for part in parts for case in
               {id.partition("@")[0] for id in part})  # fmt: skip


async def _damage(pool: Pool, number: int) -> None:
    """Bytes that no longer keep their contract, as after a bad disk or a wrong upcast."""
    await pool.execute("alter table events disable trigger events_append_only")
    await pool.execute("update events set data = '{\"case_id\": 7}' where stream = $1", stream(number))


async def test_an_unreadable_row_is_parked_with_its_bytes(pool: Pool) -> None:
    """The rows before and after it are applied."""
    ids = await _three(pool)
    await _damage(pool, 2)
    following = Following(pool, writer())
    async with running(following):
        await eventually(lambda: _all_there(pool, 2))
    assert await _ids(pool) == [ids[0], ids[2]]
    parked = await pool.fetch(PARKED)
    assert [(row["subject"], row["place"], row["body"]) for row in parked] == [(case_id(2), ids[1], b'{"case_id": 7}')]
    assert "case_id" in parked[0]["reason"]


async def test_an_unreadable_row_in_two_processes_troubles_neither(pool: Pool) -> None:
    """Only one parks it; the other goes on from there without an alarm."""
    await _three(pool)
    await _damage(pool, 1)
    first, second = Following(pool, writer()), Following(pool, writer())
    async with pool.acquire() as holder:
        second.mark = first.mark = None
        await holder.execute("select pg_advisory_lock(hashtextextended(current_schema() || '.seen', 0))")
        assert await step(first) == 0  # overtaken: the lock is another's
        await holder.execute("select pg_advisory_unlock_all()")
    assert await step(first) == 3
    assert await step(second) == 0
    assert [row["attempts"] for row in await pool.fetch(PARKED)] == [1]


async def test_an_unreadable_row_halts_who_may_not_pass_it(pool: Pool) -> None:
    """A projection that halts shows nothing rather than something wrong."""
    ids = await _three(pool)
    await _damage(pool, 2)
    following = Following(pool, writer(stuck="halt"))
    async with running(following):
        await eventually(lambda: following.trouble)
        assert "Unreadable" in str(following.trouble)
    assert await _ids(pool) == ids[:1]


async def test_a_type_that_nobody_knows_blocks_nothing(pool: Pool) -> None:
    """It is handed on without a fact, for whoever cares."""
    await _three(pool)
    await pool.execute("alter table events disable trigger events_append_only")
    await pool.execute("update events set type = 'NeverHeardOf' where stream = $1", stream(2))
    facts: list[Any] = []

    async def apply(_: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
        facts.extend(entry.item.fact for entry in entries)

    await step(Following(pool, Follower(name="any", log=EVENTS, apply=apply, stuck="halt")))
    assert facts == [received(1), None, received(3)]


async def test_a_replay_forgets_and_reads_again(pool: Pool) -> None:
    """Also in a process that had caught up and to which nothing new comes."""
    ids = await _three(pool)
    following = Following(pool, writer())
    async with running(following):
        await eventually(lambda: _all_there(pool, 3))
        await pool.execute("insert into seen (stream, version) values ('wrong', 1)")
        await _replay(pool, following.follower)
        await eventually(lambda: _all_there(pool, 3))
    assert await _ids(pool) == ids


async def _replay(pool: Pool, follower: Follower[Any]) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await replay(connection, follower)


async def test_who_cannot_forget_cannot_be_replayed(pool: Pool) -> None:
    """A relay or a policy would say everything a second time."""
    with pytest.raises(ValueError, match="forget"):
        await _replay(pool, writer(forget=None))


async def test_a_follower_that_is_told_to_stop_does_what_is_left(pool: Pool) -> None:
    """A graceful stop leaves nothing undone that could be done."""
    following, stopping = Following(pool, writer(batch=1)), asyncio.Event()
    await _three(pool)
    stopping.set()
    await following.run(Wakeup(), stopping)
    assert len(await _ids(pool)) == 3


async def test_the_database_away_is_waited_for_and_nothing_is_parked(pool: Pool) -> None:
    """A lost connection is not the row's fault."""
    away = True

    async def apply(connection: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
        if away:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        await writer().take_effect(connection, entries)

    await _three(pool)
    following = Following(pool, Follower(name="seen", log=EVENTS, apply=apply, stuck="park"))
    async with running(following):
        await eventually(lambda: following.trouble)
        assert str(following.trouble).startswith("waiting")
        away = False
        await eventually(lambda: _all_there(pool, 3))
        await eventually(lambda: following.trouble is None)
    assert await pool.fetch(PARKED) == []


async def test_a_closed_case_is_seen_within_a_moment_of_the_bell(pool: Pool) -> None:
    """Who appends in the same process rings; the loop does not wait for its next look."""
    bell, stopping = Wakeup(), asyncio.Event()
    following = Following(pool, writer())
    task = asyncio.create_task(following.run(bell, stopping))
    await say(pool, line(stream(), received(), closed()))
    bell.ring("events")
    await eventually(lambda: _all_there(pool, 2), within=5)
    stopping.set()
    await task
