"""Policies: what we ask of ourselves when we hear a fact, exactly once, with the heard fact's time and cause."""

import asyncio
from collections.abc import Sequence

import pytest
from contracts.given import (
    CASES,
    MINUTE,
    NINE,
    Rate,
    Receive,
    case_id,
    eventually,
    line,
    rated,
    received,
    say,
    step,
    stream,
)

from events.contracts.intake import ApplicationReceived
from events.operations.parked import retry
from events.store.database import Connection, Pool
from events.store.envelope import RecordedEvent
from events.store.store import append, load
from events.subscriptions.follower import EVENTS, Entry, Follower, Following
from events.subscriptions.policy import obey
from events.subscriptions.wakeup import Wakeup

BROKEN: set[str] = set()


def _react(heard: RecordedEvent) -> Sequence[tuple[str, Receive | Rate]]:
    """Every receipt in our own log asks for a case of the next hundred, with two marks."""
    if heard.subject in BROKEN:
        raise LookupError("no such unit")
    number = int(heard.subject[-4:]) + 100
    if number >= 200:
        return []
    return [(case_id(number), Receive(number)), (case_id(number), Rate(4, number)), (case_id(number), Rate(5, number))]


@pytest.fixture(autouse=True)
def nothing_is_broken() -> None:
    BROKEN.clear()


def policy(log_clock: bool = False) -> Follower[RecordedEvent]:
    return obey("intake.next", CASES, _react, hears=(ApplicationReceived,), log="events", log_clock=log_clock)


async def _facts(pool: Pool, number: int) -> list[RecordedEvent]:
    async with pool.acquire() as connection:
        return (await load(connection, stream(number)))[stream(number)]


async def test_a_heard_fact_becomes_commands_with_its_time_and_cause(pool: Pool) -> None:
    """When it happened is when the heard fact happened; the chain of causes leads back to it."""
    heard = (await say(pool, line(stream(1), received(1), at=NINE + MINUTE)))[0]
    assert await step(Following(pool, policy())) == 1
    said = await _facts(pool, 101)
    assert [fact.fact for fact in said] == [received(101), rated(101, 4), rated(101, 5)]
    assert {fact.at for fact in said} == {NINE + MINUTE}
    assert {fact.cause.causation for fact in said} == {heard.id}
    assert {fact.cause.correlation for fact in said} == {heard.cause.correlation}
    assert {fact.cause.actor for fact in said} == {"policy-intake-next"}


@pytest.mark.parametrize("log_clock", [True, False])
async def test_in_log_mode_what_it_says_is_recorded_when_the_heard_fact_was(pool: Pool, log_clock: bool) -> None:
    """A demo's chain happens at one instant; in use the database's clock counts."""
    await say(pool, line(stream(1), received(1), recorded_at=NINE))
    await step(Following(pool, policy(log_clock)))
    assert ({fact.recorded_at for fact in await _facts(pool, 101)} == {NINE}) is log_clock


async def test_what_it_does_not_hear_only_moves_the_bookmark(pool: Pool) -> None:
    """Rows between two heard facts ride along with the second; the rest in one transaction."""
    await say(pool, line(stream(1), received(1), rated(1, 1), rated(1, 2)), line(stream(2), received(2), rated(2, 1)))
    following = Following(pool, policy())
    assert await step(following) == 5
    assert len(await _facts(pool, 101)) == len(await _facts(pool, 102)) == 3


async def test_a_policy_that_fails_parks_the_fact_and_hears_the_next(pool: Pool) -> None:
    """The case is incomplete until somebody mends it; the others are not."""
    BROKEN.add(case_id(2))
    for number in (1, 2, 3):
        await say(pool, line(stream(number), received(number)))
    following = Following(pool, policy())
    await step(following)
    assert [len(await _facts(pool, 100 + number)) for number in (1, 2, 3)] == [3, 0, 3]
    parked = await pool.fetch("select follower, subject, place, reason from parked where settled is null")
    assert [tuple(row) for row in parked] == [
        ("intake.next", case_id(2), f"{stream(2)}@1", "LookupError: no such unit")
    ]


async def test_a_parked_fact_is_heard_once_when_it_is_retried_in_two_processes(pool: Pool) -> None:
    """After the code is mended, at the start of each process and by hand."""
    BROKEN.add(case_id(2))
    await say(pool, line(stream(2), received(2)))
    following = Following(pool, policy())
    await step(following)
    assert await retry(pool, [following]) == 0
    assert await pool.fetchval("select attempts from parked") == 2
    BROKEN.clear()
    settled = await asyncio.gather(*(retry(pool, [Following(pool, policy())]) for _ in range(3)))
    assert sorted(settled) == [0, 0, 1]
    assert len(await _facts(pool, 102)) == 3
    assert await pool.fetchval("select settled from parked") == "retried"


async def test_an_effect_that_no_stream_guards_happens_once_on_retry_too(pool: Pool) -> None:
    """Of three processes that retry at once, two find it done when their turn comes."""
    await pool.execute("create table effects (id text)")
    broken = True

    async def apply(connection: Connection, entries: Sequence[Entry[RecordedEvent]]) -> None:
        if broken:
            raise LookupError("no such unit")
        await connection.execute("insert into effects values ($1)", entries[0].place)
        for _ in range(20):
            await connection.execute("select 1")

    follower = Follower(name="f", log=EVENTS, apply=apply, stuck="park")
    await say(pool, line(stream(1), received(1)))
    await step(Following(pool, follower))
    broken = False
    settled = await asyncio.gather(*(retry(pool, [Following(pool, follower)]) for _ in range(3)))
    assert sorted(settled) == [0, 0, 1]
    assert await pool.fetchval("select count(*) from effects") == 1


async def test_each_fact_is_answered_once_although_two_processes_hear_it(pool: Pool) -> None:
    """And although commands of people come to the same streams in between."""
    stopping, bell = asyncio.Event(), Wakeup()
    tasks = [asyncio.create_task(Following(pool, policy()).run(bell, stopping)) for _ in range(2)]
    for number in range(20):
        await say(pool, line(stream(number), received(number)))

    async def done() -> bool:
        return bool(await pool.fetchval("select count(*) = 80 from events"))

    await eventually(done)
    stopping.set()
    await asyncio.gather(*tasks)
    assert [len(await _facts(pool, 100 + number)) for number in range(20)] == [3] * 20
    assert await pool.fetchval("select count(*) from parked") == 0


WAITING = "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database())"


async def test_a_stream_that_moved_meanwhile_is_decided_again(pool: Pool) -> None:
    """Somebody appended between the policy's load and its append: not an error of the fact."""
    await say(pool, line(stream(1), received(1)))
    stopping = asyncio.Event()
    async with pool.acquire() as other:
        transaction = other.transaction()
        await transaction.start()
        await append(other, [line(stream(101), received(101))])
        task = asyncio.create_task(Following(pool, policy()).run(Wakeup(), stopping))
        await eventually(lambda: pool.fetchval(WAITING))
        await transaction.commit()

    async def done() -> bool:
        return len(await _facts(pool, 101)) == 3

    await eventually(done)
    stopping.set()
    await task
    assert await pool.fetchval("select count(*) from parked") == 0
