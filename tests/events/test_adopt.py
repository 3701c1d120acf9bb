"""A log restored from an older backup: refused at the start, brought up to its topics, then as if never lost."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from contracts.given import case_id, catch_up, closed, line, rated, received, say, step, stream
from contracts.sending import producing, transact
from events_restored import BOOKMARK, ROWS, System, tiny

from events.errors import NotOurCluster, OnedoorError, StoreBehind
from events.kafka.cloudevent import to_cloudevent
from events.kafka.topics import partition_of
from events.service import adopt as module
from events.service.refill import Regained
from events.store import database
from events.store.database import LOG
from events.subscriptions.follower import EVENTS, Follower, Following

NOTHING = Regained(missing={}, forked=0, loose=0, unsent=0, news=False)


@pytest.fixture
async def system(database: Mapping[str, str], kafka: str, topic_prefix: str, tmp_path: Path) -> System:
    return System(tiny(tmp_path), kafka, topic_prefix, database["routing"], database["intake"])


@pytest.fixture
async def lost(system: System) -> System:
    """Three facts in the backup, four more that were published; one of them of a stream that the backup knows."""
    async with system.at_work(old=True) as (pool, relay):
        await say(pool, line(stream(1), received(1), rated(1)))
        await say(pool, line(stream(2), received(2)))
        await say(pool, line(stream(1), closed(1), expected=2))
        await say(pool, line(stream(3), received(3), rated(3), closed(3)))
        await catch_up(relay)
    await system.restore(3)
    return system


async def test_a_store_behind_its_topics_is_refused(lost: System) -> None:
    """Whatever the cluster calls itself: a copy of its files has the same identifier."""
    async with lost.log(lost.new) as pool:
        with pytest.raises(StoreBehind, match=r"ends with case-.*onedoor db adopt"):
            await lost.refuse(pool)


async def test_a_store_that_has_it_all_is_not(lost: System) -> None:
    """Nor one whose topics end with what somebody else wrote there."""
    async with lost.log(lost.old) as pool:
        await lost.refuse(pool)
        async with producing(lost.kafka) as producer:
            for number in range(12):
                await producer.send_and_wait(lost.topic, b"nonsense", partition=number)
            row = dict((await pool.fetch(ROWS))[0], stream="case-of-others", subject="others")
            await producer.send_and_wait(lost.topic, to_cloudevent(row, "/elsewhere"), partition=0)
        await lost.refuse(pool)


async def test_everything_published_comes_back_as_it_was(lost: System) -> None:
    """Every column of every row; the relay sends none of it again, and new facts go on behind."""
    before = await lost.sent()
    done = await lost.adopt()
    assert (done.needed, done.epoch, done.found.missing) == (True, 2, {"case": 4})
    assert await lost.rows(lost.new) == await lost.rows(lost.old)
    async with lost.at_work() as (pool, relay):
        await lost.refuse(pool)
        await catch_up(relay)
        assert await lost.sent() == before
        await say(pool, line(stream(2), rated(2), expected=1), line(stream(1), rated(1), expected=3))
        assert await step(relay) == 2
    new = [id for id in await lost.sent() if id not in before]
    assert sorted(new) == [f"{stream(1)}@4", f"{stream(2)}@2"]


async def test_a_follower_reads_what_came_back_once_and_in_order(lost: System) -> None:
    """From where its bookmark stood in the backup."""
    seen: list[str] = []

    async def apply(_: Any, entries: Sequence[Any]) -> None:
        seen.extend(entry.item.id for entry in entries)

    await lost.adopt()
    async with lost.at_work() as (pool, _):
        await pool.execute(BOOKMARK.replace("relay", "reader"), 2**40 + 2, 3)
        reader = Following(pool, Follower(name="reader", log=EVENTS, apply=apply, stuck="halt"))
        await catch_up(reader)
        await say(pool, line(stream(9), received(9)))
        await catch_up(reader)
    assert sorted(seen[:-1]) == [f"{stream(1)}@3", *(f"{stream(3)}@{n}" for n in (1, 2, 3))]
    assert [id for id in seen if id.startswith(stream(3))] == [f"{stream(3)}@{n}" for n in (1, 2, 3)]
    assert seen[-1] == f"{stream(9)}@1"


async def test_the_inbox_hears_what_was_said_since(lost: System) -> None:
    """Up to the topics' ends before the service starts, so that its tables are put right with all of it."""
    await lost.adopt()
    async with lost.log(lost.new) as pool:
        assert await pool.fetchval("select count(*) from inbox where epoch = 2") == 7
        assert await pool.fetchval("select sum(next_offset) from heard") == 7


async def test_markers_and_aborted_records_are_no_part_of_the_log(lost: System) -> None:
    """Where somebody wrote in transactions behind us: what was aborted is neither brought back nor heard."""
    row = dict((await lost.rows(lost.old))[0], version=77)
    for number in range(12):
        await transact(lost.kafka, lost.topic, to_cloudevent(row, "/onedoor/intake"), abort=True, partition=number)
    async with asyncio.timeout(30):
        done = await lost.adopt()
    assert (done.found.missing, done.found.loose) == ({"case": 4}, 0)
    assert await lost.rows(lost.new) == await lost.rows(lost.old)
    async with lost.at_work() as (pool, relay):
        await lost.refuse(pool)
        await catch_up(relay)
        assert await pool.fetchval("select sum(next_offset) from heard") == 7 + 12 * 2
        assert await pool.fetchval("select count(*) from parked") == 0


async def test_a_trial_says_the_same_and_changes_nothing(lost: System) -> None:
    """Not even what a newer version would add to the tables."""
    tables = "select count(*) from pg_class where relnamespace = current_schema()::regnamespace"
    async with lost.log(lost.new) as pool:
        before = await pool.fetch(ROWS), await pool.fetch("select * from cluster"), await pool.fetchval(tables)
    trial = await lost.adopt(dry_run=True)
    async with lost.log(lost.new) as pool:
        after = await pool.fetch(ROWS), await pool.fetch("select * from cluster"), await pool.fetchval(tables)
    assert after == before
    assert trial.found == (await lost.adopt()).found


async def test_the_second_run_finds_nothing_to_do(lost: System) -> None:
    """And raises no epoch."""
    await lost.adopt()
    again = await lost.adopt()
    assert (again.needed, again.found) == (False, NOTHING)
    async with lost.log(lost.new) as pool:
        assert await pool.fetchval("select epoch from cluster") == 2


async def test_a_run_that_was_killed_is_run_again(lost: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the facts and the end the service still refuses to start."""

    async def killed(*_: Any) -> None:
        raise SystemError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(module, "_hear", killed)
        with pytest.raises(SystemError):
            await lost.adopt()
    async with lost.log(lost.new) as pool:
        with pytest.raises(NotOurCluster):
            await database.migrate(pool, LOG)
    done = await lost.adopt()
    assert (done.needed, done.found.missing) == (True, {})
    assert await lost.rows(lost.new) == await lost.rows(lost.old)
    async with lost.at_work() as (pool, relay):
        await catch_up(relay)
    assert len(await lost.sent()) == 7


async def test_a_service_that_is_at_work_is_left_alone(lost: System) -> None:
    """Two would write to one log."""
    async with lost.log(lost.new):
        with pytest.raises(OnedoorError, match="intake is at work"):
            await lost.adopt()


async def test_an_empty_store_gets_everything(system: System) -> None:
    """No backup at all: the topics have it."""
    async with system.at_work(old=True) as (pool, relay):
        await say(pool, *(line(stream(n), received(n), rated(n)) for n in range(30)))
        await catch_up(relay)
    await system.restore(0)
    assert (await system.adopt()).found.missing == {"case": 60}
    assert await system.rows(system.new) == await system.rows(system.old)


async def test_a_service_s_own_tables_are_put_right_last(lost: System) -> None:
    """By its own function, which then sees the whole log and the whole inbox."""
    (lost.service.migrations / "0001_own.sql").write_text(
        "create table found (events bigint, inbox bigint);"
        "create or replace function adopted() returns void language sql as $$"
        " insert into found select (select count(*) from events), (select count(*) from inbox) $$;"
    )
    await lost.adopt()
    async with lost.log(lost.new) as pool:
        assert [tuple(row) for row in await pool.fetch("select * from found")] == [(7, 7)]


async def test_what_was_said_before_the_adoption_is_forked_and_shown(lost: System) -> None:
    """Somebody wrote into the restored log by hand. Both bodies stay: the store's is sent, behind all that was
    published; the published one is shown. What followed that one comes back: no id after it has two bodies."""
    async with lost.log(lost.new) as pool:
        await say(pool, line(stream(1), rated(1, 1), expected=2))  # the backup ends with version 2
        await say(pool, line(stream(3), received(3)), line(stream(7), received(7)))
    before = await lost.sent()
    done = await lost.adopt()
    assert (done.found.missing, done.found.forked, done.found.unsent) == ({"case": 2}, 2, 3)
    async with lost.at_work() as (pool, relay):
        parked = await pool.fetch("select follower, subject, reason from parked order by subject")
        assert [(row["follower"], row["subject"]) for row in parked] == [("adopt", case_id(1)), ("adopt", case_id(3))]
        assert all(row["reason"].startswith("forked: ") for row in parked)
        assert await pool.fetchval("select count(*) from events where stream = $1", stream(3)) == 3
        await lost.refuse(pool)
        await catch_up(relay)
    sent = await lost.sent()
    assert sorted(set(sent)) == sorted({*before, f"{stream(7)}@1"})
    assert sorted(id for id in set(sent) if sent.count(id) > 1) == [f"{stream(1)}@3", f"{stream(3)}@1"]
    assert len(sent) == len(before) + 3
    again = await lost.adopt()
    assert (again.needed, again.found.forked) == (False, 2)


async def test_a_record_that_follows_nothing_is_set_aside(lost: System) -> None:
    """Under our name, with a hash that fits nowhere. It is shown; and what is known is no reason not to start."""
    async with lost.log(lost.old) as pool:
        row = dict((await pool.fetch(ROWS))[0], stream=stream(8), subject=case_id(8), version=5)
    async with producing(lost.kafka) as producer:
        partition = partition_of(case_id(8).encode())
        await producer.send_and_wait(lost.topic, to_cloudevent(row, "/onedoor/intake"), partition=partition)
    assert (await lost.adopt()).found.loose == 1
    async with lost.log(lost.new) as pool:
        assert await pool.fetchval("select count(*) from events where stream = $1", stream(8)) == 0
        assert await pool.fetchval("select reason from parked where follower = 'adopt'") == (
            f"loose: {stream(8)}@5 was published and follows nothing that the store or the topics have"
        )
        await lost.refuse(pool)


async def test_the_log_stays_append_only(lost: System) -> None:
    """The one function that moves a row's place leaves the guard where it was."""
    await test_what_was_said_before_the_adoption_is_forked_and_shown(lost)
    async with lost.log(lost.new) as pool:
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await pool.execute("update events set actor = 'nobody'")
